"""TLS inside EAP with the certificates of IKE: whom we trust, and what we show (RFC 5216, RFC 9190)."""

from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from cygnet.base.errors import LocalError
from cygnet.base.groups import Group
from cygnet.base.identities import Identity
from cygnet.cert.certificates import Certificate
from cygnet.charon.sa.association import Association
from cygnet.charon.sa.authenticators.eap_users import user_identity
from cygnet.eap.errors import EapError
from cygnet.eap.packets import PEAP, TLS, TTLS
from cygnet.eap.ports import CertificateCheck
from cygnet.eap.tls.options import OwnCertificate, TlsOptions
from cygnet.keying.config.records import AuthConfig

TYPES = (TLS, TTLS, PEAP)


def for_peer(sa: Association, auth: AuthConfig, ends: tuple[Identity, Identity | None]) -> TlsOptions:
    """As client: the server must be ``aaa_identity``, else the responder of IKE."""
    named = auth.eap_identity if auth.eap_identity and not auth.eap_identity.is_any else None
    own = _own(sa, auth, named) or _own(sa, auth, ends[0])
    return TlsOptions(_trust(sa, auth.aaa_identity or ends[1]), own)


def for_server(sa: Association, user: bytes | None) -> TlsOptions | None:
    """As server, ``None`` without a certificate; the peer must be ``user`` by certificate, if given."""
    auth = sa.peer_config.local[0]
    own = _own(sa, auth, sa.local_id)
    if own is None:
        return None
    return TlsOptions(None if user is None else _trust(sa, user_identity(user)), own)


def _own(sa: Association, auth: AuthConfig, identity: Identity | None) -> OwnCertificate | None:
    own = sa.ports.credentials.own_key(auth, identity, frozenset())
    if own is None or own.certificate is None:
        return None
    try:
        own.key.native.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
    except LocalError as error:
        sa.log(Group.IKE, f"the key of {own.certificate} is of no use to TLS: {error}")
        return None
    chain = (own.certificate.der, *(one.der for one in own.intermediates))
    return OwnCertificate(chain, own.key.native)


def _trust(sa: Association, wanted: Identity | None) -> CertificateCheck:
    def check(chain: tuple[bytes, ...]) -> None:
        leaf, *others = map(Certificate.parse, chain)
        verdict = sa.ports.credentials.verify(leaf, tuple(others))
        if not verdict.ok:
            raise EapError(verdict.reason)
        if wanted is not None and not wanted.is_any and not leaf.matches(wanted):
            raise EapError(f"certificate {leaf} does not speak for '{wanted}'")

    return check
