"""What a core asks of those who keep secrets, keys and certificates. Answers may take time."""

from collections.abc import Callable, Sequence
from typing import Protocol

from cygnet.base.identities import Identity
from cygnet.base.records import record
from cygnet.base.secret import Secret
from cygnet.cert.attribute_certificates import AttributeCertificate
from cygnet.cert.certificates import Certificate
from cygnet.cert.hash_url import HashAndUrl
from cygnet.cert.ocsp import OcspResponse
from cygnet.cert.trust import Verdict
from cygnet.crypto.signatures import PrivateKey
from cygnet.eap.ports import UserSecret
from cygnet.keying.config.records import AuthConfig


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


class PostQuantumKeys(Protocol):
    """Post-quantum pre-shared keys (RFC 8784)."""

    def ppk(self, identifier: bytes) -> Secret | None:
        """The key of that PPK_ID, which is here without its type octet (RFC 8784, 5.1)."""

    def has_ppk(self) -> bool:
        """Whether there is any."""


class Credentials(Evidence, Accounts, PostQuantumKeys, Protocol):
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
