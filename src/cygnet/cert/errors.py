"""What goes wrong with certificates and what belongs to them."""

from typing import ClassVar

from cygnet.base.errors import Ends, LocalError, PeerError


class MalformedCertificateError(PeerError):
    """A certificate from the peer cannot be read: AUTHENTICATION_FAILED."""

    notify: ClassVar[int | None] = 24
    ends: ClassVar[Ends] = Ends.SA


class MalformedRevocationError(PeerError):
    """A CRL or an OCSP response cannot be read; who sent it is asked no more, the peer is told nothing."""


class CertificateLoadError(LocalError):
    """A certificate file of ours cannot be used; the text says why."""
