"""One proof of one side in IKE_AUTH, whatever its kind: our key, our certificates, both AUTH payloads."""

from cygnet.base.errors import PeerError
from cygnet.base.identities import NULL, Identity
from cygnet.charon.encoding.errors import AuthenticationFailedError
from cygnet.charon.encoding.payloads import Authentication, AuthenticationMethod
from cygnet.charon.sa.association import Association
from cygnet.charon.sa.authenticators import null, psk, pubkey
from cygnet.charon.sa.authenticators.covered import covered
from cygnet.charon.sa.errors import NoPrivateKeyError
from cygnet.charon.sa.tasks import cert_payloads
from cygnet.charon.sa.tasks.task import Draft
from cygnet.keying.config.records import AuthClass, AuthConfig, SendCert
from cygnet.keying.sa.authorisation import Facts, comply, failures
from cygnet.keying.sa.credentials import OwnKey

KINDS: dict[int, AuthClass] = {
    AuthenticationMethod.SHARED_KEY: AuthClass.PSK,
    AuthenticationMethod.NULL: AuthClass.NULL,
}
"""What methods prove; all others are signatures."""


def own(
    sa: Association, auth: AuthConfig, identity: Identity | None
) -> tuple[OwnKey | None, Identity]:
    """Our key, if we sign, and who we are: as configured, else by certificate, else our address."""
    if identity is not None and identity.is_any:
        identity = None
    key = None
    if auth.auth is AuthClass.NULL:
        return None, identity or NULL
    if auth.auth not in (AuthClass.PSK, AuthClass.EAP):
        key = sa.ports.credentials.own_key(auth, identity, sa.negotiation.asked_authorities)
        if key is None and auth.auth is AuthClass.PUBKEY:
            raise NoPrivateKeyError(f"no private key found for '{identity or sa.local}'")
    if identity is None and key is not None and key.certificate is not None:
        identity = key.certificate.subject
    return key, identity or Identity.from_address(sa.local.address)


def show(sa: Association, draft: Draft, auth: AuthConfig, key: OwnKey | None) -> None:
    """Our certificate or raw key, as ``leftsendcert`` and the peer want it."""
    if key is None or auth.send_cert is SendCert.NEVER:
        return
    handshake, raw = sa.negotiation, key.certificate is None
    asked = handshake.asked_for_raw_key if raw else handshake.asked_for_certificate
    if auth.send_cert is SendCert.IF_ASKED and not asked:
        return
    if key.certificate is None:
        draft.add(cert_payloads.raw_key(sa, key.key.public_key))
    else:
        draft.add(*cert_payloads.payloads(sa, key.certificate, key.intermediates))


def prove(
    sa: Association, number: int, key: OwnKey | None, local: Identity, *, initiator: bool
) -> Authentication:
    """Our AUTH payload in the ``number``th round; raises a ``LocalError``."""
    octets, config = covered(sa, local, initiator=initiator), sa.peer_config.local[number]
    if config.auth is AuthClass.NULL:
        sa.auth_name = "NULL"
        return null.prove(sa, octets, local, initiator=initiator)
    if key is not None:
        sa.auth_name = "public key"
        return pubkey.prove(sa, octets, local, key, config.signature_schemes)
    sa.auth_name = "pre-shared key"
    return psk.prove(sa, octets, local, sa.remote_id)


def verify(
    sa: Association, payload: Authentication, remote: Identity, constraints: AuthConfig, *, initiator: bool
) -> Facts:
    """What the peer's AUTH proves; ``initiator``: the peer is the initiator. Raises a ``PeerError``."""
    octets = covered(sa, remote, initiator=initiator)
    used = KINDS.get(payload.method, AuthClass.PUBKEY)
    try:
        if used is AuthClass.NULL:
            return null.verify(sa, payload, octets, remote, initiator=initiator)
        if used is AuthClass.PSK:
            local = sa.local_id or Identity.from_address(sa.local.address)
            return psk.verify(sa, payload, octets, local, remote)
        return pubkey.verify(sa, payload, octets, remote, constraints)
    except PeerError:
        # A proof of a kind that was not wanted anyway: that is what the operator has to know.
        unwanted = failures(comply(Facts(remote, used), AuthConfig(constraints.auth)))
        if unwanted:
            raise AuthenticationFailedError(f"constraint check failed: {unwanted[0]}") from None
        raise
