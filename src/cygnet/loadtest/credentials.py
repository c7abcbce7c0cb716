"""What the initiators know: one secret, or certificates; and whom they trust."""

from collections.abc import Callable, Iterable, Sequence

from cygnet.base.errors import LocalError
from cygnet.base.identities import Identity
from cygnet.base.secret import Secret
from cygnet.cert.attribute_certificates import AttributeCertificate
from cygnet.cert.certificates import Certificate
from cygnet.cert.hash_url import HashAndUrl
from cygnet.cert.ocsp import OcspResponse
from cygnet.cert.trust import Verdict, build_chain
from cygnet.eap.ports import UserSecret
from cygnet.keying.config.records import AuthConfig
from cygnet.keying.sa.credentials import Authority, Lookup, OwnKey, User

MAX_VERDICTS = 256


class Credentials:
    """Credentials of all initiators of a process (``sa.ports.Credentials``).

    ``own`` gives an initiator's key by its identity; ``now`` is POSIX seconds. The verdict on a responder's
    chain is kept: it shows the same one each time, and what is measured is the responder.
    """

    def __init__(
        self,
        secret: Secret | None,
        own: Callable[[Identity | None], OwnKey | None],
        anchors: Iterable[Certificate],
        now: float,
    ) -> None:
        self._secrets = (secret,) if secret is not None else ()
        self._own = own
        self._anchors = tuple(anchors)
        self._authorities = tuple(Authority(one.subject, one.key_id) for one in self._anchors)
        self._now = now
        self._verdicts: dict[tuple[Certificate, ...], Verdict] = {}

    def shared_secrets(self, local: Identity, remote: Identity | None) -> tuple[Secret, ...]:
        """The one secret."""
        return self._secrets

    def own_key(
        self, auth: AuthConfig, identity: Identity | None, authorities: frozenset[bytes]
    ) -> OwnKey | None:
        """The key with the certificate of that initiator."""
        return self._own(identity)

    def authorities(self) -> tuple[Authority, ...]:
        """The trusted CAs."""
        return self._authorities

    def certificates_of(self, identity: Identity) -> tuple[Certificate, ...]:
        """A responder has to send its certificate."""
        return ()

    def user(self, connection: str) -> User | None:
        """None."""
        return None

    def eap_secret(self, user: Identity, server: Identity | None) -> UserSecret | None:
        """None."""
        return None

    def ppk(self, identifier: bytes) -> Secret | None:
        """None."""
        return None

    def has_ppk(self) -> bool:
        """None."""
        return False

    def attributes_of(self, certificate: Certificate) -> tuple[AttributeCertificate, ...]:
        """None."""
        return ()

    def ocsp_answer(self, certificate: Certificate) -> OcspResponse | None:
        """None: nobody is asked."""
        return None

    def ocsp_signers(self) -> tuple[bytes, ...]:
        """None."""
        return ()

    def hash_and_url(self, certificate: Certificate) -> HashAndUrl | None:
        """Certificates travel whole."""
        return None

    def lookup(self) -> Lookup:
        """A responder that announces a URL is refused."""
        raise LocalError("a load test fetches no certificates")

    def verify(
        self,
        leaf: Certificate,
        intermediates: tuple[Certificate, ...],
        responses: Sequence[OcspResponse] = (),
        attributes: Sequence[AttributeCertificate] = (),
    ) -> Verdict:
        """The chain to a trusted CA."""
        shown = (leaf, *intermediates)
        verdict = self._verdicts.get(shown)
        if verdict is None:
            verdict = build_chain(leaf, intermediates, self._anchors, self._now)
            if len(self._verdicts) < MAX_VERDICTS:
                self._verdicts[shown] = verdict
        return verdict
