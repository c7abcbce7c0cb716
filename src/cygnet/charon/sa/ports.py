"""What the IKEv2 core asks of the rest: narrow protocols, handed to every IKE_SA in one record.

A question is asked where the answer shapes the reply (a key, a configuration, an SPI). Answers may take
time, since the worker that asks owns the SA. None of these may call back into the SA.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

from cygnet.base.addresses import Host
from cygnet.base.identities import Identity
from cygnet.base.secret import Secret
from cygnet.base.selectors import TrafficSelector
from cygnet.cert.certificates import Certificate
from cygnet.cert.trust import Verdict
from cygnet.charon.config.records import AuthConfig, PeerConfig
from cygnet.charon.config.settings import DaemonSettings
from cygnet.charon.sa.marks import NO_MARKS, Marks
from cygnet.crypto.signatures import PrivateKey
from cygnet.kernel.port import Kernel


@dataclass(frozen=True, slots=True)
class OwnKey:
    """A private key of ours, the certificate it belongs to, and the CA certificates below its root.

    ``certificate`` is ``None`` for a key that a peer knows raw.
    """

    key: PrivateKey
    certificate: Certificate | None = None
    intermediates: tuple[Certificate, ...] = ()


@dataclass(frozen=True, slots=True)
class Authority:
    """A trusted CA: its name for the log and the SHA-1 of its key, which CERTREQ carries (RFC 7296, 3.7)."""

    name: Identity
    key_id: bytes


class Credentials(Protocol):
    """Secrets, keys and certificates."""

    def shared_secrets(self, local: Identity, remote: Identity | None) -> tuple[Secret, ...]:
        """The pre-shared keys between two identities, best match first, each value once."""

    def own_key(
        self, auth: AuthConfig, identity: Identity | None, authorities: frozenset[bytes]
    ) -> OwnKey | None:
        """The key for one round of ours.

        A certificate of ``auth.certificates`` if there is one, else one that carries ``identity``. Among
        several the one whose chain ends at one of the CA key ids the peer asked for comes first. ``None``:
        there is no certificate, or no key for it.
        """

    def authorities(self) -> tuple[Authority, ...]:
        """The trusted CAs, for CERTREQ."""

    def certificates_of(self, identity: Identity) -> tuple[Certificate, ...]:
        """Trusted end entity certificates that carry ``identity``, for a peer that sends none."""

    def verify(self, leaf: Certificate, intermediates: tuple[Certificate, ...]) -> Verdict:
        """The chain from ``leaf`` to a trusted CA, with all checks; the store knows the date."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A connection whose addresses suit a peer; ``reason`` says why it stands where it stands."""

    config: PeerConfig
    reason: str = ""


class Configs(Protocol):
    """Connections, asked by a responder."""

    def candidates(self, local: Host, remote: Host) -> tuple[Candidate, ...]:
        """The IKEv2 connections whose addresses suit both hosts, best first; identities come later."""


class Numbers(Protocol):
    """Numbers that are unique in the whole daemon. May be called from any thread."""

    def child(self) -> int:
        """The ``{n}`` of a new CHILD_SA."""

    def ike(self) -> int:
        """The ``[n]`` of a new IKE_SA; asked when an IKE_SA is rekeyed."""

    def mark(self) -> int:
        """A mark that nobody else has (``%unique``)."""

    def reqid(
        self, local: tuple[TrafficSelector, ...], remote: tuple[TrafficSelector, ...], marks: Marks = NO_MARKS
    ) -> int:
        """The reqid of CHILD_SAs with these selectors and marks, counting one more user."""

    def release_reqid(self, reqid: int) -> None:
        """One user less; a reqid without users may be used for other selectors."""


@dataclass(frozen=True, slots=True)
class Ports:
    """All that an IKE_SA is handed. ``rng(n)`` gives n unpredictable octets."""

    credentials: Credentials
    configs: Configs
    kernel: Kernel
    numbers: Numbers
    rng: Callable[[int], bytes]
    settings: DaemonSettings = field(default_factory=DaemonSettings)
