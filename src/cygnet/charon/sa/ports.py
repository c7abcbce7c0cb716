"""What the IKEv2 core asks of the rest: narrow protocols, handed to every IKE_SA in one record.

A question is asked where the answer shapes the reply (a key, a configuration, an SPI). Answers may take
time, since the worker that asks owns the SA. None of these may call back into the SA.
"""

from collections.abc import Callable
from dataclasses import field
from typing import Protocol

from cygnet.base.addresses import Address, Host
from cygnet.base.identities import Identity
from cygnet.base.records import record
from cygnet.charon.encoding.payloads.configuration import Attribute
from cygnet.crypto.key_log import KeyLog
from cygnet.kernel.port import Kernel
from cygnet.keying.config.pools import Applicant
from cygnet.keying.config.records import PeerConfig
from cygnet.keying.config.settings import DaemonSettings
from cygnet.keying.sa.credentials import Credentials
from cygnet.keying.sa.ports import Numbers


@record
class Candidate:
    """A connection whose addresses suit a peer; ``reason`` says why it stands where it stands."""

    config: PeerConfig
    reason: str = ""


class Configs(Protocol):
    """Connections, asked by a responder."""

    def candidates(self, local: Host, remote: Host) -> tuple[Candidate, ...]:
        """The IKEv2 connections whose addresses suit both hosts, best first; identities come later."""


class Addresses(Protocol):
    """This host's addresses that IKE and ESP may use (``interfaces_use``), and their ways to others.

    May be called from any thread.
    """

    def usable(self) -> tuple[Address, ...]:
        """All of them, IPv4 first."""

    def source(self, destination: Address) -> Address | None:
        """The one to send from to ``destination``; ``None`` without a route."""

    def works(self, local: Address, remote: Address) -> bool:
        """Whether packets from ``local`` to ``remote`` can leave: the address is there, and a route."""


class Anywhere:
    """:class:`Addresses` of a host that never moves."""

    def usable(self) -> tuple[Address, ...]:
        """None that it would tell of."""
        return ()

    def source(self, destination: Address) -> Address | None:
        """It has no other."""
        return None

    def works(self, local: Address, remote: Address) -> bool:
        """Always."""
        return True


class Contacts(Protocol):
    """What is known of a peer, and of other IKE_SAs and CHILD_SAs with it. May be called from any thread."""

    def ends(self, config: PeerConfig) -> tuple[Host, Host] | None:
        """Our host and the peer's as names resolve now; ``None`` if they do not. May take a while."""

    def is_first(self, ike_id: int, local: Identity, remote: Identity) -> bool:
        """Whether this IKE_SA may say INITIAL_CONTACT (RFC 7296, 2.4): there is no other between the two.

        Of several that are being made at once only the first that asks may.
        """

    def refusal(self, config: PeerConfig, identities: tuple[Identity, Identity], remote: Host) -> str:
        """Why ``uniqueids=keep`` forbids another IKE_SA between the two; empty where it does not."""

    def sender(self, reqid: int) -> int:
        """The SPI of the SA that traffic of this reqid leaves through, 0 if there is none."""


class NoContacts:
    """Knows of no other IKE_SAs."""

    def ends(self, config: PeerConfig) -> tuple[Host, Host] | None:
        """Unknown."""
        return None

    def is_first(self, ike_id: int, local: Identity, remote: Identity) -> bool:
        """Yes."""
        return True

    def refusal(self, config: PeerConfig, identities: tuple[Identity, Identity], remote: Host) -> str:
        """None."""
        return ""

    def sender(self, reqid: int) -> int:
        """None."""
        return 0


class Configuration(Protocol):
    """Virtual addresses for peers, and what they are told with them. May be called from any thread."""

    def acquire(self, pools: tuple[str, ...], who: Applicant, wanted: Address) -> Address | None:
        """An address of the family of ``wanted`` from the first of these pools that has one.

        That one if it can be had; unspecified for any.
        """

    def release(self, ike_id: int) -> None:
        """The IKE_SA holds no address any more; they are kept for its peer."""

    def move(self, old_id: int, new_id: int) -> None:
        """What one IKE_SA holds is another's."""

    def attributes(self, config: PeerConfig) -> tuple[Attribute, ...]:
        """What a peer with virtual addresses is told: name servers, subnets, domains (RFC 7296, 3.15.1)."""


class NoConfiguration:
    """Has nothing to give."""

    def acquire(self, pools: tuple[str, ...], who: Applicant, wanted: Address) -> Address | None:
        """None."""
        return None

    def release(self, ike_id: int) -> None:
        """There is nothing to release."""

    def move(self, old_id: int, new_id: int) -> None:
        """There is nothing to move."""

    def attributes(self, config: PeerConfig) -> tuple[Attribute, ...]:
        """None."""
        return ()


@record
class Ports:
    """All that an IKE_SA is handed. ``rng(n)`` gives n unpredictable octets."""

    credentials: Credentials
    configs: Configs
    kernel: Kernel
    numbers: Numbers
    rng: Callable[[int], bytes]
    settings: DaemonSettings = field(default_factory=DaemonSettings)
    contacts: Contacts = field(default_factory=NoContacts)
    addresses: Addresses = field(default_factory=Anywhere)
    configuration: Configuration = field(default_factory=NoConfiguration)
    key_log: KeyLog | None = None
