"""What the IKEv1 core asks of the rest: narrow protocols, handed to every ISAKMP SA in one record.

A question is asked where the answer shapes the reply (a key, a configuration, an SPI). Answers may take
time, since the worker that asks owns the SA. None of these may call back into the SA. Credentials,
connections and numbers are those of charon's ports, as far as they are needed here.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Protocol

from cygnet.base.addresses import Address, Host
from cygnet.base.identities import Identity
from cygnet.base.secret import Secret
from cygnet.base.selectors import TrafficSelector
from cygnet.cert.certificates import Certificate
from cygnet.cert.trust import Check, Verdict
from cygnet.crypto.signatures import PrivateKey
from cygnet.kernel.port import Kernel
from cygnet.pluto.config.records import PeerConfig
from cygnet.pluto.config.settings import DaemonSettings
from cygnet.pluto.config.shared import AuthConfig
from cygnet.pluto.encoding.attributes import Attribute
from cygnet.pluto.sa.children import ChildFactory


class OwnKey(Protocol):
    """A private key of ours, the certificate it belongs to, and the CA certificates below its root."""

    @property
    def key(self) -> PrivateKey:
        """The key."""

    @property
    def certificate(self) -> Certificate | None:
        """``None`` for a key that a peer knows raw."""

    @property
    def intermediates(self) -> tuple[Certificate, ...]:
        """In order, without the root."""


class Authority(Protocol):
    """A trusted CA."""

    @property
    def name(self) -> Identity:
        """Its subject, which certificate requests carry (RFC 2408, 3.10)."""

    @property
    def key_id(self) -> bytes:
        """The SHA-1 of its key."""


class Credentials(Protocol):
    """Secrets, keys and certificates."""

    def shared_secrets(self, local: Identity, remote: Identity | None) -> tuple[Secret, ...]:
        """The pre-shared keys between two identities, best match first, each value once."""

    def own_key(
        self, auth: AuthConfig, identity: Identity | None, authorities: frozenset[bytes]
    ) -> OwnKey | None:
        """Our key for an identity; of several the one below a CA of these key ids comes first."""

    def authorities(self) -> tuple[Authority, ...]:
        """The trusted CAs."""

    def certificates_of(self, identity: Identity) -> tuple[Certificate, ...]:
        """Trusted end entity certificates that carry ``identity``, for a peer that sends none."""

    def verify(self, leaf: Certificate, intermediates: tuple[Certificate, ...]) -> Verdict:
        """The chain from ``leaf`` to a trusted CA, with all checks."""


class Candidate(Protocol):
    """A connection whose addresses suit a peer."""

    @property
    def config(self) -> PeerConfig:
        """The connection."""


class Configs(Protocol):
    """Connections, asked by a responder."""

    def candidates(self, local: Host, remote: Host) -> tuple[Candidate, ...]:
        """The IKEv1 connections whose addresses suit both hosts, best first; identities come later."""

    def instance(self, config: PeerConfig, remote: Host, identity: Identity) -> PeerConfig:
        """What a peer makes of a connection that is for many; raises ``LocalError`` if they are too many."""


@dataclass(frozen=True, slots=True)
class Proved:
    """What phase 1 proved of the peer. ``checks`` are those that its chain passed, leaf first;
    ``verdict`` is all that was found out about it, revocation too.

    The user's side of a hybrid authentication proves nothing: it has neither a secret nor a chain.
    """

    identity: Identity
    by_secret: bool
    scheme: str = ""
    chain: tuple[Certificate, ...] = ()
    checks: tuple[Check, ...] = ()
    verdict: Verdict | None = None


class Authorisation(Protocol):
    """The one place where facts are compared with constraints; both daemons shall share it."""

    def comply(self, proved: Proved, constraints: AuthConfig) -> tuple[Check, ...]:
        """Every check of what was proved against what the connection demands, each with its verdict."""


class Users(Protocol):
    """Names and passwords of XAUTH."""

    def credentials(self, config: PeerConfig, remote: Identity | None) -> tuple[str, Secret] | None:
        """What we, the client, answer to a request; ``None``: nothing is known."""

    def verify(self, config: PeerConfig, user: str, password: Secret) -> bool:
        """Whether this is the user's password; may ask elsewhere, and take its time."""


@dataclass(frozen=True, slots=True)
class Lessee:
    """An ISAKMP SA whose peer, ``owner`` at ``host``, wants an address."""

    ike_id: int
    owner: Identity
    host: Address


class Addresses(Protocol):
    """Pools of virtual addresses, and what goes with them."""

    def acquire(self, config: PeerConfig, lessee: Lessee, wanted: Address) -> Address | None:
        """An address of a pool of the connection; ``wanted`` may be unspecified.

        The same owner gets the same.
        """

    def release(self, ike_id: int) -> None:
        """An ISAKMP SA does not use its addresses any more."""

    def move(self, old: int, new: int) -> None:
        """Another ISAKMP SA has taken the place of one, with its addresses."""

    def attributes(self, config: PeerConfig, *, unity: bool) -> tuple[Attribute, ...]:
        """Name servers and the like, as they travel; Cisco's banner and so on with ``unity``."""


class Numbers(Protocol):
    """Numbers that are unique in the whole daemon. May be called from any thread."""

    def child(self) -> int:
        """The number of a new IPsec SA."""

    def ike(self) -> int:
        """The number of a new ISAKMP SA."""

    def reqid(
        self, local: tuple[TrafficSelector, ...], remote: tuple[TrafficSelector, ...], marks: Any
    ) -> int:
        """The reqid of IPsec SAs with these selectors and marks, counting one more user."""

    def release_reqid(self, reqid: int) -> None:
        """One user less."""


@dataclass(frozen=True, slots=True)
class Ports:
    """All that an ISAKMP SA is handed. ``rng(n)`` gives n unpredictable octets."""

    credentials: Credentials
    authorisation: Authorisation
    configs: Configs
    users: Users
    addresses: Addresses
    kernel: Kernel
    child_sa: ChildFactory
    numbers: Numbers
    rng: Callable[[int], bytes]
    settings: DaemonSettings = field(default_factory=DaemonSettings)
