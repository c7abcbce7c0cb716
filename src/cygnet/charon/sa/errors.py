"""Failures of IKE_SAs that have no notify of their own, and what a peer is told of any failure."""

from typing import ClassVar

from cygnet.base.errors import CygnetError, Ends, LocalError, PeerError
from cygnet.charon.encoding.notify import NotifyType
from cygnet.charon.encoding.payloads import Eap, Notify


class RefusedError(PeerError):
    """The peer answered with an error notify: nothing is told back."""

    notify: ClassVar[int | None] = None
    ends: ClassVar[Ends] = Ends.EXCHANGE


class CookieMismatchError(PeerError):
    """The peer gave another COOKIE2 back than it was sent: the IKE_SA is closed (RFC 4555, 3.7)."""

    notify: ClassVar[int | None] = None
    ends: ClassVar[Ends] = Ends.SA


class EapFailedError(PeerError):
    """The peer failed in EAP, which tells it so itself: ``packet`` is the Failure (RFC 7296, 2.16)."""

    notify: ClassVar[int | None] = 24
    ends: ClassVar[Ends] = Ends.SA

    def __init__(self, reason: str, packet: bytes) -> None:
        super().__init__(reason)
        self.packet = packet


class NoSharedKeyError(LocalError):
    """There is no pre-shared key for the two identities."""

    notify: ClassVar[int | None] = 24


class NoPrivateKeyError(LocalError):
    """There is no certificate of ours, no key for it, or no signature scheme the peer knows."""

    notify: ClassVar[int | None] = 24


class NoPpkError(LocalError):
    """The connection requires a post-quantum pre-shared key, and there is none for it (RFC 8784)."""

    notify: ClassVar[int | None] = 24


class NoFurtherRoundError(LocalError):
    """We have several authentication rounds, and the peer knows only one (RFC 4739)."""

    notify: ClassVar[int | None] = 24


class NotPossibleError(LocalError):
    """Something of ours is missing that the exchange needs."""

    notify: ClassVar[int | None] = 14


def refusal(error: CygnetError) -> Notify | Eap | None:
    """The one place where errors become notifies (or an EAP Failure); ``None`` for silence."""
    if isinstance(error, EapFailedError):
        return Eap(error.packet)
    if isinstance(error, PeerError):
        if error.notify is None:
            return None
        protocol, spi = getattr(error, "protocol", 0), getattr(error, "spi", b"")
        return Notify(error.notify, error.data(), protocol, spi)
    if isinstance(error, LocalError):
        return Notify(NotifyType.NO_PROPOSAL_CHOSEN if error.notify is None else error.notify)
    return None
