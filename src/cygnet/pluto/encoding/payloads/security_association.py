"""Security Association payload with its proposals and transforms (RFC 2408, 3.4 to 3.6; RFC 2407, 4.6.1)."""

from collections.abc import Sequence
from dataclasses import dataclass
from struct import Struct
from typing import ClassVar

from cygnet.base.errors import MalformedError
from cygnet.pluto.encoding.attributes import Attribute, build_attributes, read_attributes
from cygnet.pluto.encoding.errors import DoiNotSupportedError, SituationNotSupportedError
from cygnet.pluto.encoding.payloads.payload import Payload, PayloadType
from cygnet.wire.reader import Reader
from cygnet.wire.writer import counted

MAX_PROPOSALS = 64
MAX_TRANSFORMS = 1024
"""In all proposals of one payload together."""
IPSEC_DOI, IDENTITY_ONLY = 1, 1

_HEAD = Struct("!II")
_PROPOSAL = Struct("!BxHBBBB")
_TRANSFORM = Struct("!BxHBBH")
_NEXT_PROPOSAL, _NEXT_TRANSFORM = 2, 3


@dataclass(frozen=True, slots=True)
class TransformPayload:
    """One transform: a complete set of algorithms (RFC 2408, 3.6)."""

    number: int
    id: int
    attributes: tuple[Attribute, ...] = ()


@dataclass(frozen=True, slots=True)
class ProposalPayload:
    """One protocol, transforms to choose from. Those of one ``number`` belong together (RFC 2408, 4.2)."""

    number: int
    protocol: int
    transforms: tuple[TransformPayload, ...]
    spi: bytes = b""


@dataclass(frozen=True, slots=True)
class SecurityAssociation(Payload):
    """Proposals, the most preferred first."""

    payload_type: ClassVar[PayloadType] = PayloadType.SA
    notation: ClassVar[str] = "SA"

    proposals: tuple[ProposalPayload, ...]

    @classmethod
    def parse(cls, body: bytes) -> "SecurityAssociation":
        """Checks every inner length, count and number. DOI and situation must be the usual ones."""
        reader = Reader(body, "SA payload")
        doi, situation = reader.unpack(_HEAD)
        if doi != IPSEC_DOI:
            raise DoiNotSupportedError(f"SA payload: DOI {doi}, only {IPSEC_DOI} (IPsec) is known")
        if situation != IDENTITY_ONLY:
            raise SituationNotSupportedError(f"SA payload: situation {situation:#x}, only 0x1 is known")
        proposals: list[ProposalPayload] = []
        transforms, more = 0, True
        while more:
            more, proposal = _read_proposal(reader)
            if proposals and proposal.number < proposals[-1].number:
                raise MalformedError(f"SA payload: proposal {proposal.number} after {proposals[-1].number}")
            proposals.append(proposal)
            transforms += len(proposal.transforms)
            if len(proposals) > MAX_PROPOSALS or transforms > MAX_TRANSFORMS:
                raise MalformedError("SA payload: too many proposals or transforms")
        reader.finish()
        return cls(tuple(proposals))

    def build(self) -> bytes:
        """DOI, situation, proposals; attributes keep the form in which they came."""
        last = len(self.proposals) - 1
        return _HEAD.pack(IPSEC_DOI, IDENTITY_ONLY) + b"".join(
            _build_proposal(one, 0 if at == last else _NEXT_PROPOSAL) for at, one in enumerate(self.proposals)
        )


def _read_proposal(reader: Reader) -> tuple[bool, ProposalPayload]:
    following, length, number, protocol, spi_size, count = reader.unpack(_PROPOSAL)
    if following not in (0, _NEXT_PROPOSAL) or length < _PROPOSAL.size:
        raise MalformedError(f"SA payload: proposal of length {length}, next payload {following}")
    inner = Reader(reader.take(length - _PROPOSAL.size), "proposal payload")
    spi = inner.take(spi_size)
    transforms = tuple(_read_transform(inner, at == count - 1) for at in range(count))
    inner.finish()
    return following == _NEXT_PROPOSAL, ProposalPayload(number, protocol, transforms, spi)


def _read_transform(reader: Reader, expected_last: bool) -> TransformPayload:
    following, length, number, kind, _ = reader.unpack(_TRANSFORM)
    if following != (0 if expected_last else _NEXT_TRANSFORM) or length < _TRANSFORM.size:
        raise MalformedError(f"SA payload: transform of length {length}, next payload {following}")
    attributes = read_attributes(Reader(reader.take(length - _TRANSFORM.size), "transform payload"))
    return TransformPayload(number, kind, attributes)


def _build_proposal(proposal: ProposalPayload, following: int) -> bytes:
    content = proposal.spi + _build_transforms(proposal.transforms)
    after = (proposal.number, proposal.protocol, len(proposal.spi), len(proposal.transforms))
    return counted(_PROPOSAL, (following,), after, content)


def _build_transforms(transforms: Sequence[TransformPayload]) -> bytes:
    last = len(transforms) - 1
    return b"".join(
        counted(
            _TRANSFORM,
            (0 if at == last else _NEXT_TRANSFORM,),
            (one.number, one.id, 0),
            build_attributes(one.attributes),
        )
        for at, one in enumerate(transforms)
    )
