"""What EAP-TLS, EAP-TTLS and PEAP have in common: a TLS handshake, then something inside it."""

from abc import ABC, abstractmethod
from functools import partial
from typing import ClassVar

from cygnet.base.secret import Secret
from cygnet.eap.errors import EapConfigError, EapError
from cygnet.eap.outcomes import Proof
from cygnet.eap.packets import EapPacket, EapType
from cygnet.eap.tls.keys import session_keys
from cygnet.eap.tls.link import TlsLink
from cygnet.eap.tls.options import TlsOptions
from cygnet.eap.tls.session import TlsSession


class TlsPeer(ABC):
    """The TLS client. A failed handshake leaves an alert to be sent, and its reason in ``failure``."""

    type: ClassVar[EapType]
    versioned: ClassVar[bool] = True

    def __init__(self, options: TlsOptions) -> None:
        if options.verify is None:
            raise EapConfigError(f"{self.type} needs a way to verify the server's certificate")
        self.failure = ""
        self.session = TlsSession(options, server=False)
        self._link = TlsLink(str(self.type), options, self.versioned)

    def process(self, request: EapPacket) -> bytes:
        """The next packet of ours."""
        if self.session.failure:
            raise EapError(self.failure)
        return self._link.exchange(request.data, partial(self._advance, request.identifier)) or b""

    def conclude(self) -> Proof:
        """Success counts if the handshake is done and what is inside has succeeded."""
        if self.failure or not self.session.finished:
            raise EapError(self.failure or f"the server says success in the middle of {self.type}")
        return self.finished()

    @abstractmethod
    def inside(self, plaintext: bytes, identifier: int) -> None:
        """What came inside request ``identifier``, once the handshake is done.

        Replies go to ``session.write``.
        """

    @abstractmethod
    def finished(self) -> Proof:
        """The proof, if everything inside has succeeded; raises otherwise."""

    def keys(self) -> tuple[Secret, Secret]:
        """MSK and EMSK."""
        return session_keys(self.session, self.type)

    def _advance(self, identifier: int, message: bytes) -> bytes:
        plaintext = self.session.feed(message)
        if self.session.failure:
            self.failure = f"{self.type}: {self.session.failure}"
        elif self.session.finished:
            self.inside(plaintext, identifier)
        return self.session.drain()


class TlsServer(ABC):
    """The TLS server. A failed handshake sends its alert before all ends (RFC 5216, 2.1.3)."""

    type: ClassVar[EapType]
    versioned: ClassVar[bool] = True

    def __init__(self, options: TlsOptions) -> None:
        if options.own is None:
            raise EapConfigError(f"{self.type} needs a certificate of ours and its key")
        self.session = TlsSession(options, server=True)
        self._link = TlsLink(str(self.type), options, self.versioned)
        self._refused = ""

    def begin(self) -> bytes:
        """The start packet."""
        return self._link.start()

    def process(self, response: EapPacket) -> bytes | Proof:
        """The next packet of ours, or the end."""
        following = (response.identifier + 1) & 0xFF
        answer = self._link.exchange(response.data, partial(self._advance, following))
        return self.finished() if answer is None else answer

    @abstractmethod
    def inside(self, plaintext: bytes, identifier: int) -> bytes | None:
        """What came inside, once the handshake is done: the next records of ours, None when all is proven.

        ``identifier`` is that of the request in which those records go.
        """

    @abstractmethod
    def finished(self) -> Proof:
        """The proof, asked for when ``inside`` has returned None."""

    def keys(self) -> tuple[Secret, Secret]:
        """MSK and EMSK."""
        return session_keys(self.session, self.type)

    def _advance(self, identifier: int, message: bytes) -> bytes | None:
        if self._refused:
            raise EapError(self._refused)
        plaintext = self.session.feed(message)
        if not self.session.failure:
            return self.inside(plaintext, identifier) if self.session.finished else self.session.drain()
        self._refused = f"{self.type}: {self.session.failure}"
        alert = self.session.drain()
        if not alert:
            raise EapError(self._refused)
        return alert
