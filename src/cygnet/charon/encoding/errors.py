"""What a peer may do wrong, one class for each error notify (RFC 7296, 3.10.1).

Each takes a reason in plain words. ``ends`` says how much is over once the error stands in a message
that passed its integrity check; an error in anything unauthenticated never ends more than the message,
whatever ``ends`` says (RFC 7296, 2.21).
"""

from typing import ClassVar

from cygnet.base.errors import Ends, MalformedError, PeerError


class UnsupportedCriticalPayloadError(PeerError):
    """A payload of unknown type has its critical bit set (RFC 7296, 2.5)."""

    notify: ClassVar[int | None] = 1
    ends: ClassVar[Ends] = Ends.EXCHANGE

    def __init__(self, reason: str, payload_type: int) -> None:
        super().__init__(reason)
        self.payload_type = payload_type

    def data(self) -> bytes:
        """The one-octet payload type."""
        return bytes([self.payload_type])


class InvalidIkeSpiError(PeerError):
    """The message names an IKE_SA that is not known here (RFC 7296, 2.21.4)."""

    notify: ClassVar[int | None] = 4


class InvalidMajorVersionError(PeerError):
    """The message speaks a version that is not spoken here (RFC 7296, 2.5)."""

    notify: ClassVar[int | None] = 5

    def data(self) -> bytes:
        """The highest version spoken here: one octet, as in the header."""
        return b"\x20"


class InvalidSyntaxError(MalformedError):
    """Well-formed octets that make no sense: a payload missing, too many of a kind (RFC 7296, 2.21.3)."""


class InvalidMessageIdError(PeerError):
    """A message ID outside the window (RFC 7296, 2.3)."""

    notify: ClassVar[int | None] = 9


class InvalidSpiError(PeerError):
    """An ESP or AH packet for an SPI that is not known here (RFC 7296, 1.5)."""

    notify: ClassVar[int | None] = 11


class NoProposalChosenError(PeerError):
    """None of the proposals is acceptable (RFC 7296, 2.7)."""

    notify: ClassVar[int | None] = 14
    ends: ClassVar[Ends] = Ends.EXCHANGE


class InvalidKePayloadError(PeerError):
    """The KE payload is of another group than the one wanted (RFC 7296, 1.2, 1.3)."""

    notify: ClassVar[int | None] = 17
    ends: ClassVar[Ends] = Ends.EXCHANGE

    def __init__(self, reason: str, group: int) -> None:
        super().__init__(reason)
        self.group = group

    def data(self) -> bytes:
        """The wanted key exchange method, two octets."""
        return self.group.to_bytes(2, "big")


class AuthenticationFailedError(PeerError):
    """The peer is not who it says, or nobody we know (RFC 7296, 2.21.2)."""

    notify: ClassVar[int | None] = 24
    ends: ClassVar[Ends] = Ends.SA


class SinglePairRequiredError(PeerError):
    """Only selectors of a single pair of addresses are acceptable (RFC 7296, 2.9)."""

    notify: ClassVar[int | None] = 34
    ends: ClassVar[Ends] = Ends.CHILD


class NoAdditionalSasError(PeerError):
    """No more CHILD_SAs are accepted on this IKE_SA (RFC 7296, 1.3)."""

    notify: ClassVar[int | None] = 35
    ends: ClassVar[Ends] = Ends.CHILD


class InternalAddressFailureError(PeerError):
    """No address can be assigned to the peer (RFC 7296, 3.15.4)."""

    notify: ClassVar[int | None] = 36
    ends: ClassVar[Ends] = Ends.CHILD


class FailedCpRequiredError(PeerError):
    """A Configuration payload was required and not sent (RFC 7296, 2.19)."""

    notify: ClassVar[int | None] = 37
    ends: ClassVar[Ends] = Ends.CHILD


class TsUnacceptableError(PeerError):
    """None of the addresses, protocols and ports is acceptable (RFC 7296, 2.9)."""

    notify: ClassVar[int | None] = 38
    ends: ClassVar[Ends] = Ends.CHILD


class InvalidSelectorsError(PeerError):
    """A packet inside the tunnel does not match the SA's selectors (RFC 7296, 1.4)."""

    notify: ClassVar[int | None] = 39


class UnacceptableAddressesError(PeerError):
    """The peer may not use these addresses (RFC 4555, 3.5)."""

    notify: ClassVar[int | None] = 40
    ends: ClassVar[Ends] = Ends.EXCHANGE


class UnexpectedNatDetectedError(PeerError):
    """A NAT is on the way of a peer that allows none (RFC 4555, 3.9)."""

    notify: ClassVar[int | None] = 41
    ends: ClassVar[Ends] = Ends.EXCHANGE


class TemporaryFailureError(PeerError):
    """Cannot be done now, for example because of a rekeying at the same time (RFC 7296, 2.25)."""

    notify: ClassVar[int | None] = 43
    ends: ClassVar[Ends] = Ends.EXCHANGE


class ChildSaNotFoundError(PeerError):
    """The CHILD_SA to be rekeyed does not exist here (RFC 7296, 2.25)."""

    notify: ClassVar[int | None] = 44
    ends: ClassVar[Ends] = Ends.EXCHANGE

    def __init__(self, reason: str, protocol: int = 0, spi: bytes = b"") -> None:
        super().__init__(reason)
        self.protocol = protocol
        self.spi = spi


class StateNotFoundError(PeerError):
    """A further key exchange whose beginning is not known here, or no more (RFC 9370, 2.2.4)."""

    notify: ClassVar[int | None] = 47
    ends: ClassVar[Ends] = Ends.EXCHANGE


class InvalidFragmentError(PeerError):
    """A fragment that must be silently discarded (RFC 7383, 2.6)."""


ERRORS: tuple[type[PeerError], ...] = (
    UnsupportedCriticalPayloadError, InvalidIkeSpiError, InvalidMajorVersionError, InvalidSyntaxError,
    InvalidMessageIdError, InvalidSpiError, NoProposalChosenError, InvalidKePayloadError,
    AuthenticationFailedError, SinglePairRequiredError, NoAdditionalSasError, InternalAddressFailureError,
    FailedCpRequiredError, TsUnacceptableError, InvalidSelectorsError, UnacceptableAddressesError,
    UnexpectedNatDetectedError, TemporaryFailureError, ChildSaNotFoundError, StateNotFoundError,
)  # fmt: skip
