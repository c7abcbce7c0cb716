"""Proving who we are in phase 1, and checking who the peer is (RFC 2409, 5.1, 5.4)."""

from collections.abc import Iterator

from cygnet.base.errors import PeerError
from cygnet.base.groups import Group, Level
from cygnet.base.identities import Identity
from cygnet.cert.certificates import Certificate
from cygnet.cert.errors import MalformedCertificateError
from cygnet.cert.trust import Check, Verdict
from cygnet.crypto.hash_signatures import PLAIN_ECDSA, PLAIN_RSA
from cygnet.crypto.signatures import PublicKey, SignatureScheme
from cygnet.keying.config.records import AuthClass, SendCert
from cygnet.keying.sa.authorisation import Facts, comply, failures
from cygnet.keying.sa.credentials import OwnKey
from cygnet.pluto.config.records import PeerConfig
from cygnet.pluto.encoding.errors import AuthenticationFailedError
from cygnet.pluto.encoding.message import Message
from cygnet.pluto.encoding.methods import MethodRow, Proof
from cygnet.pluto.encoding.payloads import (
    CertificateEncoding,
    CertificatePayload,
    HashPayload,
    Payload,
    SignaturePayload,
)
from cygnet.pluto.sa.association import Association
from cygnet.pluto.sa.errors import NoPrivateKeyError
from cygnet.pluto.sa.keymat import Covered, equal, phase1_hash
from cygnet.pluto.sa.raw_keys import keys_of, objection
from cygnet.pluto.sa.transport import publics

MAX_TRIED = 8
"""Certificates of one identity that are tried."""
WRONG_SECRET = "wrong pre-shared key"
X509 = CertificateEncoding.X509_SIGNATURE


def prove(sa: Association) -> tuple[Payload, ...]:
    """The payloads behind ID by which we authenticate ourselves."""
    row = sa.agreed_method
    value = _hash(sa, sa.initiator)
    if row.proof(sa.initiator) is Proof.HASH:
        sa.log(Group.IKE, f"authentication of '{sa.local_id}' (myself) with {row.name}")
        return (HashPayload(value),)
    own = sa.negotiation.own
    if own is None:
        raise NoPrivateKeyError(f"no private key found for '{sa.local_id}'")
    scheme = _scheme(row)
    signature = own.key.sign(scheme, value)
    sa.log(Group.IKE, f"authentication of '{sa.local_id}' (myself) with {row.name} successful")
    return (*_certificates(sa, own), SignaturePayload(signature))


def verify(sa: Association, message: Message, remote: Identity) -> Facts:
    """What the peer's HASH or SIG proves; raises a ``PeerError`` that says what is wrong."""
    row = sa.agreed_method
    value = _hash(sa, not sa.initiator)
    if row.proof(not sa.initiator) is Proof.SIGNATURE:
        return _verify_signature(sa, message, value, remote)
    payload = message.first(HashPayload)
    if payload is None or not equal(payload.data, value):
        if row.psk:
            raise AuthenticationFailedError(f"{WRONG_SECRET}: HASH of '{remote}' is not that of our secret")
        raise AuthenticationFailedError(f"HASH of '{remote}' does not cover what was exchanged")
    sa.log(Group.IKE, f"authentication of '{remote}' with {row.name} successful")
    return Facts(remote, AuthClass.PSK if row.psk else AuthClass.ANY)


def authorise(sa: Association, proved: Facts, configs: tuple[PeerConfig, ...]) -> PeerConfig:
    """The first connection whose demands are met; raises with the reasons of all if there is none."""
    reasons: list[str] = []
    for config in configs:
        failed = (*failures(comply(proved, config.remote)), *filter(None, (objection(sa, proved, config),)))
        if not failed:
            return config
        reasons += [f"{config.name}: {text}" for text in failed]
    raise AuthenticationFailedError("; ".join(reasons) or "no connection for this peer")


def keep_certificates(sa: Association, message: Message) -> None:
    """Remember the peer's X.509 certificates, as many as the settings allow."""
    kept = sa.negotiation.certificates
    for payload in message.all(CertificatePayload):
        if payload.encoding == X509 and len(kept) < sa.ports.settings.max_certificates:
            kept.append(payload.data)


def _hash(sa: Association, initiator: bool) -> bytes:
    """HASH_I or HASH_R: the side's own things come first (RFC 2409, 5)."""
    shake, both = sa.negotiation, publics(sa)
    own = initiator is sa.initiator
    cookies = sa.cookies if initiator else sa.cookie_r + sa.cookie_i
    covered = Covered(cookies, shake.sa_body, shake.own_id if own else shake.peer_id)
    pair = (both.initiator, both.responder) if initiator else (both.responder, both.initiator)
    keys = sa.established_keys
    return phase1_hash(keys.function, keys.skeyid, *pair, covered)


