"""Which kind of IKE socket a daemon uses (``charon.socket``)."""

from collections.abc import Callable, Iterable, Mapping

from cygnet.base.addresses import Address
from cygnet.base.errors import LocalError
from cygnet.runtime.counters import Counters
from cygnet.runtime.network.datagrams import EspHandler, IkeSocket
from cygnet.runtime.network.inherited import SOCKETS_VARIABLE, inherit, is_taken
from cygnet.runtime.network.raw import RawSocket
from cygnet.runtime.network.settings import SocketSettings
from cygnet.runtime.network.udp import UdpSocket, open_udp_sockets

KINDS = ("auto", "inherited", "raw", "udp")


class SocketError(LocalError):
    """IKE sockets cannot be had; the text says why and what to do."""


def open_ike_socket(kind: str, settings: SocketSettings, environment: Mapping[str, str],
                    counters: Counters, *, on_esp: EspHandler | None = None,
                    local_addresses: Callable[[], Iterable[Address]] = tuple) -> IkeSocket:
    """The daemon's IKE sockets.

    ``auto``: inherited if starter passed any; else plain UDP if both ports are free; else raw, beside
    whoever has them. Raises :class:`SocketError`.
    """
    if kind not in KINDS:
        raise SocketError(f"charon.socket = {kind} is none of {', '.join(KINDS)}")
    try:
        if kind == "inherited" or (kind == "auto" and environment.get(SOCKETS_VARIABLE)):
            return _inherited(settings, environment, counters, on_esp)
        if kind in ("auto", "udp"):
            try:
                return UdpSocket("udp", open_udp_sockets(settings), settings, counters, on_esp)
            except OSError as error:
                if kind == "udp" or not is_taken(error):
                    raise
        return RawSocket(settings, counters, on_esp, local_addresses)
    except ValueError as error:
        raise SocketError(str(error)) from error
    except OSError as error:
        ports, reason = f"UDP {settings.port} and {settings.port_nat_t}", error.strerror or error
        raise SocketError(f"opening {kind} IKE sockets for {ports} failed: {reason}") from error


def _inherited(settings: SocketSettings, environment: Mapping[str, str], counters: Counters,
               on_esp: EspHandler | None) -> IkeSocket:
    sockets = {name: sock for name, sock in inherit(environment).items() if not name.startswith("esp")}
    if not sockets:
        raise SocketError(f"charon.socket = inherited, but {SOCKETS_VARIABLE} passes no IKE socket")
    return UdpSocket("inherited", sockets, settings, counters, on_esp)
