"""Certificate requests, and certificates before anybody looks at the signature (RFC 7296, 3.6, 3.7)."""

from typing import ClassVar

from cygnet.base.groups import Group
from cygnet.cert.errors import MalformedCertificateError
from cygnet.cert.hash_url import HashAndUrl
from cygnet.charon.encoding.exchanges import Exchange
from cygnet.charon.encoding.message import Message
from cygnet.charon.encoding.notify import NotifyType
from cygnet.charon.encoding.payloads import CertificateEncoding, CertificatePayload, CertificateRequest
from cygnet.charon.sa.tasks.task import DONE, MORE, Draft, Step, Task
from cygnet.keying.config.records import AuthClass, PeerConfig

X509 = CertificateEncoding.X509_SIGNATURE
BY_URL: dict[int, bool] = {
    CertificateEncoding.HASH_AND_URL: False,
    CertificateEncoding.HASH_AND_URL_BUNDLE: True,
}
"""Whether it is a bundle."""
MAX_AUTHORITIES = 200
MAX_ASKED = 1000


class CertPre(Task):
    """Asks for certificates of the authorities we trust, and keeps what the peer asks and sends."""

    name = "IKE_CERT_PRE"
    rides: ClassVar[frozenset[Exchange]] = frozenset({Exchange.IKE_SA_INIT, Exchange.IKE_AUTH})

    def build_request(self, draft: Draft) -> Step:
        if draft.exchange == Exchange.IKE_AUTH:
            self._ask(draft, (self.sa.peer_config,))
        return MORE

    def process_request(self, message: Message) -> Step:
        if message.exchange == Exchange.IKE_AUTH:
            self._keep(message)
            return DONE
        return MORE

    def build_response(self, draft: Draft) -> Step:
        self._ask(draft, self.sa.negotiation.candidates)
        return MORE

    def process_response(self, message: Message) -> Step:
        self._keep(message)
        return DONE if message.exchange == Exchange.IKE_AUTH else MORE

    def _ask(self, draft: Draft, configs: tuple[PeerConfig, ...]) -> None:
        sa = self.sa
        if not any(_wants_certificate(config) for config in configs):
            return
        authorities = sa.ports.credentials.authorities()[:MAX_AUTHORITIES]
        if not authorities:
            return
        if draft.exchange == Exchange.IKE_AUTH:
            for one in authorities:
                sa.log(Group.IKE, f'sending cert request for "{one.name}"')
        key_ids = tuple(dict.fromkeys(one.key_id for one in authorities))
        draft.add(CertificateRequest.of(X509, key_ids))
        if sa.ports.settings.asks_ocsp:
            signers = sa.ports.credentials.ocsp_signers()[:MAX_AUTHORITIES]
            draft.add(CertificateRequest.of(CertificateEncoding.OCSP, signers))
        if sa.ports.settings.hash_and_url:
            draft.notify(NotifyType.HTTP_CERT_LOOKUP_SUPPORTED)

    def _keep(self, message: Message) -> None:
        sa = self.sa
        handshake = sa.negotiation
        for request in message.all(CertificateRequest):
            if request.encoding == X509:
                handshake.asked_for_certificate = True
                asked = frozenset(request.key_ids()[:MAX_ASKED])
                handshake.asked_authorities |= asked
                self._log_asked(asked)
            elif request.encoding == CertificateEncoding.OCSP:
                handshake.asked_for_ocsp = True
        if message.notify(NotifyType.HTTP_CERT_LOOKUP_SUPPORTED) is not None:
            handshake.looks_up = True
        for payload in message.all(CertificatePayload):
            kept = len(handshake.certificates) + len(handshake.ocsp_responses) + len(handshake.attributes)
            if kept >= sa.ports.settings.max_certificates:
                sa.log(Group.IKE, "ignoring further certificates of the peer")
                break
            self._keep_one(payload)

    def _keep_one(self, payload: CertificatePayload) -> None:
        handshake = self.sa.negotiation
        if payload.encoding == X509:
            handshake.certificates.append(payload.data)
        elif payload.encoding in BY_URL:
            self._keep_place(payload)
        elif payload.encoding == CertificateEncoding.OCSP:
            handshake.ocsp_responses.append(payload.data)
        elif payload.encoding == CertificateEncoding.X509_ATTRIBUTE:
            handshake.attributes.append(payload.data)
        else:
            self.sa.log(Group.IKE, f"ignoring CERT payload with encoding {payload.encoding}")

    def _keep_place(self, payload: CertificatePayload) -> None:
        """Nothing is fetched before a signature is to be verified, and only if we said that we do."""
        sa = self.sa
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

    def _log_asked(self, asked: frozenset[bytes]) -> None:
        sa = self.sa
        known = {one.key_id: one.name for one in sa.ports.credentials.authorities()}
        unknown = 0
        for key_id in asked:
            if key_id in known:
                sa.log(Group.IKE, f'received cert request for "{known[key_id]}"')
            else:
                unknown += 1
        if unknown:
            sa.log(Group.IKE, f"received {unknown} cert requests for an unknown ca")


def _wants_certificate(config: PeerConfig) -> bool:
    rounds = config.remote
    return config.ike.send_certreq and any(
        one.auth in (AuthClass.PUBKEY, AuthClass.ANY) and not one.certificates for one in rounds
    )
