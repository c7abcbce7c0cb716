"""Socket options of IKE sockets, with the numbers that Python's ``socket`` lacks."""

import socket
import struct
from collections.abc import Callable

MARK = 0x43594700
"""The mark on IKE and ESP packets, which keeps them out of routing table 220."""

ANY = {4: "0.0.0.0", 6: "::"}
FAMILIES = {4: socket.AF_INET, 6: socket.AF_INET6}
RECEIVE_BUFFER = 1 << 20

IP_PKTINFO = 8
IP_XFRM_POLICY = 17
IPV6_XFRM_POLICY = 35
IPV6_CHECKSUM = 7
UDP_ENCAP = 100
UDP_ENCAP_ESPINUDP = 2

_POLICY_IN, _POLICY_OUT = 0, 1
_SELECTOR = "=16s16sHHHHHBBB3xiI"
_LIFETIMES = "8Q4Q"
_POLICY = _SELECTOR + _LIFETIMES + "II4B4x"


Debug = Callable[[str], None]


def nowhere(text: str) -> None:
    """Nobody wants to know."""


def has_family(family: int) -> bool:
    """Whether this host can open and bind sockets of ``family`` (4 or 6)."""
    try:
        with socket.socket(FAMILIES[family], socket.SOCK_DGRAM) as sock:
            sock.bind((ANY[family], 0))
    except OSError:
        return False
    return True


def open_udp(family: int, mark: int | None = MARK, debug: Debug = nowhere) -> socket.socket:
    """An unbound UDP socket that tells destinations, with mark and bypass policy as far as permitted."""
    sock = socket.socket(FAMILIES[family], socket.SOCK_DGRAM)
    if family == 6:
        sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
    prepare(sock, family, mark, debug)
    return sock


def prepare(sock: socket.socket, family: int, mark: int | None, debug: Debug = nowhere) -> None:
    """Set what every IKE socket has: packet information, mark, bypass, a large buffer.

    ``debug`` is told of what this host does not permit and we can do without.
    """
    if family == 6:
        sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_RECVPKTINFO, 1)
    else:
        sock.setsockopt(socket.IPPROTO_IP, IP_PKTINFO, 1)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER)
    if mark is not None and not set_mark(sock, mark):
        debug(f"IPv{family} IKE socket without mark: not permitted")
    if not bypass_policy(sock, family):
        debug(f"IPv{family} IKE socket without bypass policy: no XFRM, or not permitted")


def set_mark(sock: socket.socket, mark: int) -> bool:
    """Mark what the socket sends; False without the right to."""
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_MARK, mark)
    except OSError:
        return False
    return True


def bypass_policy(sock: socket.socket, family: int) -> bool:
    """Exempt the socket from IPsec policies, both ways; False if the kernel has none or forbids it."""
    level, option = ((socket.IPPROTO_IP, IP_XFRM_POLICY) if family == 4
                     else (socket.IPPROTO_IPV6, IPV6_XFRM_POLICY))
    try:
        for direction in (_POLICY_IN, _POLICY_OUT):
            sock.setsockopt(level, option, _bypass(family, direction))
    except OSError:
        return False
    return True


def enable_udp_encapsulation(sock: socket.socket) -> bool:
    """Let the kernel take ESP out of the UDP datagrams of ``sock`` (RFC 3948); False if it cannot."""
    try:
        sock.setsockopt(socket.IPPROTO_UDP, UDP_ENCAP, UDP_ENCAP_ESPINUDP)
    except OSError:
        return False
    return True


def _bypass(family: int, direction: int) -> bytes:
    """``struct xfrm_userpolicy_info`` that allows everything of ``family``."""
    selector = (bytes(16), bytes(16), 0, 0, 0, 0, FAMILIES[family], 0, 0, 0, 0, 0)
    return struct.pack(_POLICY, *selector, *([0] * 12), 0, 0, direction, 0, 0, 0)
