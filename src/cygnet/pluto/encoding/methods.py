"""Phase 1 authentication methods: who proves what, and by what (RFC 2409, 5; RFC 4754; drafts).

draft-beaulieu-ike-xauth-02, 7.2 for XAUTH; hybrid is draft-ietf-ipsec-isakmp-hybrid-auth-05: one side signs,
the other shows only that it has the same keys, and proves itself by XAUTH afterwards.
"""

from dataclasses import dataclass
from enum import StrEnum


class Side(StrEnum):
    """One of the two ends of a phase 1, by who began it."""

    INITIATOR = "initiator"
    RESPONDER = "responder"


class Proof(StrEnum):
    """What a side authenticates phase 1 with."""

    HASH = "HASH"
    SIGNATURE = "SIG"


@dataclass(frozen=True, slots=True)
class MethodRow:
    """One value of attribute 3. ``name`` is for logs.

    ``psk``: SKEYID comes from a pre-shared key, else from nonces and g^xy. ``key`` names the kind of key that
    signs, ``curve_bits`` its curve. ``xauth`` is the side that proves itself by XAUTH afterwards.
    """

    number: int
    name: str
    psk: bool
    proof_i: Proof
    proof_r: Proof
    key: str = ""
    curve_bits: int = 0
    xauth: Side | None = None

    def proof(self, initiator: bool) -> Proof:
        """What one side sends."""
        return self.proof_i if initiator else self.proof_r

    def asks_user(self, initiator: bool) -> bool:
        """Whether that side has to prove itself by XAUTH."""
        return self.xauth is (Side.INITIATOR if initiator else Side.RESPONDER)


_H, _S = Proof.HASH, Proof.SIGNATURE
_I, _R = Side.INITIATOR, Side.RESPONDER

METHODS: tuple[MethodRow, ...] = (
    MethodRow(1, "pre-shared key", True, _H, _H),
    MethodRow(3, "RSA signatures", False, _S, _S, "RSA"),
    MethodRow(9, "ECDSA-256 signatures", False, _S, _S, "ECDSA", 256),
    MethodRow(10, "ECDSA-384 signatures", False, _S, _S, "ECDSA", 384),
    MethodRow(11, "ECDSA-521 signatures", False, _S, _S, "ECDSA", 521),
    MethodRow(64221, "HybridInitRSA", False, _H, _S, "RSA", 0, _I),
    MethodRow(64222, "HybridRespRSA", False, _S, _H, "RSA", 0, _R),
    MethodRow(65001, "XAuthInitPSK", True, _H, _H, "", 0, _I),
    MethodRow(65002, "XAuthRespPSK", True, _H, _H, "", 0, _R),
    MethodRow(65005, "XAuthInitRSA", False, _S, _S, "RSA", 0, _I),
    MethodRow(65006, "XAuthRespRSA", False, _S, _S, "RSA", 0, _R),
)

_BY_NUMBER = {row.number: row for row in METHODS}


def method_row(number: int) -> MethodRow | None:
    """The row of a number."""
    return _BY_NUMBER.get(number)
