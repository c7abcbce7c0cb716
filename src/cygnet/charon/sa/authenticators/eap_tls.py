"""TLS inside EAP with the certificates of IKE: whom we trust, and what we show (RFC 5216, RFC 9190)."""

from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from cygnet.base.errors import LocalError
from cygnet.base.groups import Group
from cygnet.base.identities import Identity
from cygnet.cert.certificates import Certificate
from cygnet.charon.sa.association import Association
from cygnet.charon.sa.authenticators import tunnel_settings
from cygnet.charon.sa.authenticators.eap_users import user_identity
from cygnet.eap.errors import EapError
from cygnet.eap.packets import PEAP, TLS, TTLS, EapType
from cygnet.eap.ports import CertificateCheck
from cygnet.eap.tls.options import OwnCertificate, TlsOptions
from cygnet.keying.config.records import AuthClass, AuthConfig

TYPES = (TLS, TTLS, PEAP)


def for_peer(sa: Association, auth: AuthConfig, ends: tuple[Identity, Identity | None]) -> TlsOptions:
    """As client: the server must be ``aaa_identity``, else the responder of IKE."""
    named = auth.eap_identity if auth.eap_identity and not auth.eap_identity.is_any else None
    own = _own(sa, auth, named) or _own(sa, auth, ends[0])
    proves_itself_so = sa.peer_config.remote[0].auth is AuthClass.EAP
    return TlsOptions(_trust(sa, auth.aaa_identity or ends[1], counts=proves_itself_so), own)


def for_server(sa: Association, user: bytes, kind: EapType) -> TlsOptions | None:
    """As server, ``None`` without a certificate.

    With EAP-TLS, and where ``request_peer_auth`` says so, the peer must be ``user`` by certificate.
    """
    auth = sa.peer_config.local[0]
    own = _own(sa, auth, sa.local_id)
    if own is None:
        return None
    settings = tunnel_settings.of(sa.ports.settings, kind)
    wanted = kind == TLS or settings.peer_auth
    verify = _trust(sa, user_identity(user), counts=True) if wanted else None
    return settings.framed(TlsOptions(verify, own))


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


def _trust(sa: Association, wanted: Identity | None, *, counts: bool) -> CertificateCheck:
    """``counts``: what it certifies is the peer, not some AAA server: its address blocks limit the peer."""

    def check(chain: tuple[bytes, ...]) -> None:
        leaf, *others = map(Certificate.parse, chain)
        verdict = sa.ports.credentials.verify(leaf, tuple(others))
        if not verdict.ok:
            raise EapError(verdict.reason)
        if wanted is not None and not wanted.is_any and not leaf.matches(wanted):
            raise EapError(f"certificate {leaf} does not speak for '{wanted}'")
        if counts:
            sa.peer_chains = (*sa.peer_chains, tuple(one.der for one in verdict.chain))

    return check
