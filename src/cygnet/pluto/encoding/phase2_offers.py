"""Proposals of quick mode as proposals of ``crypto``, and back (RFC 2407, 4.4, 4.5; RFC 4304)."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby, islice, product

from cygnet.base.errors import MalformedError
from cygnet.crypto.proposals import Proposal, Protocol, Transform
from cygnet.crypto.tables import TransformType, encryption
from cygnet.pluto.encoding.algorithms import AUTHENTICATION_OF_PHASE_2, TRANSFORM_OF_AH, TRANSFORM_OF_ESP
from cygnet.pluto.encoding.attributes import Attribute, build_attributes, numbers_of, read_attributes
from cygnet.pluto.encoding.errors import BadProposalSyntaxError
from cygnet.pluto.encoding.payloads import ProposalPayload, SecurityAssociation, TransformPayload
from cygnet.wire.reader import Reader

PROTO_IPCOMP = 4
LIFE_TYPE, LIFE_DURATION, GROUP, ENCAPSULATION, AUTHENTICATION, KEY_LENGTH, ESN = 1, 2, 3, 4, 5, 6, 11
SECONDS, KILOBYTES = 1, 2
DEFAULT_LIFETIME_S = 28800
"""Where a transform says nothing of time (RFC 2407, 4.5)."""
TUNNEL = 1
MAX_OFFERED = 48
DEFAULT_AES_BITS = 128
_SINGLE = frozenset({GROUP, ENCAPSULATION, AUTHENTICATION, KEY_LENGTH, ESN})


@dataclass(frozen=True, slots=True)
class Life:
    """How long an SA lives; 0 kilobytes is without limit."""

    seconds: int = DEFAULT_LIFETIME_S
    kilobytes: int = 0


@dataclass(frozen=True, slots=True)
class Phase2Terms:
    """What one transform of ESP or AH says, within the proposals of its number.

    ``proposal`` holds the peer's SPI; its number is the place among all transforms, from 1. ``encapsulation``
    is attribute 4. ``compression`` is the IPCOMP proposal that comes with it, if any.
    """

    proposal: Proposal
    encapsulation: int
    life: Life
    source: ProposalPayload
    transform: TransformPayload
    compression: ProposalPayload | None = None

    @property
    def group(self) -> int:
        """The group of perfect forward secrecy, 0 without."""
        chosen = self.proposal.chosen(TransformType.KE)
        return chosen.number if chosen else 0

    def answer(self, spi: bytes, compression: ProposalPayload | None) -> SecurityAssociation:
        """The payload that chooses this transform, unchanged, with our SPI (RFC 2409, 5.5)."""
        chosen = ProposalPayload(self.source.number, self.source.protocol, (self.transform,), spi)
        return SecurityAssociation((chosen, *((compression,) if compression else ())))


@dataclass(frozen=True, slots=True)
class Wish:
    """What goes into every transform of an offer. ``group`` 0 is without perfect forward secrecy."""

    encapsulation: int
    life: Life
    group: int = 0


def offer(
    proposals: Iterable[Proposal],
    wish: Wish,
    spi: bytes,
    compression: tuple[tuple[int, ...], bytes] | None = None,
) -> SecurityAssociation:
    """The payload that offers proposals, each combination a transform; raises ``ValueError`` if none is left.

    ``compression`` is IPComp transforms with our CPI: they are offered together with all of ESP first, and
    then ESP without them, for peers that do not compress.
    """
    proposals = tuple(proposals)
    protocol = proposals[0].protocol if proposals else Protocol.ESP
    rows = list(islice(dict.fromkeys(_combinations(proposals)), MAX_OFFERED))
    if not rows:
        raise ValueError("no proposal of esp= or ah= has algorithms that IKEv1 knows")
    transforms = tuple(
        TransformPayload(number, kind, (*_terms(wish), *attributes))
        for number, (kind, attributes) in enumerate(rows, 1)
    )
    plain = ProposalPayload(1, protocol, transforms, spi)
    if compression is None:
        return SecurityAssociation((plain,))
    squeezed = tuple(
        TransformPayload(number, kind, _terms(wish)) for number, kind in enumerate(compression[0], 1)
    )
    return SecurityAssociation(
        (
            plain,
            ProposalPayload(1, PROTO_IPCOMP, squeezed, compression[1]),
            ProposalPayload(2, protocol, transforms, spi),
        )
    )


def read(payload: SecurityAssociation) -> tuple[tuple[Phase2Terms, ...], tuple[str, ...]]:
    """All transforms that can be understood, and why the others cannot."""
    found: list[Phase2Terms] = []
    reasons: dict[str, None] = {}
    for _, group in groupby(payload.proposals, key=lambda one: one.number):
        try:
            source, compression = _members(tuple(group))
        except ValueError as error:
            reasons.setdefault(str(error))
            continue
        for transform in source.transforms:
            try:
                found.append(_read(source, transform, compression, len(found) + 1))
            except ValueError as error:
                reasons.setdefault(str(error))
    return tuple(found), tuple(reasons)


def lifetime_attributes(life: Life) -> tuple[Attribute, ...]:
    """Seconds, and kilobytes if limited, each behind its unit (RFC 2407, 4.5)."""
    seconds = (Attribute.number_of(LIFE_TYPE, SECONDS), Attribute.number_of(LIFE_DURATION, life.seconds))
    if not life.kilobytes:
        return seconds
    kilobytes = (
        Attribute.number_of(LIFE_TYPE, KILOBYTES), Attribute.number_of(LIFE_DURATION, life.kilobytes)
    )  # fmt: skip
    return (*seconds, *kilobytes)


def algorithms_of(transform: TransformPayload) -> dict[int, int]:
    """What a transform says but for the lifetime; raises ``MalformedError``."""
    return numbers_of(transform.attributes, without=(LIFE_TYPE, LIFE_DURATION))


def build_lifetime(life: Life) -> bytes:
    """The data of RESPONDER-LIFETIME (RFC 2407, 4.6.3.1)."""
    return build_attributes(lifetime_attributes(life))


def read_lifetime(data: bytes) -> tuple[Attribute, ...]:
    """The attributes in RESPONDER-LIFETIME; raises ``MalformedError``."""
    return read_attributes(Reader(data, "RESPONDER-LIFETIME"))


def life_of(attributes: Iterable[Attribute], default: Life) -> Life:
    """The lifetime that attributes give, with the default for what they leave out; raises ``PeerError``."""
    seconds, kilobytes, unit = default.seconds, default.kilobytes, 0
    for attribute in attributes:
        if attribute.type == LIFE_TYPE:
            unit = attribute.number
        elif attribute.type == LIFE_DURATION and unit == SECONDS:
            seconds = attribute.number
        elif attribute.type == LIFE_DURATION and unit == KILOBYTES:
            kilobytes = attribute.number
        elif attribute.type == LIFE_DURATION:
            raise BadProposalSyntaxError(f"a lifetime of unit {unit}")
    return Life(seconds, kilobytes)


def _combinations(proposals: Iterable[Proposal]) -> Iterator[tuple[int, tuple[Attribute, ...]]]:
    for proposal in proposals:
        esn = any(one.number == 1 for one in proposal.of_type(TransformType.ESN))
        long = (Attribute.number_of(ESN, 1),) if esn else ()
        macs = proposal.of_type(TransformType.INTEG) or (None,)
        if proposal.protocol == Protocol.AH:
            yield from ((kind, (*found, *long)) for kind, found in _ah(macs))
            continue
        for cipher, mac in product(proposal.of_type(TransformType.ENCR), macs):
            kind, found = TRANSFORM_OF_ESP.to_v1(cipher.number), _authentication(mac)
            if kind is None or found is None:
                continue
            length = (Attribute.number_of(KEY_LENGTH, cipher.key_bits),) if cipher.key_bits else ()
            yield kind, (*length, *found, *long)


def _ah(macs: Sequence[Transform | None]) -> Iterator[tuple[int, tuple[Attribute, ...]]]:
    for mac in macs:
        kind = TRANSFORM_OF_AH.to_v1(mac.number) if mac else None
        found = _authentication(mac)
        if kind is not None and found:
            yield kind, found


def _authentication(mac: Transform | None) -> tuple[Attribute, ...] | None:
    """The attribute of an integrity algorithm, none without; ``None`` if IKEv1 has no number for it."""
    if mac is None or mac.is_none:
        return ()
    number = AUTHENTICATION_OF_PHASE_2.to_v1(mac.number)
    return None if number is None else (Attribute.number_of(AUTHENTICATION, number),)


def _terms(wish: Wish) -> tuple[Attribute, ...]:
    group = (Attribute.number_of(GROUP, wish.group),) if wish.group else ()
    return (
        Attribute.number_of(ENCAPSULATION, wish.encapsulation),
        *lifetime_attributes(wish.life),
        *group,
    )


def _members(group: Sequence[ProposalPayload]) -> tuple[ProposalPayload, ProposalPayload | None]:
    """ESP or AH, and IPComp if there (RFC 2408, 4.2); raises ``ValueError`` for other company."""
    main = [one for one in group if one.protocol in (Protocol.ESP, Protocol.AH)]
    others = [one for one in group if one not in main]
    if len(main) != 1:
        names = "+".join(str(one.protocol) for one in group)
        raise ValueError(f"proposal for protocols {names}: one of ESP and AH can be had, not both")
    if len(main[0].spi) != 4:
        raise ValueError(f"SPI of {len(main[0].spi)} octets")
    if any(one.protocol != PROTO_IPCOMP for one in others) or len(others) > 1:
        raise ValueError(f"proposal with protocol {others[0].protocol} is not supported")
    return main[0], others[0] if others else None


def _read(
    source: ProposalPayload, transform: TransformPayload, compression: ProposalPayload | None, number: int
) -> Phase2Terms:
    """Raises ``ValueError`` with the reason for a transform that we could not choose."""
    try:
        values = _values(transform.attributes)
        life = life_of(transform.attributes, Life())
    except (MalformedError, BadProposalSyntaxError) as error:
        raise ValueError(str(error)) from None
    read_algorithms = _ah_transforms if source.protocol == Protocol.AH else _esp_transforms
    transforms = (
        *read_algorithms(transform.id, values),
        *((Transform(TransformType.KE, values[GROUP]),) if values.get(GROUP) else ()),
        Transform(TransformType.ESN, values.get(ESN, 0)),
    )
    proposal = Proposal(source.protocol, transforms, source.spi, number)
    return Phase2Terms(
        proposal, values.get(ENCAPSULATION, TUNNEL), life, source, transform, compression
    )


def _values(attributes: Sequence[Attribute]) -> dict[int, int]:
    values: dict[int, int] = {}
    for attribute in attributes:
        kind = attribute.type
        if kind in (LIFE_TYPE, LIFE_DURATION):
            continue
        if kind not in _SINGLE:
            raise ValueError(f"attribute {kind} is not supported")
        if values.setdefault(kind, attribute.number) != attribute.number:
            raise ValueError(f"attribute {kind} contradicts itself")
    if values.get(ESN, 1) != 1:
        raise ValueError(f"attribute {ESN} (extended sequence numbers) with value {values[ESN]}")
    return values


def _esp_transforms(kind: int, values: dict[int, int]) -> tuple[Transform, ...]:
    number = TRANSFORM_OF_ESP.to_v2(kind)
    row = encryption(number) if number is not None else None
    if row is None:
        raise ValueError(f"ESP transform {kind} is not known")
    bits = 0 if row.fixed_key else values.get(KEY_LENGTH, DEFAULT_AES_BITS)
    cipher = Transform(TransformType.ENCR, row.number, bits)
    if AUTHENTICATION not in values:
        return (cipher,)
    return cipher, Transform(TransformType.INTEG, _integrity(values[AUTHENTICATION]))


def _ah_transforms(kind: int, values: dict[int, int]) -> tuple[Transform, ...]:
    """Transform ID and authentication attribute must name the same algorithm (RFC 2407, 4.4.3)."""
    number = TRANSFORM_OF_AH.to_v2(kind)
    if number is None:
        raise ValueError(f"AH transform {kind} is not known")
    if AUTHENTICATION in values and _integrity(values[AUTHENTICATION]) != number:
        raise ValueError(f"AH transform {kind} with authentication algorithm {values[AUTHENTICATION]}")
    return (Transform(TransformType.INTEG, number),)


def _integrity(value: int) -> int:
    number = AUTHENTICATION_OF_PHASE_2.to_v2(value)
    if number is None:
        raise ValueError(f"authentication algorithm {value} is not known")
    return number
