"""How an EAP conversation fails."""

from typing import ClassVar

from cygnet.base.errors import Ends, LocalError, PeerError


class EapError(PeerError):
    """The other side proved nothing, or refused us; the text says why.

    Told as AUTHENTICATION_FAILED (RFC 7296, 2.16).
    """

    notify: ClassVar[int | None] = 24
    ends: ClassVar[Ends] = Ends.SA


class EapConfigError(LocalError):
    """We lack what a method needs (a password, a certificate), or it cannot be used."""

    notify: ClassVar[int | None] = 24
