"""Traffic Selector payloads (RFC 7296, 3.13)."""

from ipaddress import IPv4Address, IPv6Address
from struct import Struct
from typing import ClassVar, Self

from cygnet.base.addresses import Address
from cygnet.base.errors import MalformedError
from cygnet.base.records import record
from cygnet.base.selectors import TrafficSelector
from cygnet.charon.encoding.payloads.payload import Payload, PayloadType
from cygnet.wire.reader import Reader
from cygnet.wire.writer import counted

IPV4_RANGE = 7
IPV6_RANGE = 8
OPAQUE = (65535, 0)

_HEAD = Struct("!B3x")
_SELECTOR = Struct("!BBHHH")
_SIZES = {IPV4_RANGE: 4, IPV6_RANGE: 16}


@record
class TrafficSelectors(Payload):
    """What traffic one side's end of the CHILD_SA may carry. ``dynamic`` ones must be resolved before.

    Selectors of types other than the two address ranges (RFC 4595, RFC 9478) are left out on receipt:
    traffic that only they describe is then not agreed to, which ends in TS_UNACCEPTABLE.
    """

    selectors: tuple[TrafficSelector, ...]

    @classmethod
    def parse(cls, body: bytes) -> Self:
        """Checks count, lengths, and that no range runs backwards; port 65535 to 0 is OPAQUE."""
        reader = Reader(body, f"{cls.notation} payload")
        (count,) = reader.unpack(_HEAD)
        if not count:
            raise MalformedError(f"{cls.notation} payload: no selector")
        found = [_read_selector(reader) for _ in range(count)]
        reader.finish()
        return cls(tuple(selector for selector in found if selector is not None))

    def build(self) -> bytes:
        """Whoever makes the payload keeps to :data:`~cygnet.base.selectors.MAX_SELECTORS`."""
        return _HEAD.pack(len(self.selectors)) + b"".join(map(_build_selector, self.selectors))


@record
class TrafficSelectorsInitiator(TrafficSelectors):
    """TSi."""

    payload_type: ClassVar[PayloadType] = PayloadType.TSI
    notation: ClassVar[str] = "TSi"


@record
class TrafficSelectorsResponder(TrafficSelectors):
    """TSr."""

    payload_type: ClassVar[PayloadType] = PayloadType.TSR
    notation: ClassVar[str] = "TSr"


def _read_selector(reader: Reader) -> TrafficSelector | None:
    kind, protocol, length, start_port, end_port = reader.unpack(_SELECTOR)
    if length < _SELECTOR.size:
        raise MalformedError(f"traffic selector of length {length}")
    addresses = reader.take(length - _SELECTOR.size)
    size = _SIZES.get(kind)
    if size is None:
        return None
    if len(addresses) != 2 * size:
        raise MalformedError(f"traffic selector of type {kind} and length {length}")
    if addresses[:size] > addresses[size:] or (start_port > end_port and (start_port, end_port) != OPAQUE):
        raise MalformedError("traffic selector whose range runs backwards")
    start, end = _address(addresses[:size]), _address(addresses[size:])
    return TrafficSelector(start, end, protocol, start_port, end_port)


def _address(data: bytes) -> Address:
    return IPv4Address(data) if len(data) == 4 else IPv6Address(data)


def _build_selector(selector: TrafficSelector) -> bytes:
    kind = IPV4_RANGE if selector.family == 4 else IPV6_RANGE
    ports = (selector.start_port, selector.end_port)
    return counted(_SELECTOR, (kind, selector.protocol), ports, selector.start.packed + selector.end.packed)
