"""What a peer sends about certificates, kept until a signature is to be verified (RFC 7296, 3.6, 3.7)."""

from cygnet.base.groups import Group
from cygnet.cert.errors import MalformedCertificateError
from cygnet.cert.hash_url import HashAndUrl
from cygnet.charon.encoding.message import Message
from cygnet.charon.encoding.notify import NotifyType
from cygnet.charon.encoding.payloads import CertificateEncoding, CertificatePayload, CertificateRequest
from cygnet.charon.sa.association import Association
from cygnet.charon.sa.handshake import Handshake

X509 = CertificateEncoding.X509_SIGNATURE
BY_URL: dict[int, bool] = {
    CertificateEncoding.HASH_AND_URL: False,
    CertificateEncoding.HASH_AND_URL_BUNDLE: True,
}
"""Whether it is a bundle."""
MAX_ASKED = 1000


def keep(sa: Association, message: Message) -> None:
    """All of one message: what the peer asks for, and what it shows."""
    handshake = sa.negotiation
    for request in message.all(CertificateRequest):
        if request.encoding == X509:
            handshake.asked_for_certificate = True
            asked = frozenset(request.key_ids()[:MAX_ASKED])
            handshake.asked_authorities |= asked
            _log_asked(sa, asked)
        elif request.encoding == CertificateEncoding.RAW_PUBLIC_KEY:
            handshake.asked_for_raw_key = True
        elif request.encoding == CertificateEncoding.OCSP:
            handshake.asked_for_ocsp = True
    if message.notify(NotifyType.HTTP_CERT_LOOKUP_SUPPORTED) is not None:
        handshake.looks_up = True
    for payload in message.all(CertificatePayload):
        if _kept(handshake) >= sa.ports.settings.max_certificates:
            sa.log(Group.IKE, "ignoring further certificates of the peer")
            break
        _keep_one(sa, payload)


def keep_of_round(sa: Association, message: Message) -> None:
    """A further round shows certificates of its own (RFC 4739, 2.1); those of the last one are done with."""
    handshake = sa.negotiation
    handshake.certificates, handshake.raw_keys = [], []
    handshake.ocsp_responses, handshake.attributes, handshake.lookup_problem = [], [], ""
    keep(sa, message)


def _keep_one(sa: Association, payload: CertificatePayload) -> None:
    handshake = sa.negotiation
    if payload.encoding == X509:
        handshake.certificates.append(payload.data)
    elif payload.encoding in BY_URL:
        _keep_place(sa, payload)
    elif payload.encoding == CertificateEncoding.OCSP:
        handshake.ocsp_responses.append(payload.data)
    elif payload.encoding == CertificateEncoding.X509_ATTRIBUTE:
        handshake.attributes.append(payload.data)
    elif payload.encoding == CertificateEncoding.RAW_PUBLIC_KEY:
        handshake.raw_keys.append(payload.data)
    else:
        sa.log(Group.IKE, f"ignoring CERT payload with encoding {payload.encoding}")


def _keep_place(sa: Association, payload: CertificatePayload) -> None:
    """Nothing is fetched before a signature is to be verified, and only if we said that we do."""
    if not sa.ports.settings.hash_and_url:
        sa.log(Group.IKE, "received hash-and-url encoded cert, but we don't accept them, ignore")
        return
    try:
        place = HashAndUrl.parse(payload.data, BY_URL[payload.encoding])
    except MalformedCertificateError as error:
        sa.log(Group.IKE, f"ignoring CERT payload: {error}")
        return
    sa.log(Group.IKE, f'received hash-and-url "{place.url}"')
    sa.negotiation.certificates.append(place)


def _log_asked(sa: Association, asked: frozenset[bytes]) -> None:
    known = {one.key_id: one.name for one in sa.ports.credentials.authorities()}
    unknown = 0
    for key_id in asked:
        if key_id in known:
            sa.log(Group.IKE, f'received cert request for "{known[key_id]}"')
        else:
            unknown += 1
    if unknown:
        sa.log(Group.IKE, f"received {unknown} cert requests for an unknown ca")


def _kept(handshake: Handshake) -> int:
    shown = len(handshake.certificates) + len(handshake.raw_keys)
    return shown + len(handshake.ocsp_responses) + len(handshake.attributes)
