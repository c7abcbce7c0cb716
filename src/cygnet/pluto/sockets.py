"""pluto's IKE sockets: those that starter opened, else its own, else raw ones beside who has the ports."""

import os
from collections.abc import Callable, Iterable

from cygnet.base.addresses import Address
from cygnet.pluto.backends.configuration import ShellSettings
from cygnet.runtime.counters import Counters
from cygnet.runtime.network.choosing import open_ike_socket
from cygnet.runtime.network.datagrams import IkeSocket
from cygnet.runtime.network.settings import SocketSettings


def open_sockets(
    settings: ShellSettings, counters: Counters, local_addresses: Callable[[], Iterable[Address]]
) -> IkeSocket:
    """The sockets of ``pluto.socket``; raw ones let IKEv1 through. Raises ``SocketError``."""
    wanted = SocketSettings(settings.port, settings.port_nat_t, max_packet=settings.max_packet, version=1)
    return open_ike_socket(settings.socket, wanted, os.environ, counters, local_addresses=local_addresses)
