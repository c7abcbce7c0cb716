"""IKEv1's numbers of algorithms beside those of ``crypto.tables``, which are IKEv2's.

RFC 2409, appendix A; RFC 2407, 4.4 and 4.5; RFC 3602, RFC 3686, RFC 4106, RFC 4309, RFC 4312, RFC 4543,
RFC 4868. Groups have the same numbers in both.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Pair:
    """One algorithm: its number in an attribute or transform of IKEv1, and that of ``crypto.tables``."""

    v1: int
    v2: int
    reference: str


@dataclass(frozen=True, slots=True)
class HashRow:
    """A phase 1 hash: the integrity algorithm and PRF that stand for it in proposals, ``hashlib``'s name."""

    v1: int
    integrity: int
    prf: int
    name: str


PHASE1_ENCRYPTION = (
    Pair(1, 2, "RFC 2405"),  # DES-CBC
    Pair(5, 3, "RFC 2409"),  # 3DES-CBC
    Pair(7, 12, "RFC 3602"),  # AES-CBC
    Pair(8, 23, "RFC 4312"),  # Camellia-CBC
)
PHASE1_HASHES = (
    HashRow(1, 1, 1, "md5"),
    HashRow(2, 2, 2, "sha1"),
    HashRow(4, 12, 5, "sha256"),
    HashRow(5, 13, 6, "sha384"),
    HashRow(6, 14, 7, "sha512"),
)
ESP_TRANSFORMS = (
    Pair(2, 2, "RFC 2407"),  # DES
    Pair(3, 3, "RFC 2407"),  # 3DES
    Pair(11, 11, "RFC 2407"),  # NULL
    Pair(12, 12, "RFC 3602"),  # AES-CBC
    Pair(13, 13, "RFC 3686"),  # AES-CTR
    Pair(14, 14, "RFC 4309"),  # AES-CCM, ICVs of 8, 12 and 16 octets
    Pair(15, 15, "RFC 4309"),
    Pair(16, 16, "RFC 4309"),
    Pair(18, 18, "RFC 4106"),  # AES-GCM, ICVs of 8, 12 and 16 octets
    Pair(19, 19, "RFC 4106"),
    Pair(20, 20, "RFC 4106"),
    Pair(22, 23, "RFC 4312"),  # Camellia-CBC: note the 22
    Pair(23, 21, "RFC 4543"),  # NULL with AES-GMAC: note the 23
    Pair(28, 28, "unassigned"),  # ChaCha20-Poly1305: IKEv2's number, for want of one
)
AUTHENTICATION = (
    Pair(1, 1, "RFC 2407"),  # HMAC-MD5
    Pair(2, 2, "RFC 2407"),  # HMAC-SHA
    Pair(5, 12, "RFC 4868"),  # HMAC-SHA2-256
    Pair(6, 13, "RFC 4868"),
    Pair(7, 14, "RFC 4868"),
    Pair(9, 5, "RFC 3566"),  # AES-XCBC-MAC
    Pair(250, 8, "unassigned"),  # AES-CMAC-96, libreswan's number
)
AH_TRANSFORMS = (
    Pair(2, 1, "RFC 2407"),  # MD5
    Pair(3, 2, "RFC 2407"),  # SHA
    Pair(5, 12, "RFC 4868"),  # SHA2-256
    Pair(6, 13, "RFC 4868"),
    Pair(7, 14, "RFC 4868"),
    Pair(9, 5, "RFC 3566"),  # AES-XCBC-MAC
)
GROUPS = frozenset({1, 2, 5, 14, 15, 16, 17, 18, 19, 20, 21, 28, 29, 30, 31, 32})
"""31 and 32 (Curve25519, Curve448) are IKEv2's numbers, which IKEv1 uses too where it is not the RFC's."""


class Mapping:
    """Both ways through one table."""

    def __init__(self, rows: tuple[Pair, ...]) -> None:
        self._to_v2 = {row.v1: row.v2 for row in rows}
        self._to_v1 = {row.v2: row.v1 for row in rows}

    def to_v2(self, number: int) -> int | None:
        """The number of ``crypto.tables``."""
        return self._to_v2.get(number)

    def to_v1(self, number: int) -> int | None:
        """IKEv1's number, ``None`` for an algorithm that IKEv1 has none for."""
        return self._to_v1.get(number)


ENCRYPTION_OF_PHASE_1 = Mapping(PHASE1_ENCRYPTION)
TRANSFORM_OF_ESP = Mapping(ESP_TRANSFORMS)
AUTHENTICATION_OF_PHASE_2 = Mapping(AUTHENTICATION)
TRANSFORM_OF_AH = Mapping(AH_TRANSFORMS)

_BY_V1 = {row.v1: row for row in PHASE1_HASHES}
_BY_INTEGRITY = {row.integrity: row for row in PHASE1_HASHES}
_BY_PRF = {row.prf: row for row in PHASE1_HASHES}


def hash_of(number: int) -> HashRow | None:
    """The phase 1 hash of IKEv1's number."""
    return _BY_V1.get(number)


def hash_of_integrity(number: int) -> HashRow | None:
    """The phase 1 hash that an integrity algorithm of a proposal stands for."""
    return _BY_INTEGRITY.get(number)


def hash_of_prf(number: int) -> HashRow | None:
    """The phase 1 hash whose HMAC is the PRF (RFC 2409, 4)."""
    return _BY_PRF.get(number)
