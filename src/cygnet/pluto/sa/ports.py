"""What the IKEv1 core asks of the rest: narrow protocols, handed to every ISAKMP SA in one record.

A question is asked where the answer shapes the reply (a key, a configuration, an SPI). Answers may take
time, since the worker that asks owns the SA. None of these may call back into the SA.
"""

from collections.abc import Callable, Container
from dataclasses import dataclass, field
from typing import Protocol

from cygnet.base.addresses import Address, Host
from cygnet.base.identities import Identity
from cygnet.base.secret import Secret
from cygnet.crypto.key_log import KeyLog
from cygnet.kernel.port import Kernel
from cygnet.keying.sa.credentials import Credentials
from cygnet.keying.sa.ports import Numbers
from cygnet.pluto.config.records import PeerConfig
from cygnet.pluto.config.settings import DaemonSettings
from cygnet.pluto.encoding.attributes import Attribute


class Candidate(Protocol):
    """A connection whose addresses suit a peer."""

    @property
    def config(self) -> PeerConfig:
        """The connection."""


class Configs(Protocol):
    """Connections, asked by a responder."""

    def candidates(self, local: Host, remote: Host) -> tuple[Candidate, ...]:
        """The IKEv1 connections whose addresses suit both hosts, best first; identities come later."""

    def family(self, config: PeerConfig) -> tuple[PeerConfig, ...]:
        """This connection, then all others of the same peer, which differ in name and children only."""

    def instance(self, config: PeerConfig, remote: Host, identity: Identity) -> PeerConfig:
        """What a peer makes of a connection that is for many; raises ``LocalError`` if they are too many."""


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


@dataclass(frozen=True, slots=True)
class Ports:
    """All that an ISAKMP SA is handed. ``rng(n)`` gives n unpredictable octets.

    ``public_keys`` are those that operators told of an identity (``whack --keyid``), in DER; ``impaired``
    names what is to go wrong (``whack --impair-X``).
    """

    credentials: Credentials
    configs: Configs
    users: Users
    addresses: Addresses
    kernel: Kernel
    numbers: Numbers
    rng: Callable[[int], bytes]
    settings: DaemonSettings = field(default_factory=DaemonSettings)
    key_log: KeyLog | None = None
    public_keys: Callable[[Identity], tuple[bytes, ...]] = lambda identity: ()
    impaired: Container[str] = ()
