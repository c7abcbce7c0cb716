"""What goes wrong inside cryptography: the peer's doing, or a primitive that is not here."""

from typing import ClassVar

from cygnet.base.errors import Ends, LocalError, PeerError


class IntegrityError(PeerError):
    """An integrity check value does not match: the packet is dropped in silence (RFC 7296, 2.21)."""

    notify: ClassVar[int | None] = None
    ends: ClassVar[Ends] = Ends.MESSAGE


class InvalidKeError(PeerError):
    """A peer's public value fails the tests of RFC 6989, told as INVALID_SYNTAX (its section 2.5)."""

    notify: ClassVar[int | None] = 7
    ends: ClassVar[Ends] = Ends.EXCHANGE


class SignatureError(PeerError):
    """A signature does not verify, or its algorithm is none of ours: AUTHENTICATION_FAILED."""

    notify: ClassVar[int | None] = 24
    ends: ClassVar[Ends] = Ends.SA


class MalformedKeyError(PeerError):
    """A public key from the peer cannot be read: AUTHENTICATION_FAILED."""

    notify: ClassVar[int | None] = 24
    ends: ClassVar[Ends] = Ends.SA


class UnsupportedAlgorithmError(LocalError):
    """A transform was chosen that the tables do not have; told as NO_PROPOSAL_CHOSEN."""

    notify: ClassVar[int | None] = 14
