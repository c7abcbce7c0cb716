"""The environment of an updown script: strongSwan's PLUTO_ variables, as far as charon has the facts."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from ipaddress import ip_network, summarize_address_range
from typing import Protocol

from cygnet.base.addresses import Address, Host
from cygnet.base.selectors import ICMP_PROTOCOLS, TrafficSelector, pairs
from cygnet.kernel.port import Mark
from cygnet.keying.config.records import ChildConfig
from cygnet.keying.config.resolvers import EncryptedResolver
from cygnet.keying.sa.child_snapshot import ChildSnapshot

VERSION = "1.1"
UP, DOWN = "up", "down"


class Peer(Protocol):
    """What scripts are told of an IKE_SA, of either version."""

    @property
    def unique_id(self) -> int:
        """Its number."""

    @property
    def remote(self) -> Host:
        """Where the peer is."""

    @property
    def local_id(self) -> object:
        """Who we are, ``None`` for anybody."""

    @property
    def remote_id(self) -> object:
        """Who the peer is."""

    @property
    def remote_eap_id(self) -> object:
        """Whom the peer proved to be by EAP or XAUTH, if anybody."""

    @property
    def local_virtual_ips(self) -> tuple[Address, ...]:
        """Those that the peer gave us."""

    @property
    def remote_virtual_ips(self) -> tuple[Address, ...]:
        """Those that it has from us."""

    @property
    def dns(self) -> tuple[Address, ...]:
        """Name servers that it told us of."""

    @property
    def encrypted_dns(self) -> tuple[EncryptedResolver, ...]:
        """Those that speak DNS over TLS, HTTPS or QUIC."""


@dataclass(frozen=True, slots=True)
class Tunnel:
    """A CHILD_SA with what its IKE_SA and this host add. ``interface`` has our address."""

    config: ChildConfig
    child: ChildSnapshot
    sa: Peer
    interface: str = ""
    device: str = ""


def environments(verb: str, tunnel: Tunnel) -> Iterator[Mapping[str, str]]:
    """One environment for each pair of selectors that go together."""
    for mine, theirs in pairs(tunnel.child.local_ts, tunnel.child.remote_ts):
        yield {**_tunnel(tunnel), **_ends(verb, tunnel, mine, theirs)}


def _tunnel(tunnel: Tunnel) -> dict[str, str]:
    config, child, sa = tunnel.config, tunnel.child, tunnel.sa
    values = {
        "PLUTO_VERSION": VERSION,
        "PLUTO_CONNECTION": child.name,
        "PLUTO_INTERFACE": tunnel.interface,
        "PLUTO_REQID": str(child.reqid),
        "PLUTO_PROTO": child.protocol.lower(),
        "PLUTO_UNIQUEID": str(sa.unique_id),
        "PLUTO_ME": str(child.inbound.destination),
        "PLUTO_MY_ID": _identity(sa.local_id),
        "PLUTO_PEER": str(child.inbound.source),
        "PLUTO_PEER_ID": _identity(sa.remote_id),
        "PLUTO_XAUTH_ID": str(sa.remote_eap_id) if sa.remote_eap_id else "",
        "PLUTO_MARK_IN": _mark(child.marks.into),
        "PLUTO_MARK_OUT": _mark(child.marks.out),
        "PLUTO_UDP_ENC": str(sa.remote.port) if child.udp else "",
        "PLUTO_IPCOMP": "1" if child.cpis else "",
        "PLUTO_HOST_ACCESS": "1" if config.host_access else "",
        "CYGNET_DEVICE": tunnel.device,
        **_virtual("PLUTO_MY_SOURCEIP", sa.local_virtual_ips),
        **_virtual("PLUTO_PEER_SOURCEIP", sa.remote_virtual_ips),
        **_numbered("PLUTO_DNS", sa.dns),
        **{f"CYGNET_ENCDNS_{place}": str(one) for place, one in enumerate(sa.encrypted_dns, 1)},
    }
    return {name: value for name, value in values.items() if value}


def _ends(verb: str, tunnel: Tunnel, mine: TrafficSelector, theirs: TrafficSelector) -> dict[str, str]:
    me = tunnel.child.inbound.destination
    kind = "host" if mine.start == mine.end == me else "client"
    my_port, peer_port = _ports(mine, theirs)
    return {
        "PLUTO_VERB": f"{verb}-{kind}" + ("-v6" if mine.family == 6 else ""),
        "PLUTO_MY_CLIENT": _subnet(mine),
        "PLUTO_MY_PORT": my_port,
        "PLUTO_MY_PROTOCOL": str(mine.protocol),
        "PLUTO_PEER_CLIENT": _subnet(theirs),
        "PLUTO_PEER_PORT": peer_port,
        "PLUTO_PEER_PROTOCOL": str(theirs.protocol),
    }


def _ports(mine: TrafficSelector, theirs: TrafficSelector) -> tuple[str, str]:
    """With ICMP its type and its code, which either selector may have (RFC 4301, 4.4.1.1)."""
    if max(mine.protocol, theirs.protocol) in ICMP_PROTOCOLS:
        both = mine.start_port or theirs.start_port
        return str(both >> 8), str(both & 0xFF)
    return _port(mine), _port(theirs)


def _port(selector: TrafficSelector) -> str:
    """0 for any; a range has a colon, as ``iptables`` wants it."""
    if selector.any_port or selector.start_port == selector.end_port:
        return str(selector.start_port)
    return f"{selector.start_port}:{selector.end_port}"


def _virtual(name: str, addresses: tuple[Address, ...]) -> dict[str, str]:
    """The first address under ``name`` itself, each with its family and number."""
    return ({name: str(addresses[0])} if addresses else {}) | _numbered(name, addresses)


def _numbered(name: str, addresses: tuple[Address, ...]) -> dict[str, str]:
    found = {}
    for family in (4, 6):
        for number, address in enumerate((one for one in addresses if one.version == family), 1):
            found[f"{name}{family}_{number}"] = str(address)
    return found


def _subnet(selector: TrafficSelector) -> str:
    """The smallest prefix that holds the whole range."""
    exact = list(summarize_address_range(selector.start, selector.end))
    if len(exact) == 1:
        return str(exact[0])
    differing = (int(selector.start) ^ int(selector.end)).bit_length()
    return str(ip_network((selector.start, selector.start.max_prefixlen - differing), strict=False))


def _identity(identity: object) -> str:
    return "%any" if identity is None else str(identity)


def _mark(mark: Mark | None) -> str:
    return "" if mark is None else f"{mark.value}/0x{mark.mask:08x}"
