"""EAP-TTLS and PEAP: a TLS tunnel, and in it the real authentication.

What is inside is a :class:`PeerTunnel` or :class:`ServerTunnel`, which sees plaintext only. The data inside
may come together with the end of the handshake (RFC 9427, 3).
"""

from collections.abc import Callable
from typing import ClassVar, Protocol

from cygnet.eap.methods.tls_based import TlsPeer, TlsServer
from cygnet.eap.outcomes import Proof
from cygnet.eap.packets import PEAP, TTLS, EapType
from cygnet.eap.tls.options import TlsOptions
from cygnet.eap.tls.session import TlsSession


class PeerTunnel(Protocol):
    """The peer's side inside a tunnel. ``identifier`` is that of the packet outside which asks.

    One that has failed, but owes the server a last word, has its reason in ``failure``.
    """

    @property
    def failure(self) -> str: ...

    def begin(self, identifier: int) -> bytes:
        """What is said first, if anything."""

    def receive(self, plaintext: bytes, identifier: int) -> bytes:
        """The answer; empty acknowledges."""

    def conclude(self) -> Proof:
        """What is proven inside, at the server's success; raises if too early."""


class ServerTunnel(Protocol):
    """The server's side inside a tunnel. ``identifier`` is that of the packet outside which will ask."""

    def begin(self, identifier: int) -> bytes:
        """What is said first; empty if the peer speaks first."""

    def receive(self, plaintext: bytes, identifier: int) -> bytes | Proof:
        """The answer, or what is proven."""


class _PeerInside(TlsPeer):
    """The peer of both methods."""

    def __init__(self, options: TlsOptions, tunnel: Callable[[TlsSession], PeerTunnel]) -> None:
        super().__init__(options)
        self._make = tunnel
        self._tunnel: PeerTunnel | None = None

    def inside(self, plaintext: bytes, identifier: int) -> None:
        """Hands plaintext to the tunnel, and its answer to the session."""
        answer = b""
        if self._tunnel is None:
            self._tunnel = self._make(self.session)
            answer = self._tunnel.begin(identifier)
        if plaintext:
            answer += self._tunnel.receive(plaintext, identifier)
        if answer:
            self.session.write(answer)
        if self._tunnel.failure:
            self.failure = f"inside {self.type}: {self._tunnel.failure}"

    def finished(self) -> Proof:
        """Who was proven inside, with the keys of the tunnel."""
        assert self._tunnel is not None
        inner = self._tunnel.conclude()
        return _outer(inner, self)


class _ServerInside(TlsServer):
    """The server of both methods. ``piggyback``: what is inside need not wait for the peer's next packet."""

    def __init__(
        self, options: TlsOptions, tunnel: Callable[[TlsSession], ServerTunnel], piggyback: bool = False
    ) -> None:
        super().__init__(options)
        self._piggyback = piggyback
        self._make = tunnel
        self._tunnel: ServerTunnel | None = None
        self._begun = False
        self._inner: Proof | None = None

    def inside(self, plaintext: bytes, identifier: int) -> bytes | None:
        """In TLS 1.2 our Finished goes alone unless told otherwise, and what is inside begins after it."""
        if self._tunnel is None:
            self._tunnel = self._make(self.session)
            if not self.session.is_tls13 and not self._piggyback:
                return self.session.drain()
        if self._begun or plaintext:
            self._begun = True
            answer = self._tunnel.receive(plaintext, identifier)
        else:
            answer = self._tunnel.begin(identifier)
            self._begun = bool(answer)
        if isinstance(answer, Proof):
            self._inner = answer
            return None
        if answer:
            self.session.write(answer)
        return self.session.drain()

    def finished(self) -> Proof:
        """Who was proven inside, with the keys of the tunnel."""
        assert self._inner is not None
        return _outer(self._inner, self)


def _outer(inner: Proof, method: TlsPeer | TlsServer) -> Proof:
    within = inner.inner or str(inner.method)
    return Proof(inner.identity, method.type, *method.keys(), method.session.certificates, within)


class PeerTtls(_PeerInside):
    """EAP-TTLS version 0 (RFC 5281)."""

    type: ClassVar[EapType] = TTLS


class ServerTtls(_ServerInside):
    """EAP-TTLS version 0 (RFC 5281)."""

    type: ClassVar[EapType] = TTLS


class PeerPeap(_PeerInside):
    """PEAP version 0 ([MS-PEAP])."""

    type: ClassVar[EapType] = PEAP


class ServerPeap(_ServerInside):
    """PEAP version 0 ([MS-PEAP])."""

    type: ClassVar[EapType] = PEAP
