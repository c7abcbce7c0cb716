"""What a peer may do wrong, one class for each error notify that pluto sends (RFC 2408, 3.14.1).

``ends`` says how much is over once the error stands in a message that is authentic. Of errors without a
notify of their own, such as malformed octets, ``sa.errors`` knows what the peer is told.
"""

from typing import ClassVar

from cygnet.base.errors import Ends, MalformedError, PeerError


class InvalidPayloadTypeError(PeerError):
    """A payload is missing, or there is one too many (RFC 2408, 5.3)."""

    notify: ClassVar[int | None] = 1


class DoiNotSupportedError(MalformedError):
    """The domain of interpretation is not IPsec's (RFC 2408, 5.4)."""

    notify: ClassVar[int | None] = 2


class SituationNotSupportedError(MalformedError):
    """A situation other than "identity only" (RFC 2407, 4.2)."""

    notify: ClassVar[int | None] = 3


class AttributesNotSupportedError(PeerError):
    """Attributes contradict each other, or ask for what is not there (RFC 2407, 4.5.2, 4.5.3)."""

    notify: ClassVar[int | None] = 13
    ends: ClassVar[Ends] = Ends.EXCHANGE


class NoProposalChosenError(PeerError):
    """None of the proposals is acceptable (RFC 2408, 5.4)."""

    notify: ClassVar[int | None] = 14
    ends: ClassVar[Ends] = Ends.EXCHANGE


class BadProposalSyntaxError(PeerError):
    """A proposal without sense, or an answer that is none of our offers (RFC 2408, 5.5; RFC 2409, 5)."""

    notify: ClassVar[int | None] = 15
    ends: ClassVar[Ends] = Ends.EXCHANGE


class InvalidKeyInformationError(PeerError):
    """The key exchange payload does not fit the group (RFC 2408, 5.7)."""

    notify: ClassVar[int | None] = 17
    ends: ClassVar[Ends] = Ends.EXCHANGE


class InvalidIdInformationError(PeerError):
    """The identity, or the selectors of a quick mode, are not acceptable (RFC 2408, 5.8; RFC 2409, 5.5)."""

    notify: ClassVar[int | None] = 18
    ends: ClassVar[Ends] = Ends.CHILD


class InvalidHashInformationError(PeerError):
    """HASH does not cover the message: silence, since anybody may have sent it (RFC 2408, 5.11)."""


class AuthenticationFailedError(PeerError):
    """The peer is not who it says, or nobody we know (RFC 2408, 5.11)."""

    notify: ClassVar[int | None] = 24
    ends: ClassVar[Ends] = Ends.SA


class UndecipherableError(PeerError):
    """What comes out of the decryption is no message: another key made it. Silence."""


class InvalidFragmentError(PeerError):
    """A fragment that belongs to nothing; silence."""


ERRORS: tuple[type[PeerError], ...] = (
    InvalidPayloadTypeError, DoiNotSupportedError, SituationNotSupportedError, AttributesNotSupportedError,
    NoProposalChosenError, BadProposalSyntaxError, InvalidKeyInformationError, InvalidIdInformationError,
    AuthenticationFailedError,
)  # fmt: skip
