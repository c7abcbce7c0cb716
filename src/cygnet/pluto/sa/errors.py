"""Failures of ours, and which notify tells the peer of any failure (RFC 2408, 3.14.1)."""

from typing import ClassVar

from cygnet.base.errors import CygnetError, LocalError, MalformedError
from cygnet.pluto.encoding.errors import ERRORS
from cygnet.pluto.encoding.notify import NotifyType


class NoPrivateKeyError(LocalError):
    """There is no key, secret or certificate to authenticate with."""

    notify: ClassVar[int | None] = NotifyType.AUTHENTICATION_FAILED


class NotPossibleError(LocalError):
    """What the connection wants cannot be had from this peer or kernel."""

    notify: ClassVar[int | None] = NotifyType.NO_PROPOSAL_CHOSEN


def notify_of(error: CygnetError) -> int | None:
    """What the peer is told; ``None``: nothing. Errors of shared packages carry IKEv2's numbers."""
    if isinstance(error, ERRORS):
        return error.notify
    if isinstance(error, MalformedError):
        return NotifyType.PAYLOAD_MALFORMED
    notify = error.notify if isinstance(error, LocalError) else getattr(error, "notify", None)
    return notify if notify in _SAME_IN_BOTH else None


_SAME_IN_BOTH = (NotifyType.NO_PROPOSAL_CHOSEN, NotifyType.AUTHENTICATION_FAILED)
