"""What one verification may ask of revocations: the store, the configuration, and the network in time."""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field

from cygnet.base.groups import Group
from cygnet.base.identities import Identity
from cygnet.cert import crl, ocsp
from cygnet.cert.certificates import Certificate
from cygnet.cert.crl import Crl
from cygnet.cert.ocsp import OcspResponse
from cygnet.cert.revocation import FetchError
from cygnet.keying.backends import authority_sections
from cygnet.keying.backends.reports import LogLine
from cygnet.keying.backends.revocation_store import RevocationStore
from cygnet.keying.config.authorities import AuthoritySection
from cygnet.runtime.fetching.fetcher import Fetcher
from cygnet.runtime.fetching.request import Deadline, Request

OCSP_REQUEST = "application/ocsp-request"


@dataclass(slots=True)
class NetworkSources:
    """Implements ``cert.revocation.Sources`` for one verification.

    Each server has ``timeout_s`` to answer, and all together have until ``deadline``.

    ``received`` are OCSP responses that the peer sent with its certificates (RFC 4806); they are looked at
    first.
    """

    store: RevocationStore
    fetcher: Fetcher
    deadline: Deadline
    timeout_s: float
    log: LogLine
    sections: Sequence[AuthoritySection] = ()
    trusted_responders: Sequence[Certificate] = ()
    signers: Sequence[Certificate] = ()
    nonce_octets: int = 32
    received: Sequence[OcspResponse] = field(default=())

    def responses(self, issuer: Certificate) -> Sequence[OcspResponse]:
        """Received ones, then those in the store."""
        return (*self.received, *self.store.responses_for(issuer))

    def crls(self, issuers: Sequence[Identity]) -> Sequence[Crl]:
        """Those in the store."""
        return [one for one in self.store.crls() if any(one.issuer.match(name) for name in issuers)]

    def ocsp_uris(self, issuer: Certificate) -> Sequence[str]:
        """``ocspuri`` of the ``ca`` section."""
        return authority_sections.ocsp_uris(self.sections, issuer)

    def crl_uris(self, issuer: Certificate) -> Sequence[str]:
        """``crluri`` of the ``ca`` section."""
        return authority_sections.crl_uris(self.sections, issuer)

    def responders(self) -> Sequence[Certificate]:
        """``ipsec.d/ocspcerts``."""
        return self.trusted_responders

    def crl_signers(self) -> Sequence[Certificate]:
        """Those whom we trust to sign."""
        return self.signers

    def nonce(self) -> bytes:
        """As long as ``ocsp_nonce_len`` says."""
        return secrets.token_bytes(self.nonce_octets)

    def fetch_crl(self, uri: str) -> Crl:
        """Raises :class:`FetchError` or :class:`MalformedRevocationError`."""
        self.log(Group.CFG, 1, f"  fetching crl from '{uri}' ...")
        return Crl.parse(self._get("crl", Request(uri, max_octets=crl.MAX_OCTETS)))

    def ask(self, uri: str, request: bytes) -> OcspResponse:
        """By POST as strongSwan does; raises as above."""
        self.log(Group.CFG, 1, f"  requesting ocsp status from '{uri}' ...")
        return OcspResponse.parse(self._get("ocsp", Request(uri, request, OCSP_REQUEST, ocsp.MAX_OCTETS)))

    def keep_crl(self, crl: Crl) -> None:
        """Into the store."""
        self.store.keep_crl(crl)

    def keep_response(self, issuer: Certificate, response: OcspResponse) -> None:
        """Into the store."""
        self.store.keep_response(issuer, response)

    def _get(self, kind: str, request: Request) -> bytes:
        try:
            left = min(self.timeout_s, self.deadline.left())
            return self.fetcher.fetch(request, Deadline.after(left))
        except FetchError as error:
            self.log(Group.CFG, 1, f"  {kind} fetching from '{request.uri}' failed: {error}")
            raise
