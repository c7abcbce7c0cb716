"""The three kinds of failure: the peer's doing, ours, and (everything else) a bug.

A protocol error class carries the notify its peer is told, so that one function can answer all of
them. Parsers of hostile data raise only :class:`PeerError`.
"""

from enum import IntEnum
from typing import ClassVar


class Ends(IntEnum):
    """How much a failure ends, from least to most."""

    MESSAGE = 0
    EXCHANGE = 1
    CHILD = 2
    SA = 3


class CygnetError(Exception):
    """Base of all errors that are expected and have a plain-words reason."""


class PeerError(CygnetError):
    """The peer sent what the protocol or our policy does not allow.

    ``notify`` is the notify message type told to the peer (``None``: silence), ``ends`` how much the
    failure ends.
    """

    notify: ClassVar[int | None] = None
    ends: ClassVar[Ends] = Ends.MESSAGE

    def data(self) -> bytes:
        """Notification data that goes with the notify (RFC 7296, 3.10)."""
        return b""


class LocalError(CygnetError):
    """Our configuration, key, resource or kernel fails; ``notify`` is what the peer may see of it."""

    notify: ClassVar[int | None] = None


class MalformedError(PeerError):
    """Octets do not follow the grammar: too short, too long, a length that lies.

    Told to the peer as INVALID_SYNTAX (RFC 7296, 2.21.3) where it is told anything.
    """

    notify: ClassVar[int | None] = 7
    ends: ClassVar[Ends] = Ends.SA
