"""What peers with virtual addresses are told: ``rightdns``, ``charon.dns1``, ``charon.plugins.attr``.

RFC 7296, 3.15.1; RFC 8598 (``25``, domains); under ``attr`` stand strongSwan's names and numbers.
"""

from collections.abc import Callable, Iterable
from ipaddress import ip_address, ip_network

from cygnet.charon.encoding.payloads.configuration import Attribute, AttributeType
from cygnet.keying.config.records import PeerConfig
from cygnet.keying.config.settings import DaemonSettings

MAX_ATTRIBUTES = 64
MAX_OCTETS = 1024
_T = AttributeType
_BY_FAMILY: dict[str, dict[int, int]] = {
    "dns": {4: _T.INTERNAL_IP4_DNS, 6: _T.INTERNAL_IP6_DNS},
    "nbns": {4: _T.INTERNAL_IP4_NBNS},
    "dhcp": {4: _T.INTERNAL_IP4_DHCP, 6: _T.INTERNAL_IP6_DHCP},
    "netmask": {4: _T.INTERNAL_IP4_NETMASK},
    "subnet": {4: _T.INTERNAL_IP4_SUBNET, 6: _T.INTERNAL_IP6_SUBNET},
}
_IGNORED = ("load", "split-include", "split-exclude", "address")
"""Known, of IKEv1 or of no use here."""
NOT_TOLD = frozenset({
    _T.INTERNAL_IP4_ADDRESS, _T.INTERNAL_IP6_ADDRESS, _T.SUPPORTED_ATTRIBUTES,
    _T.ENCDNS_IP4, _T.ENCDNS_IP6, _T.ENCDNS_DIGEST_INFO,  # by rightencdns
})  # fmt: skip
Items = Callable[[str], Iterable[tuple[str, str]]]


class Told:
    """The attributes out of ``strongswan.conf``, and those of each connection before them."""

    def __init__(self, settings: DaemonSettings, items: Items) -> None:
        """``items`` lists the options of a section; :attr:`problems` has a sentence for each bad one."""
        self.problems: list[str] = []
        options = [
            ("dns", settings.dns1), ("dns", settings.dns2), ("nbns", settings.nbns1),
            ("nbns", settings.nbns2),
            *items("charon.plugins.attr"),
        ]  # fmt: skip
        found = [one for name, text in options for one in self._option(name, text)]
        self._attributes = tuple(dict.fromkeys(found))[:MAX_ATTRIBUTES]

    def attributes(self, config: PeerConfig) -> tuple[Attribute, ...]:
        """Those for the peer of a connection."""
        own = (Attribute(_BY_FAMILY["dns"][one.version], one.packed) for one in config.dns)
        return tuple(dict.fromkeys((*own, *self._attributes)))

    def _option(self, name: str, text: str) -> list[Attribute]:
        if name in _IGNORED:
            return []
        try:
            return [_attribute(name, part.strip()) for part in text.split(",") if part.strip()]
        except ValueError as error:
            self.problems.append(f"charon.plugins.attr: {name} = {text}: {error}")
            return []


def _attribute(name: str, text: str) -> Attribute:
    if name in _BY_FAMILY:
        value = _value(text)
        kind = _BY_FAMILY[name].get(ip_network(text, strict=False).version)
        if kind is None:
            raise ValueError("there is no such attribute for IPv6")
        return Attribute(kind, _with_mask(text) if name == "subnet" else value)
    if not name.isdigit():
        raise ValueError(f"neither a number nor one of {', '.join(_BY_FAMILY)}")
    number = int(name)
    if not 0 < number < 1 << 15 or number in NOT_TOLD:
        raise ValueError("not an attribute that can be told (RFC 7296, 3.15.1)")
    return Attribute(number, _with_mask(text) if "/" in text and _is_network(text) else _value(text))


def _value(text: str) -> bytes:
    """An address, or text as it is."""
    try:
        return ip_address(text).packed
    except ValueError:
        return text.encode()[:MAX_OCTETS]


def _with_mask(text: str) -> bytes:
    """A network: IPv4 with its mask, IPv6 with the length of its prefix (RFC 7296, 3.15.1)."""
    network = ip_network(text, strict=False)
    tail = network.netmask.packed if network.version == 4 else bytes([network.prefixlen])
    return network.network_address.packed + tail


def _is_network(text: str) -> bool:
    try:
        ip_network(text, strict=False)
    except ValueError:
        return False
    return True
