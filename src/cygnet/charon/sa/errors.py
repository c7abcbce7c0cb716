"""Failures of IKE_SAs that have no notify of their own."""

from typing import ClassVar

from cygnet.base.errors import Ends, LocalError, PeerError


class RefusedError(PeerError):
    """The peer answered with an error notify: nothing is told back."""

    notify: ClassVar[int | None] = None
    ends: ClassVar[Ends] = Ends.EXCHANGE


class NoSharedKeyError(LocalError):
    """There is no pre-shared key for the two identities."""

    notify: ClassVar[int | None] = 24


class NoPrivateKeyError(LocalError):
    """There is no certificate of ours, no key for it, or no signature scheme the peer knows."""

    notify: ClassVar[int | None] = 24


class NotPossibleError(LocalError):
    """Something of ours is missing that the exchange needs."""

    notify: ClassVar[int | None] = 14
