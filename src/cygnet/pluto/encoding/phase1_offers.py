"""Transforms of phase 1 as proposals of ``crypto``, and back (RFC 2409, 5 and appendix A)."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice, product

from cygnet.base.errors import MalformedError
from cygnet.crypto.proposals import Proposal, Protocol, Transform
from cygnet.crypto.tables import TransformType, encryption
from cygnet.pluto.encoding.algorithms import ENCRYPTION_OF_PHASE_1, GROUPS, hash_of, hash_of_integrity
from cygnet.pluto.encoding.attributes import Attribute, numbers_of
from cygnet.pluto.encoding.methods import MethodRow, method_row
from cygnet.pluto.encoding.payloads import ProposalPayload, SecurityAssociation, TransformPayload

KEY_IKE = 1
"""The only transform ID of phase 1 (RFC 2407, 4.4.2.1)."""
ENCRYPTION, HASH, METHOD, GROUP, LIFE_TYPE, LIFE_DURATION, KEY_LENGTH = 1, 2, 3, 4, 11, 12, 14
SECONDS, KILOBYTES = 1, 2
MAX_OFFERED = 48
"""Combinations that we offer: some peers cannot take more, and an SA payload should fit into a datagram."""
DEFAULT_AES_BITS = 128
_SINGLE = frozenset({ENCRYPTION, HASH, METHOD, GROUP, KEY_LENGTH})


@dataclass(frozen=True, slots=True)
class Phase1Terms:
    """What one transform says. ``lifetime_s`` is 0 where it says nothing of time.

    ``proposal.number`` is the place among all transforms of the payload, from 1.
    """

    proposal: Proposal
    method: MethodRow
    lifetime_s: int
    source: ProposalPayload
    transform: TransformPayload

    def answer(self) -> SecurityAssociation:
        """The payload that chooses this transform, unchanged (RFC 2409, 5)."""
        chosen = ProposalPayload(
            self.source.number, self.source.protocol, (self.transform,), self.source.spi
        )
        return SecurityAssociation((chosen,))


def offer(
    proposals: Iterable[Proposal], methods: Sequence[MethodRow], lifetime_s: int, *, one_group: bool = False
) -> SecurityAssociation:
    """The payload that offers proposals, each combination a transform; raises ``ValueError`` if none is left.

    ``one_group`` leaves out all groups but the first, since aggressive mode cannot negotiate them.
    """
    every = _combinations(proposals)
    if one_group:
        every = _of_first_group(every)
    distinct = list(islice(dict.fromkeys(every), MAX_OFFERED))
    if not distinct:
        raise ValueError("no proposal of ike= has algorithms that IKEv1 knows")
    transforms = tuple(
        TransformPayload(number, KEY_IKE, (*algorithms, *_terms(method, lifetime_s)))
        for number, (algorithms, method) in enumerate(product(distinct, methods), 1)
    )
    return SecurityAssociation((ProposalPayload(1, Protocol.IKE, transforms),))


def read(payload: SecurityAssociation) -> tuple[tuple[Phase1Terms, ...], tuple[str, ...]]:
    """All transforms that can be understood, and why the others cannot."""
    found: list[Phase1Terms] = []
    reasons: dict[str, None] = {}
    for source in payload.proposals:
        if source.protocol != Protocol.IKE:
            reasons.setdefault(f"proposal for protocol {source.protocol} in phase 1")
            continue
        for transform in source.transforms:
            try:
                found.append(_read(source, transform, len(found) + 1))
            except ValueError as error:
                reasons.setdefault(str(error))
    return tuple(found), tuple(reasons)


def algorithms_of(transform: TransformPayload) -> dict[int, int]:
    """What a transform says but for the lifetime; raises ``MalformedError``."""
    return numbers_of(transform.attributes, without=(LIFE_TYPE, LIFE_DURATION))


def _combinations(proposals: Iterable[Proposal]) -> Iterator[tuple[Attribute, ...]]:
    for proposal in proposals:
        ciphers, hashes = proposal.of_type(TransformType.ENCR), proposal.of_type(TransformType.INTEG)
        functions = {one.number for one in proposal.of_type(TransformType.PRF)}
        groups = [one for one in proposal.of_type(TransformType.KE) if one.number in GROUPS]
        for cipher, digest, group in product(ciphers, hashes, groups):
            number, row = ENCRYPTION_OF_PHASE_1.to_v1(cipher.number), hash_of_integrity(digest.number)
            if number is None or row is None or row.prf not in functions:
                continue
            yield _algorithms(number, cipher.key_bits, row.v1, group.number)


def _algorithms(cipher: int, key_bits: int, digest: int, group: int) -> tuple[Attribute, ...]:
    length = (Attribute.number_of(KEY_LENGTH, key_bits),) if key_bits else ()
    return (
        Attribute.number_of(ENCRYPTION, cipher),
        *length,
        Attribute.number_of(HASH, digest),
        Attribute.number_of(GROUP, group),
    )


def _of_first_group(combinations: Iterable[tuple[Attribute, ...]]) -> Iterator[tuple[Attribute, ...]]:
    first: Attribute | None = None
    for combination in combinations:
        first = first or combination[-1]
        if combination[-1] == first:
            yield combination


def _terms(method: MethodRow, lifetime_s: int) -> tuple[Attribute, ...]:
    lifetime = (Attribute.number_of(LIFE_TYPE, SECONDS), Attribute.number_of(LIFE_DURATION, lifetime_s))
    return (Attribute.number_of(METHOD, method.number), *(lifetime if lifetime_s else ()))


def _read(source: ProposalPayload, transform: TransformPayload, number: int) -> Phase1Terms:
    """Raises ``ValueError`` with the reason for a transform that we could not choose."""
    if transform.id != KEY_IKE:
        raise ValueError(f"transform ID {transform.id} in phase 1")
    try:
        values, lifetime_s = _values(transform.attributes)
    except MalformedError as error:
        raise ValueError(str(error)) from None
    missing = [kind for kind in (ENCRYPTION, HASH, METHOD, GROUP) if kind not in values]
    if missing:
        raise ValueError(f"attribute {missing[0]} is missing")
    method = method_row(values[METHOD])
    if method is None:
        raise ValueError(f"authentication method {values[METHOD]} is not known")
    algorithms = _transforms(values)
    proposal = Proposal(Protocol.IKE, algorithms, source.spi, number)
    return Phase1Terms(proposal, method, lifetime_s, source, transform)


def _values(attributes: Sequence[Attribute]) -> tuple[dict[int, int], int]:
    """The algorithms' attributes, and the seconds of life; kilobytes of phase 1 interest nobody."""
    values: dict[int, int] = {}
    lifetime_s = unit = 0
    for attribute in attributes:
        kind = attribute.type
        if kind == LIFE_TYPE:
            unit = attribute.number
        elif kind == LIFE_DURATION:
            lifetime_s = attribute.number if unit == SECONDS else lifetime_s
        elif kind not in _SINGLE:
            raise ValueError(f"attribute {kind} is not supported")
        elif values.setdefault(kind, attribute.number) != attribute.number:
            raise ValueError(f"attribute {kind} contradicts itself")
    return values, lifetime_s


def _transforms(values: dict[int, int]) -> tuple[Transform, ...]:
    cipher, digest = ENCRYPTION_OF_PHASE_1.to_v2(values[ENCRYPTION]), hash_of(values[HASH])
    row = encryption(cipher) if cipher is not None else None
    if row is None:
        raise ValueError(f"encryption algorithm {values[ENCRYPTION]} is not known")
    if digest is None:
        raise ValueError(f"hash algorithm {values[HASH]} is not known")
    bits = 0 if row.fixed_key else values.get(KEY_LENGTH, DEFAULT_AES_BITS)
    return (
        Transform(TransformType.ENCR, row.number, bits),
        Transform(TransformType.INTEG, digest.integrity),
        Transform(TransformType.PRF, digest.prf),
        Transform(TransformType.KE, values[GROUP]),
    )
