"""Certificate requests of ours, and the peer's with its first certificates (RFC 7296, 3.6, 3.7)."""

from typing import ClassVar

from cygnet.base.groups import Group
from cygnet.charon.encoding.exchanges import Exchange
from cygnet.charon.encoding.message import Message
from cygnet.charon.encoding.notify import NotifyType
from cygnet.charon.encoding.payloads import CertificateEncoding, CertificateRequest
from cygnet.charon.sa.tasks import cert_received
from cygnet.charon.sa.tasks.task import DONE, MORE, Draft, Step, Task
from cygnet.keying.config.records import AuthClass, PeerConfig

X509 = CertificateEncoding.X509_SIGNATURE
MAX_AUTHORITIES = 200


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
            cert_received.keep(self.sa, message)
            return DONE
        return MORE

    def build_response(self, draft: Draft) -> Step:
        self._ask(draft, self.sa.negotiation.candidates)
        return MORE

    def process_response(self, message: Message) -> Step:
        cert_received.keep(self.sa, message)
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


def _wants_certificate(config: PeerConfig) -> bool:
    rounds = config.remote
    return config.ike.send_certreq and any(
        one.auth in (AuthClass.PUBKEY, AuthClass.ANY) and not one.certificates and not one.public_keys
        for one in rounds
    )
