"""What the IKEv2 core asks of the rest: narrow protocols, handed to every IKE_SA in one record.

A question is asked where the answer shapes the reply (a key, a configuration, an SPI). Answers may take
time, since the worker that asks owns the SA. None of these may call back into the SA.
"""

from collections.abc import Callable, Sequence
from dataclasses import field
from typing import Protocol

from cygnet.base.addresses import Address, Host
from cygnet.base.identities import Identity
from cygnet.base.records import record
from cygnet.base.secret import Secret
from cygnet.base.selectors import TrafficSelector
from cygnet.cert.attribute_certificates import AttributeCertificate
from cygnet.cert.certificates import Certificate
from cygnet.cert.hash_url import HashAndUrl
from cygnet.cert.ocsp import OcspResponse
from cygnet.cert.trust import Verdict
from cygnet.charon.config.pools import Applicant
from cygnet.charon.config.records import AuthConfig, PeerConfig
from cygnet.charon.config.settings import DaemonSettings
from cygnet.charon.encoding.payloads.configuration import Attribute
from cygnet.charon.sa.marks import NO_MARKS, Marks
from cygnet.crypto.key_log import KeyLog
from cygnet.crypto.signatures import PrivateKey
from cygnet.eap.ports import UserSecret
from cygnet.kernel.port import Kernel


@record
class OwnKey:
    """A private key of ours, the certificate it belongs to, and the CA certificates below its root.

    ``certificate`` is ``None`` for a key that a peer knows raw.
    """

    key: PrivateKey
    certificate: Certificate | None = None
    intermediates: tuple[Certificate, ...] = ()


@record
class Authority:
    """A trusted CA: its name for the log and the SHA-1 of its key, which CERTREQ carries (RFC 7296, 3.7)."""

    name: Identity
    key_id: bytes


Lookup = Callable[[HashAndUrl], tuple[Certificate, ...]]
"""Fetches what a peer announced; raises ``FetchError``, or a ``PeerError`` for what is not what it said."""


class Evidence(Protocol):
    """What travels with certificates or instead of them."""

    def attributes_of(self, certificate: Certificate) -> tuple[AttributeCertificate, ...]:
        """The attribute certificates for the holder of a certificate of ours that are valid now."""

    def ocsp_answer(self, certificate: Certificate) -> OcspResponse | None:
        """A good OCSP response about a certificate of ours (RFC 4806, 3.2), asked for if need be."""

    def ocsp_signers(self) -> tuple[bytes, ...]:
        """The key ids of the responders we trust, for CERTREQ with OCSP content (RFC 4806, 3.1)."""

    def hash_and_url(self, certificate: Certificate) -> HashAndUrl | None:
        """Where a peer finds a certificate of ours, if that is configured (RFC 7296, 3.6)."""

    def lookup(self) -> Lookup:
        """For the certificates of one peer, which have their time together."""


@record
class User:
    """Who we are to a peer that wants a user name."""

    name: str
    password: Secret


class Accounts(Protocol):
    """Users of EAP."""

    def user(self, connection: str) -> User | None:
        """The user name and password that were set by hand for a connection."""

    def eap_secret(self, user: Identity, server: Identity | None) -> UserSecret | None:
        """The password or NT hash of a user at a server: the most specific entry for that user."""


class Credentials(Evidence, Accounts, Protocol):
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

    def verify(
        self,
        leaf: Certificate,
        intermediates: tuple[Certificate, ...],
        responses: Sequence[OcspResponse] = (),
        attributes: Sequence[AttributeCertificate] = (),
    ) -> Verdict:
        """The chain from ``leaf`` to a trusted CA, with all checks; the store knows the date.

        ``responses`` and ``attributes`` are what the peer sent besides (RFC 4806; RFC 7296, 3.6).
        """


@record
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
