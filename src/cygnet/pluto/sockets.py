"""pluto's IKE sockets: those that starter opened, else its own, else raw ones beside who has the ports."""

import os
import socket
from collections.abc import Callable, Iterable, Mapping

from cygnet.base.addresses import Address
from cygnet.pluto.backends.configuration import ShellSettings
from cygnet.runtime.counters import Counters
from cygnet.runtime.network.choosing import open_ike_socket
from cygnet.runtime.network.datagrams import IkeSocket
from cygnet.runtime.network.raw import open_esp_sockets
from cygnet.runtime.network.settings import SocketSettings


def open_for_espd(ike: IkeSocket) -> Mapping[str, socket.socket]:
    """What espd needs for ESP in UDP, by name, where starter gave it nothing; the caller keeps them.

    Raw ones, whatever pluto's own are: they take copies of what comes to the NAT-T port. Raises ``OSError``.
    """
    if ike.kind == "inherited":
        return {}
    return open_esp_sockets(SocketSettings(ike.port, ike.port_nat_t, version=1))


def open_sockets(
    settings: ShellSettings, counters: Counters, local_addresses: Callable[[], Iterable[Address]]
) -> IkeSocket:
    """The sockets of ``pluto.socket``; raw ones let IKEv1 through. Raises ``SocketError``."""
    wanted = SocketSettings(settings.port, settings.port_nat_t, max_packet=settings.max_packet, version=1)
    return open_ike_socket(settings.socket, wanted, os.environ, counters, local_addresses=local_addresses)
