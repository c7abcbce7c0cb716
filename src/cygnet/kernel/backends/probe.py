"""What the running kernel can do for IPsec, found by asking it."""

import errno
import os
from contextlib import closing
from dataclasses import dataclass
from ipaddress import IPv4Address

from cygnet.kernel.backends.netlink import Netlink, RefusedError, attribute
from cygnet.kernel.backends.xfrm.constants import MODES, NETLINK_XFRM, Attr, Kind
from cygnet.kernel.backends.xfrm.sa_layout import SaInfo, pack_sa_name, pack_sized_algorithm
from cygnet.kernel.port import IpProtocol, Mode, SaId

_PROBE_SPI = 0x000001FE
"""From the range IANA keeps (1 to 255 and a little above): no daemon hands it out."""
_LOOPBACK = IPv4Address("127.0.0.1")


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
        with closing(Netlink(NETLINK_XFRM)) as netlink:
            refused = _ask(netlink, Kind.NEW_SA, _state())
            if not refused or refused == errno.EEXIST:
                probed = SaId(_LOOPBACK, _LOOPBACK, IpProtocol.ESP, _PROBE_SPI)
                _ask(netlink, Kind.DELETE_SA, pack_sa_name(probed))
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


def _ask(netlink: Netlink, kind: Kind, body: bytes) -> int:
    """One request; the error number of its acknowledgement."""
    try:
        netlink.ask(kind, body)
    except RefusedError as error:
        return error.number
    return 0


def _state() -> bytes:
    info = SaInfo(_LOOPBACK, _LOOPBACK, IpProtocol.ESP, _PROBE_SPI, 0, MODES[Mode.TUNNEL])
    return info.pack() + attribute(Attr.ALG_AEAD, pack_sized_algorithm("rfc4106(gcm(aes))", bytes(20), 128))
