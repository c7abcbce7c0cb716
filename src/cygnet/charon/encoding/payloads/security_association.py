"""Security Association payload (RFC 7296, 3.3)."""

from functools import lru_cache
from struct import Struct
from typing import ClassVar

from cygnet.base.errors import MalformedError
from cygnet.base.records import record
from cygnet.charon.encoding.payloads.payload import Payload, PayloadType
from cygnet.crypto.proposals import Proposal, Protocol, Transform
from cygnet.wire.reader import Reader
from cygnet.wire.writer import counted

MAX_PROPOSALS = 128
MAX_TRANSFORMS = 1024
KEY_LENGTH = 14
UNKNOWN_ATTRIBUTE = -1
"""Key length of a transform with attributes not understood: equal to none that we have, never chosen."""

_PROPOSAL = Struct("!BxHBBBB")
_HEAD = Struct("!BxH")
_TRANSFORM = Struct("!BxH")
_COMMON_SIZE = 512
_ATTRIBUTE = Struct("!HH")
_TYPE_VALUE = 0x8000
_SPI_SIZES = {Protocol.IKE: (0, 8), Protocol.AH: (4,), Protocol.ESP: (4,)}


@record
class SecurityAssociation(Payload):
    """Proposals, the most preferred first; an answer has exactly one (RFC 7296, 2.7)."""

    payload_type: ClassVar[PayloadType] = PayloadType.SA
    notation: ClassVar[str] = "SA"

    proposals: tuple[Proposal, ...]

    @classmethod
    def parse(cls, body: bytes) -> "SecurityAssociation":
        """Checks every inner length, count and number (RFC 7296, 3.3.1)."""
        reader = Reader(body, "SA payload")
        proposals: list[Proposal] = []
        transforms = 0
        more = True
        while more:
            more, proposal = _read_proposal(reader)
            if proposals and proposal.number != proposals[-1].number + 1:
                raise MalformedError(f"SA payload: proposal {proposal.number} after {proposals[-1].number}")
            proposals.append(proposal)
            transforms += len(proposal.transforms)
            if len(proposals) > MAX_PROPOSALS or transforms > MAX_TRANSFORMS:
                raise MalformedError("SA payload: too many proposals or transforms")
        reader.finish()
        return cls(tuple(proposals))

    def build(self) -> bytes:
        """Proposals keep the numbers that they have."""
        last = len(self.proposals) - 1
        return b"".join(_build_proposal(p, 0 if i == last else 2) for i, p in enumerate(self.proposals))


def _read_proposal(reader: Reader) -> tuple[bool, Proposal]:
    last, length, number, protocol, spi_size, count = reader.unpack(_PROPOSAL)
    if last not in (0, 2) or length < _PROPOSAL.size:
        raise MalformedError(f"SA payload: proposal of length {length}, last substructure {last}")
    if spi_size not in _SPI_SIZES.get(protocol, (spi_size,)):
        raise MalformedError(f"SA payload: protocol {protocol} with an SPI of {spi_size} octets")
    inner = Reader(reader.take(length - _PROPOSAL.size), "proposal")
    spi, octets = inner.take(spi_size), inner.rest()
    read = _known_transforms if len(octets) <= _COMMON_SIZE else _transforms
    return last == 2, Proposal(protocol, read(octets, count), spi, number)


def _transforms(octets: bytes, count: int) -> tuple[Transform, ...]:
    reader = Reader(octets, "proposal")
    transforms = tuple([_read_transform(reader, index == count - 1) for index in range(count)])
    reader.finish()
    return transforms


_known_transforms = lru_cache(maxsize=512)(_transforms)
"""The same few come in every handshake; only short ones are remembered."""


def _read_transform(reader: Reader, expected_last: bool) -> Transform:
    last, length = reader.unpack(_HEAD)
    if last != (0 if expected_last else 3) or length < _HEAD.size + _TRANSFORM.size:
        raise MalformedError(f"SA payload: transform of length {length}, last substructure {last}")
    octets = reader.take(length - _HEAD.size)
    kind, number = _TRANSFORM.unpack_from(octets)
    attributes = octets[_TRANSFORM.size :]
    return Transform(kind, number, _key_bits(attributes) if attributes else 0)


def _key_bits(attributes: bytes) -> int:
    reader = Reader(attributes, "transform attributes")
    seen: dict[int, int] = {}
    while reader.left:
        kind, value = reader.unpack(_ATTRIBUTE)
        if kind & ~_TYPE_VALUE in seen:
            raise MalformedError(f"SA payload: two transform attributes of type {kind & ~_TYPE_VALUE}")
        seen[kind & ~_TYPE_VALUE] = value if kind == _TYPE_VALUE | KEY_LENGTH else UNKNOWN_ATTRIBUTE
        if not kind & _TYPE_VALUE:
            reader.take(value)
    return seen[KEY_LENGTH] if seen.keys() == {KEY_LENGTH} else UNKNOWN_ATTRIBUTE


def _build_proposal(proposal: Proposal, last: int) -> bytes:
    after = (proposal.number, proposal.protocol, len(proposal.spi), len(proposal.transforms))
    return counted(_PROPOSAL, (last,), after, proposal.spi + _build_transforms(proposal.transforms))


@lru_cache(maxsize=512)
def _build_transforms(transforms: tuple[Transform, ...]) -> bytes:
    last = len(transforms) - 1
    return b"".join(_build_transform(one, 0 if index == last else 3) for index, one in enumerate(transforms))


def _build_transform(transform: Transform, last: int) -> bytes:
    attributes = _ATTRIBUTE.pack(_TYPE_VALUE | KEY_LENGTH, transform.key_bits) if transform.key_bits else b""
    return counted(_HEAD, (last,), (), _TRANSFORM.pack(transform.type, transform.number) + attributes)
