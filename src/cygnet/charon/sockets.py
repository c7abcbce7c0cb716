"""What charon opens: IKE sockets, espd's sockets where starter did not."""

import os
import socket
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial

from cygnet.base.addresses import Address
from cygnet.kernel.backends.userland import take_back_sockets
from cygnet.keying.config.settings import DaemonSettings
from cygnet.runtime import paths
from cygnet.runtime.counters import Counters
from cygnet.runtime.network.choosing import SocketError, open_ike_socket
from cygnet.runtime.network.datagrams import IkeSocket
from cygnet.runtime.network.inherited import SOCKETS_VARIABLE, SocketGroups, is_taken, open_group
from cygnet.runtime.network.raw import open_esp_sockets
from cygnet.runtime.network.settings import SocketSettings
from cygnet.runtime.network.udp import UdpSocket

MEMBERS = ("charon", "espd")


def open_sockets(
    settings: DaemonSettings,
    counters: Counters,
    local_addresses: Callable[[], Iterable[Address]],
    *,
    with_espd: bool,
) -> tuple[IkeSocket, Mapping[str, socket.socket]]:
    """The IKE sockets of ``charon.socket``, and for espd those of ESP in UDP, by name; the caller keeps both.

    Alone on the ports, charon opens a group for itself and, ``with_espd``, for espd; beside another daemon
    raw sockets for both. Raises :class:`SocketError`.
    """
    wanted = SocketSettings(settings.port, settings.port_nat_t, max_packet=settings.max_packet)
    inherited = bool(os.environ.get(SOCKETS_VARIABLE))
    if settings.socket == "udp" or (settings.socket == "auto" and not inherited):
        members = MEMBERS if with_espd else MEMBERS[:1]
        groups = _open_group(wanted, members, must=settings.socket == "udp")
        if groups is not None:
            udp = UdpSocket("udp", groups.members["charon"], wanted, counters)
            return udp, groups.members.get("espd", {})
    kind = "raw" if settings.socket == "auto" and not inherited else settings.socket
    ike = open_ike_socket(kind, wanted, os.environ, counters, local_addresses=local_addresses)
    return ike, open_esp_sockets(wanted) if with_espd and ike.kind == "raw" else {}


def _open_group(wanted: SocketSettings, members: Sequence[str], must: bool) -> SocketGroups | None:
    """The group, or ``None`` where a port is taken and another kind will do.

    An espd that outlived an earlier charon has its members of the old group; it gets new ones.
    """
    opened = partial(open_group, wanted.families, (wanted.port, wanted.port_nat_t), members, wanted.mark)
    try:
        try:
            return opened()
        except OSError as error:
            if not (is_taken(error) and take_back_sockets(paths.espd_socket())):
                raise
            return opened()
    except OSError as error:
        if not must and is_taken(error):
            return None
        ports = f"UDP {wanted.port} and {wanted.port_nat_t}"
        raise SocketError(f"opening udp IKE sockets for {ports} failed: {error.strerror or error}") from error
