"""Transforms and proposals as values (RFC 7296, 3.3)."""

from collections.abc import Set
from enum import IntEnum
from functools import lru_cache
from typing import NamedTuple

from cygnet.base.records import record
from cygnet.crypto import tables
from cygnet.crypto.tables import TransformType


class Protocol(IntEnum):
    """Security protocol identifiers (RFC 7296, 3.3.1)."""

    IKE = 1
    AH = 2
    ESP = 3


ADDITIONAL = frozenset(range(TransformType.ADDKE1, TransformType.ADDKE7 + 1))
KE_TYPES = frozenset({TransformType.KE, *ADDITIONAL})


class Transform(NamedTuple):
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
        prefix = f"KE{self.type - TransformType.KE - 1}_" if self.type in ADDITIONAL else ""
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

    @property
    def key_exchanges(self) -> tuple[int, ...]:
        """The methods of a choice in the order in which they take place, without NONE (RFC 9370, 2.2.1)."""
        found = [item for item in self.transforms if item.type in KE_TYPES and item.number]
        if len(found) > 1:
            found.sort(key=_type_of)
        return tuple([item.number for item in found])

    @property
    def has_additional(self) -> bool:
        """Whether there is any additional key exchange, be it NONE."""
        return not ADDITIONAL.isdisjoint([item.type for item in self.transforms])

    def with_spi(self, spi: bytes) -> "Proposal":
        """The same with another SPI."""
        return Proposal(self.protocol, self.transforms, spi, self.number)

    def summary(self) -> str:
        """``AES_GCM_16_128/PRF_HMAC_SHA2_256/CURVE_25519``, as ``statusall`` prints it."""
        return summary(self.transforms)

    def __str__(self) -> str:
        return f"{protocol_name(self.protocol)}:{self.summary()}"


@lru_cache(maxsize=1024)
def summary(transforms: tuple[Transform, ...]) -> str:
    """Remembered: the same few come in every handshake, and are printed half a dozen times in each."""
    return "/".join(map(str, sorted(transforms, key=lambda item: _place(item.type))))


def by_type(proposal: Proposal) -> dict[int, list[Transform]]:
    """The transforms of a proposal by their types."""
    found: dict[int, list[Transform]] = {}
    for item in proposal.transforms:
        found.setdefault(item.type, []).append(item)
    return found


def in_order(types: Set[int]) -> list[int]:
    """Transform types in the order in which charon prints them, unknown ones last."""
    return sorted(types, key=_ORDER.__getitem__ if _ORDER.keys() >= types else _place)


def _place(kind: int) -> int:
    return _ORDER.get(kind, kind + len(_ORDER))


def protocol_name(protocol: int) -> str:
    """``IKE``, ``ESP`` or ``AH``."""
    return Protocol(protocol).name if protocol in Protocol._value2member_map_ else f"PROTO_{protocol}"


def _type_of(transform: Transform) -> int:
    return transform.type


TYPE_NAMES: dict[int, str] = {
    TransformType.ENCR: "ENCRYPTION_ALGORITHM",
    TransformType.INTEG: "INTEGRITY_ALGORITHM",
    TransformType.PRF: "PSEUDO_RANDOM_FUNCTION",
    TransformType.KE: "KEY_EXCHANGE_METHOD",
    **{TransformType(5 + n): f"ADDITIONAL_KEY_EXCHANGE_{n}" for n in range(1, 8)},
    TransformType.ESN: "EXTENDED_SEQUENCE_NUMBERS",
}
_ORDER: dict[int, int] = {kind: place for place, kind in enumerate(TYPE_NAMES)}