def _scheme(row: MethodRow) -> SignatureScheme:
    return PLAIN_RSA if row.key == "RSA" else PLAIN_ECDSA


def _certificates(sa: Association, own: OwnKey) -> tuple[Payload, ...]:
    sends = sa.peer_config.local.send_cert
    wanted = sends == SendCert.ALWAYS or (sends == SendCert.IF_ASKED and sa.negotiation.asked_for_certificate)
    if own.certificate is None or not wanted:
        return ()
    sa.log(Group.IKE, f"sending end entity cert {own.certificate}")
    return tuple(CertificatePayload(X509, one.der) for one in (own.certificate, *own.intermediates))


def _verify_signature(sa: Association, message: Message, value: bytes, remote: Identity) -> Facts:
    payload = message.first(SignaturePayload)
    if payload is None:
        raise AuthenticationFailedError(f"'{remote}' sent no signature")
    scheme, received = _scheme(sa.agreed_method), _received(sa)
    reason = f"no trusted {scheme.kind} public key found for '{remote}'"
    if not received:
        for key in keys_of(sa, remote):
            if _signed(key, scheme, value, payload.data):
                sa.log(Group.CFG, f"  using trusted raw public key {key} for '{remote}'")
                sa.log(Group.IKE, f"authentication of '{remote}' with {sa.agreed_method.name} successful")
                return Facts(remote, AuthClass.PUBKEY, scheme.name, public_key=key)
            reason = f"signature of '{remote}' is not by the raw public key that is configured"
    for tried, leaf in enumerate(_leaves(sa, received, remote)):
        if tried == MAX_TRIED:
            break
        if leaf.public_key.kind is not scheme.kind:
            continue
        verdict = _trust(sa, leaf, received)
        if not verdict.ok:
            sa.log(Group.CFG, verdict.reason)
            reason = f"no trusted {scheme.kind} public key found for '{remote}': {verdict.reason}"
            continue
        try:
            leaf.public_key.verify(scheme, value, payload.data)
        except PeerError as error:
            raise AuthenticationFailedError(f"signature of '{remote}': {error}") from None
        sa.peer_certificates = tuple(one.der for one in verdict.chain)
        sa.log(Group.IKE, f"authentication of '{remote}' with {sa.agreed_method.name} successful")
        return Facts(remote, AuthClass.PUBKEY, scheme.name, verdict.chain, verdict.checks, verdict)
    raise AuthenticationFailedError(reason)


def _signed(key: PublicKey, scheme: SignatureScheme, value: bytes, signature: bytes) -> bool:
    if key.kind is not scheme.kind:
        return False
    try:
        key.verify(scheme, value, signature)
    except PeerError:
        return False
    return True


def _received(sa: Association) -> list[Certificate]:
    """The peer's certificates, leaf first; unreadable ones are left out."""
    found: list[Certificate] = []
    for der in sa.negotiation.certificates:
        try:
            found.append(Certificate.parse(der))
        except MalformedCertificateError as error:
            sa.log(Group.IKE, f"ignoring a certificate of the peer: {error}")
            continue
        kind = "issuer" if len(found) > 1 else "end entity"
        sa.log(Group.IKE, f"received {kind} cert {found[-1]}")
    return found


def _leaves(sa: Association, received: list[Certificate], remote: Identity) -> Iterator[Certificate]:
    """Certificates that speak for the peer: the one it sent, else those we have."""
    if received:
        if received[0].matches(remote):
            yield received[0]
        return
    pinned = (Certificate.parse(der) for der in _pinned(sa))
    yield from (one for one in pinned if one.matches(remote))
    yield from sa.ports.credentials.certificates_of(remote)


def _trust(sa: Association, leaf: Certificate, received: list[Certificate]) -> Verdict:
    sa.log(Group.CFG, f"  using certificate {leaf}")
    if leaf.der in _pinned(sa):
        return Verdict(True, (leaf,), (Check("pinned", True, f"certificate {leaf} is configured itself"),))
    verdict = sa.ports.credentials.verify(leaf, tuple(received[1:]))
    for check in verdict.checks:
        sa.log(Group.CFG, f"  {check.name}: {check.text}", Level.DETAIL)
    return verdict


def _pinned(sa: Association) -> tuple[bytes, ...]:
    """Certificates of peers that connections in question trust as they are."""
    configs = sa.negotiation.candidates or (sa.peer_config,)
    return tuple(der for config in configs for der in config.remote.certificates)
