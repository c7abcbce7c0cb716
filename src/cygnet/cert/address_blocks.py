"""IP address blocks in certificates (RFC 3779, 2): which addresses a certificate may speak for."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address, summarize_address_range

from cygnet.base.addresses import Address
from cygnet.base.selectors import TrafficSelector
from cygnet.cert import der

EXTENSION_OID = "1.3.6.1.5.5.7.1.7"
MAX_RANGES = 10_000
_FAMILIES = {b"\0\1": 4, b"\0\2": 6}


@dataclass(frozen=True, slots=True)
class AddressRange:
    """From ``first`` to ``last``, both included; of one IP version."""

    first: Address
    last: Address

    def contains(self, first: Address, last: Address) -> bool:
        """Whether the range from ``first`` to ``last`` lies within this one."""
        return (
            first.version == self.first.version
            and int(self.first) <= int(first)
            and int(last) <= int(self.last)
        )

    def __str__(self) -> str:
        """A prefix where it is one, as ``ipsec listcerts`` shows it."""
        networks = list(summarize_address_range(self.first, self.last))
        return str(networks[0]) if len(networks) == 1 else f"{self.first}..{self.last}"


@dataclass(frozen=True, slots=True)
class AddressBlocks:
    """The extension's value: ranges, and the IP versions whose ranges are those of the issuer."""

    ranges: tuple[AddressRange, ...] = ()
    inherited: frozenset[int] = frozenset()

    @classmethod
    def parse(cls, value: bytes) -> "AddressBlocks":
        """IPAddrBlocks (RFC 3779, 2.2.3); raises ``ValueError``.

        Families with a SAFI, and other families than IP, grant nothing that IKE could use and are refused.
        """
        ranges: list[AddressRange] = []
        inherited: set[int] = set()
        for family in der.read(value, der.SEQUENCE).children():
            number, choice = _pair(family.expect(der.SEQUENCE))
            version = _FAMILIES.get(number.expect(der.OCTET_STRING).content)
            if version is None:
                raise ValueError("address block of a family that is neither IPv4 nor IPv6")
            if choice.tag == der.NULL:
                inherited.add(version)
            else:
                ranges += [_range(item, version) for item in choice.expect(der.SEQUENCE).children()]
            if len(ranges) > MAX_RANGES:
                raise ValueError(f"more than {MAX_RANGES} address ranges")
        return cls(tuple(ranges), frozenset(inherited))

    def build(self) -> bytes:
        """The extension's value in DER."""
        families = []
        for number, version in _FAMILIES.items():
            own = [_encoded(one) for one in self.ranges if one.first.version == version]
            if own:
                families.append(der.sequence(der.encode(der.OCTET_STRING, number), der.sequence(*own)))
            elif version in self.inherited:
                null = der.encode(der.NULL)
                families.append(der.sequence(der.encode(der.OCTET_STRING, number), null))
        return der.sequence(*families)

    def outside(self, wanted: Iterable[AddressRange]) -> AddressRange | None:
        """The first range of ``wanted`` that is not within ours."""
        return next((one for one in wanted if not self._covers(one)), None)

    def _covers(self, one: AddressRange) -> bool:
        return any(own.contains(one.first, one.last) for own in self.ranges)

    def __str__(self) -> str:
        return ", ".join([*map(str, self.ranges), *(f"IPv{one} inherited" for one in sorted(self.inherited))])


def parse_range(text: str) -> AddressRange:
    """``10.0.0.0/8``, ``10.0.0.1-10.0.0.9`` or one address; raises ``ValueError``."""
    first, dash, last = text.partition("-")
    if dash:
        pair = AddressRange(ip_address(first.strip()), ip_address(last.strip()))
        if pair.first.version != pair.last.version or int(pair.first) > int(pair.last):
            raise ValueError(f"'{text}' is no range of addresses")
        return pair
    selector = TrafficSelector.of(text)
    return AddressRange(selector.start, selector.end)


def effective(chain: Sequence[AddressBlocks | None]) -> AddressBlocks | None:
    """The blocks of the first of ``chain`` (leaf first) with inheritance resolved; ``None`` without any."""
    leaf = chain[0] if chain else None
    if leaf is None:
        return None
    ranges = list(leaf.ranges)
    for version in sorted(leaf.inherited):
        ranges += _inherited(version, chain[1:])
    return AddressBlocks(tuple(ranges))


def allowed_selectors(
    blocks: AddressBlocks | None, selectors: Sequence[TrafficSelector]
) -> tuple[TrafficSelector, ...]:
    """The traffic selectors that a peer with these blocks may have (strongSwan's ``addrblock``).

    Each is narrowed to what the blocks cover; what lies outside is left out. ``None``, a certificate without
    the extension, limits nothing. Only the remote side's selectors are to be asked about.
    """
    if blocks is None:
        return tuple(selectors)
    limits = [TrafficSelector(one.first, one.last) for one in blocks.ranges]
    found = (selector.narrow(limit) for selector in selectors for limit in limits)
    return tuple(dict.fromkeys(one for one in found if one is not None))


def _inherited(version: int, above: Sequence[AddressBlocks | None]) -> list[AddressRange]:
    for blocks in above:
        if blocks is None:
            return []
        if version not in blocks.inherited:
            return [one for one in blocks.ranges if one.first.version == version]
    return []


def _pair(element: der.Element) -> tuple[der.Element, der.Element]:
    children = element.children()
    if len(children) != 2:
        raise ValueError("address block is not a pair")
    return children[0], children[1]


def _range(element: der.Element, version: int) -> AddressRange:
    """IPAddressOrRange: a prefix as BIT STRING, or two of them, filled with zeros and ones (2.2.3.8)."""
    first, last = (element, element) if element.tag == der.BIT_STRING else _pair(element.expect(der.SEQUENCE))
    one = AddressRange(_filled(first, version, 0), _filled(last, version, 1))
    if int(one.first) > int(one.last):
        raise ValueError("address range ends before it begins")
    return one


def _filled(element: der.Element, version: int, bit: int) -> Address:
    bits = 32 if version == 4 else 128
    content = element.expect(der.BIT_STRING).content
    unused = content[0] if content else 8
    given = 8 * (len(content) - 1) - unused
    if unused > 7 or not 0 <= given <= bits:
        raise ValueError("address with a wrong number of bits")
    number = int.from_bytes(content[1:], "big") >> unused << (bits - given)
    if bit:
        number |= (1 << (bits - given)) - 1
    return IPv4Address(number) if version == 4 else IPv6Address(number)


def _encoded(one: AddressRange) -> bytes:
    bits = one.first.max_prefixlen
    first, last = int(one.first), int(one.last)
    differing = (first ^ last).bit_length()
    if first & ((1 << differing) - 1) == 0 and last & ((1 << differing) - 1) == (1 << differing) - 1:
        return _bits(first >> differing, bits - differing)
    low, high = _trailing(first, 0, bits), _trailing(last, 1, bits)
    return der.sequence(_bits(first >> low, bits - low), _bits(last >> high, bits - high))


def _trailing(number: int, bit: int, bits: int) -> int:
    """How many of the last bits are ``bit``."""
    count = 0
    while count < bits and number >> count & 1 == bit:
        count += 1
    return count


def _bits(number: int, count: int) -> bytes:
    unused = -count % 8
    return der.bit_string((number << unused).to_bytes((count + 7) // 8, "big"), unused)
