"""Transforms and proposals as values (RFC 7296, 3.3)."""

from dataclasses import replace
from enum import IntEnum
from functools import lru_cache

from cygnet.base.records import record
from cygnet.crypto import tables
from cygnet.crypto.tables import TransformType


class Protocol(IntEnum):
    """Security protocol identifiers (RFC 7296, 3.3.1)."""

    IKE = 1
    AH = 2
    ESP = 3


@record
class Transform:
    """One algorithm of a proposal; ``key_bits`` 0 means no Key Length attribute (RFC 7296, 3.3.5)."""

    type: int
    number: int
    key_bits: int = 0

    @property
    def is_none(self) -> bool:
        """Whether it says "no such algorithm" (INTEG and KE have a NONE, RFC 7296, 3.3.2)."""
        return self.number == 0 and self.type != TransformType.ESN

    def __str__(self) -> str:
        row = tables.by_number(self.type, self.number)
        name = "NONE" if self.is_none else row.name if row else f"UNKNOWN_{self.type}_{self.number}"
        prefix = f"KE{self.type - 5}_" if TransformType.ADDKE1 <= self.type <= TransformType.ADDKE7 else ""
        return f"{prefix}{name}_{self.key_bits}" if self.key_bits else f"{prefix}{name}"


@record
class Proposal:
    """One proposal of an SA payload; transforms of one type are alternatives, first is liked best."""

    protocol: int
    transforms: tuple[Transform, ...]
    spi: bytes = b""
    number: int = 1

    def of_type(self, kind: int) -> tuple[Transform, ...]:
        """The alternatives of one transform type."""
        return tuple([item for item in self.transforms if item.type == kind])

    def chosen(self, kind: int) -> Transform | None:
        """The first transform of a type, which is the only one once a proposal was selected."""
        for item in self.transforms:
            if item.type == kind:
                return item
        return None

    @property
    def is_choice(self) -> bool:
        """Whether each type occurs once, as in an answer (RFC 7296, 2.7)."""
        return len({item.type for item in self.transforms}) == len(self.transforms)

    def with_spi(self, spi: bytes) -> "Proposal":
        """The same with another SPI."""
        return replace(self, spi=spi)

    def summary(self) -> str:
        """``AES_GCM_16_128/PRF_HMAC_SHA2_256/CURVE_25519``, as ``statusall`` prints it."""
        return _summary(self.transforms)

    def __str__(self) -> str:
        return f"{protocol_name(self.protocol)}:{self.summary()}"


@lru_cache(maxsize=1024)
def _summary(transforms: tuple[Transform, ...]) -> str:
    """The same few come in every handshake, and are printed half a dozen times in each."""
    return "/".join(map(str, sorted(transforms, key=lambda item: _place(item.type))))


def transform_types(*proposals: Proposal) -> list[int]:
    """The transform types that occur, in the order in which charon prints them."""
    present = {item.type for proposal in proposals for item in proposal.transforms}
    return sorted(present, key=_place)


def _place(kind: int) -> tuple[int, int]:
    return _ORDER.get(kind, kind + len(_ORDER)), kind


def protocol_name(protocol: int) -> str:
    """``IKE``, ``ESP`` or ``AH``."""
    return Protocol(protocol).name if protocol in Protocol._value2member_map_ else f"PROTO_{protocol}"


TYPE_NAMES: dict[int, str] = {
    TransformType.ENCR: "ENCRYPTION_ALGORITHM",
    TransformType.INTEG: "INTEGRITY_ALGORITHM",
    TransformType.PRF: "PSEUDO_RANDOM_FUNCTION",
    TransformType.KE: "KEY_EXCHANGE_METHOD",
    **{TransformType(5 + n): f"ADDITIONAL_KEY_EXCHANGE_{n}" for n in range(1, 8)},
    TransformType.ESN: "EXTENDED_SEQUENCE_NUMBERS",
}
_ORDER: dict[int, int] = {kind: place for place, kind in enumerate(TYPE_NAMES)}
