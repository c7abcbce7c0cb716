"""EAP-TLS: certificates on both sides (RFC 5216; RFC 9190 for TLS 1.3)."""

from typing import ClassVar

from cygnet.eap.errors import EapConfigError, EapError
from cygnet.eap.methods.tls_based import TlsPeer, TlsServer
from cygnet.eap.outcomes import Proof
from cygnet.eap.packets import TLS, EapType
from cygnet.eap.tls.options import TlsOptions

_COMMITMENT = b"\x00"


class PeerTls(TlsPeer):
    """Shows our certificate, judges the server's."""

    type: ClassVar[EapType] = TLS
    versioned: ClassVar[bool] = False

    def __init__(self, identity: bytes, options: TlsOptions) -> None:
        if options.own is None:
            raise EapConfigError("EAP-TLS needs a certificate of ours and its key")
        super().__init__(options)
        self._identity = identity
        self._committed = False

    def inside(self, plaintext: bytes, identifier: int) -> None:
        """Nothing but the octet by which a server of TLS 1.3 says that it is done (RFC 9190, 2.5)."""
        if not plaintext:
            return
        if plaintext != _COMMITMENT or not self.session.is_tls13 or self._committed:
            raise EapError(f"EAP-TLS: {len(plaintext)} octets of data came, which have no place here")
        self._committed = True

    def finished(self) -> Proof:
        """Keys of the session; under TLS 1.3 only once the server has accepted our certificate."""
        if self.session.is_tls13 and not self._committed:
            raise EapError("EAP-TLS: the server says success without protecting it (RFC 9190, 2.5)")
        return Proof(self._identity, TLS, *self.keys(), self.session.certificates)


class ServerTls(TlsServer):
    """Shows our certificate, demands the peer's; whether that is ``identity``'s, ``options.verify`` tells."""

    type: ClassVar[EapType] = TLS
    versioned: ClassVar[bool] = False

    def __init__(self, identity: bytes, options: TlsOptions) -> None:
        if options.verify is None:
            raise EapConfigError("EAP-TLS needs a way to verify the peer's certificate")
        super().__init__(options)
        self._identity = identity
        self._told = False

    def inside(self, plaintext: bytes, identifier: int) -> bytes | None:
        """Our last message, then the peer's acknowledgement."""
        if plaintext:
            raise EapError(f"EAP-TLS: {len(plaintext)} octets of data came, which have no place here")
        if self._told:
            return None
        self._told = True
        if self.session.is_tls13:
            self.session.write(_COMMITMENT)
        return self.session.drain()

    def finished(self) -> Proof:
        """Keys of the session."""
        return Proof(self._identity, TLS, *self.keys(), self.session.certificates)
