"""``--verify``: a certificate against CAs, with CRLs at hand or online."""

import secrets
from argparse import ArgumentParser, Namespace
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from cryptography.hazmat.primitives.serialization import Encoding

from cygnet.base.errors import CygnetError
from cygnet.base.identities import Identity
from cygnet.cert import crl, ocsp
from cygnet.cert.certificates import Certificate
from cygnet.cert.crl import Crl
from cygnet.cert.ocsp import OcspResponse
from cygnet.cert.revocation import FetchError, Methods, Status
from cygnet.cert.trust import Rules, Verdict, build_chain
from cygnet.ipsec.pki import loading, options
from cygnet.ipsec.pki.certificates import now
from cygnet.ipsec.pki.errors import PkiError
from cygnet.runtime.fetching.fetcher import Fetcher, FetchLimits
from cygnet.runtime.fetching.request import Request


@dataclass(slots=True)
class Sources:
    """Implements ``cert.revocation.Sources``: the CRLs given, and with ``fetcher`` the network."""

    crl_files: Sequence[Crl]
    authorities: Sequence[Certificate]
    fetcher: Fetcher | None

    def responses(self, issuer: Certificate) -> Sequence[OcspResponse]:
        """None are kept."""
        return ()

    def crls(self, issuers: Sequence[Identity]) -> Sequence[Crl]:
        """Those of ``--crl``."""
        return [one for one in self.crl_files if any(one.issuer.match(name) for name in issuers)]

    def ocsp_uris(self, issuer: Certificate) -> Sequence[str]:
        """Only certificates name some."""
        return ()

    def crl_uris(self, issuer: Certificate) -> Sequence[str]:
        """Only certificates name some."""
        return ()

    def responders(self) -> Sequence[Certificate]:
        """None is trusted besides the CAs and their delegates."""
        return ()

    def crl_signers(self) -> Sequence[Certificate]:
        """The CAs."""
        return self.authorities

    def nonce(self) -> bytes:
        """A new one."""
        return secrets.token_bytes(32)

    def fetch_crl(self, uri: str) -> Crl:
        """Raises :class:`FetchError` or ``MalformedRevocationError``."""
        return Crl.parse(self._fetch(Request(uri, max_octets=crl.MAX_OCTETS)))

    def ask(self, uri: str, request: bytes) -> OcspResponse:
        """Raises as above."""
        question = Request(uri, request, "application/ocsp-request", ocsp.MAX_OCTETS)
        return OcspResponse.parse(self._fetch(question))

    def keep_crl(self, crl: Crl) -> None:
        """Nothing is kept."""

    def keep_response(self, issuer: Certificate, response: OcspResponse) -> None:
        """Nothing is kept."""

    def _fetch(self, request: Request) -> bytes:
        if self.fetcher is None:
            raise FetchError("not asked, use --online")
        return self.fetcher.fetch(request)


def verify(chosen: Namespace) -> bytes:
    """The chain with its verdict; raises :class:`PkiError` where it is not trusted."""
    data = options.read_input(chosen.input)
    try:
        leaf = Certificate.parse(loading.certificate(data).public_bytes(Encoding.DER))
    except CygnetError as error:
        raise PkiError(str(error)) from None
    authorities = [one for path in chosen.cacert for one in loading.certificates_in(path)]
    anchors = [one for one in authorities if one.is_self_signed] or authorities or [leaf]
    crls = [loading.crl(Path(path).read_bytes()) for path in chosen.crl]
    asks = bool(chosen.online or crls)
    fetcher = Fetcher(FetchLimits()) if chosen.online else None
    rules = Rules(
        strict_addresses=False,
        sources=Sources(crls, authorities, fetcher) if asks else None,
        methods=Methods(ocsp=chosen.online, crl=True),
    )
    verdict = build_chain(leaf, authorities, anchors, now().timestamp(), rules)
    text = "".join(f"{line}\n" for line in _lines(verdict))
    if not verdict.ok:
        raise PkiError(f"{text}certificate untrusted")
    return f"{text}certificate trusted, lifetimes valid{_revocation(verdict)}\n".encode()


def _lines(verdict: Verdict) -> Iterator[str]:
    yield f"  using certificate {verdict.chain[0]}"
    for one in verdict.chain[1:]:
        kind = "trusted ca" if one.is_self_issued else "intermediate ca"
        yield f"  using {kind} certificate {one}"
    for check in verdict.checks:
        if not check.ok or check.name == "revocation":
            yield f"  {check.text}"


def _revocation(verdict: Verdict) -> str:
    if verdict.revocation is None:
        return ""
    good = verdict.revocation.status is Status.GOOD
    return ", certificate not revoked" if good else ", revocation checking failed"


def verify_options(parser: ArgumentParser) -> None:
    """``--verify``."""
    options.add_input(parser, "X.509 certificate to verify")
    parser.add_argument(
        "--cacert", "-c", action="append", default=[], metavar="file",
        help="CA certificate(s) for trustchain verification",
    )  # fmt: skip
    parser.add_argument(
        "--crl", "-l", action="append", default=[], metavar="file", help="CRL for trustchain verification"
    )
    parser.add_argument(
        "--online", "-o", action="store_true", help="enable online CRL/OCSP revocation checking"
    )
