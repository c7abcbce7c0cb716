"""What the running kernel can do for IPsec, found by asking it."""

import errno
import os
import socket
from dataclasses import dataclass
from ipaddress import IPv4Address
from struct import Struct

from cygnet.kernel.backends.host import messages

NETLINK_XFRM = 6
_NEWSA, _DELSA = 0x10, 0x11
_REQUEST, _ACK, _CREATE_EXCL = 1, 4, 0x600
_HEADER = Struct("=IHHII")
_NLMSG_ERROR = 2
_XFRMA_ALG_AEAD = 18
_ESP = 50
_TIMEOUT_S = 2.0
_PROBE_SPI = 0x000001FE
"""From the range IANA keeps (1 to 255 and a little above): no daemon hands it out."""
_LOOPBACK = IPv4Address("127.0.0.1").packed
_INFINITE = b"\xff" * 8


@dataclass(frozen=True, slots=True)
class Capabilities:
    """``xfrm``: the kernel takes an ESP state with AES-GCM; else ``reason`` says what is missing.

    ``tun``: TUN devices can be made here.
    """

    xfrm: bool
    tun: bool
    reason: str


def probe() -> Capabilities:
    """Ask the kernel: try to add, and take away again, an ESP state from 127.0.0.1 to itself."""
    tun = os.access("/dev/net/tun", os.R_OK | os.W_OK)
    try:
        with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, NETLINK_XFRM) as netlink:
            netlink.settimeout(_TIMEOUT_S)
            netlink.bind((0, 0))
            refused = _ask(netlink, _NEWSA, _REQUEST | _ACK | _CREATE_EXCL, _state())
            if not refused or refused == errno.EEXIST:
                _ask(netlink, _DELSA, _REQUEST | _ACK, _id())
                return Capabilities(True, tun, "")
    except OSError as error:
        return Capabilities(False, tun, f"no XFRM netlink: {error.strerror or error}")
    return Capabilities(False, tun, _explain(refused))


def _explain(number: int) -> str:
    if number == errno.EPERM:
        return "no right to change XFRM states (CAP_NET_ADMIN)"
    if number in (errno.ENOSYS, errno.ENOENT, errno.EPROTONOSUPPORT, errno.EINVAL):
        return f"kernel has XFRM but refuses ESP with rfc4106(gcm(aes)): {os.strerror(number)}"
    return f"kernel refuses an ESP state: {os.strerror(number)}"


def _ask(netlink: socket.socket, kind: int, flags: int, body: bytes) -> int:
    """Send one request; the error number of its acknowledgement."""
    netlink.send(_HEADER.pack(_HEADER.size + len(body), kind, flags, 1, 0) + body)
    for answer, content in messages(netlink.recv(8192)):
        if answer == _NLMSG_ERROR and len(content) >= 4:
            return -int.from_bytes(content[:4], "little", signed=True)
    return errno.EPROTO


def _state() -> bytes:
    """A ``struct xfrm_usersa_info`` and its AEAD attribute (uapi ``linux/xfrm.h``)."""
    selector = bytes(56)
    identity = _LOOPBACK + bytes(12) + _PROBE_SPI.to_bytes(4, "big") + bytes((_ESP, 0, 0, 0))
    source = _LOOPBACK + bytes(12)
    limits = _INFINITE * 4 + bytes(32)
    current, statistics = bytes(32), bytes(12)
    tail = Struct("=IIHBBBB").pack(0, 0, socket.AF_INET, 1, 0, 0, 0)
    info = selector + identity + source + limits + current + statistics + tail
    info += bytes(-len(info) % 8)
    key = bytes(20)
    aead = b"rfc4106(gcm(aes))".ljust(64, b"\0") + Struct("=II").pack(len(key) * 8, 128) + key
    return info + Struct("=HH").pack(4 + len(aead), _XFRMA_ALG_AEAD) + aead


def _id() -> bytes:
    """A ``struct xfrm_usersa_id``."""
    tail = Struct("=HBB").pack(socket.AF_INET, _ESP, 0)
    return _LOOPBACK + bytes(12) + _PROBE_SPI.to_bytes(4, "big") + tail
