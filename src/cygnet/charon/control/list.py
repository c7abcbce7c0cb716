"""``listcerts`` and its kin: one caption and its objects for each kind, as strongSwan lays them out."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from cygnet.base.identities import Identity
from cygnet.cert.certificates import Certificate
from cygnet.cert.printing import certificate_lines
from cygnet.charon.control.list_algorithms import algorithm_lines
from cygnet.charon.control.ports import Certificates, Clock, Facts, Reply
from cygnet.charon.control.replies import refuse
from cygnet.ctl.stroke import EXIT_USAGE, Done, List
from cygnet.keying.config.authorities import AuthoritySection

CERTIFICATES = {
    "certs": "List of X.509 End Entity Certificates",
    "cacerts": "List of X.509 CA Certificates",
    "aacerts": "List of X.509 AA Certificates",
    "ocspcerts": "List of X.509 OCSP Signer Certificates",
}
DOCUMENTS = {
    "pubkeys": "List of Raw Public Keys",
    "acerts": "List of X.509 Attribute Certificates",
    "groups": "List of Attribute Certificate Groups",
    "crls": "List of X.509 CRLs",
    "ocsp": "List of OCSP Responses",
}
ORDER = (
    "cainfos", "pubkeys", "certs", "cacerts", "aacerts", "ocspcerts", "acerts", "groups", "crls", "ocsp",
    "algs", "plugins",
)  # fmt: skip
"""The order of ``listall``."""

Lister = Callable[[bool], Iterator[str]]


@dataclass(frozen=True, slots=True)
class ListHandler:
    """Answers the list commands. ``date`` is POSIX time, for validity."""

    certificates: Certificates
    facts: Facts
    date: Clock

    def __call__(self, request: List, reply: Reply) -> Done:
        """Each kind asked for; one of which there is nothing has no caption either."""
        unknown = [kind for kind in request.kinds if kind not in {*ORDER, "all"}]
        if unknown:
            return refuse(reply, f"there is no list of '{unknown[0]}'", EXIT_USAGE)
        listers = self._listers()
        for kind in ORDER if "all" in request.kinds else request.kinds:
            reply.texts(listers[kind](request.utc))
        return Done()

    def _listers(self) -> dict[str, Lister]:
        others: dict[str, Lister] = {
            "cainfos": lambda utc: section_lines(self.certificates.sections()),
            "algs": lambda utc: algorithm_lines(),
            "plugins": lambda utc: self._plugins(),
        }
        certificates = {kind: self._certificates(kind) for kind in CERTIFICATES}
        documents = {kind: self._documents(kind) for kind in DOCUMENTS}
        return {**others, **certificates, **documents}

    def _certificates(self, kind: str) -> Lister:
        def lines(utc: bool) -> Iterator[str]:
            now = self.date()
            listed = _grouped(self.certificates.listed(kind))
            objects = (certificate_lines(one.native, now, utc, private) for one, private in listed)
            return _captioned(CERTIFICATES[kind], objects)

        return lines

    def _documents(self, kind: str) -> Lister:
        def lines(utc: bool) -> Iterator[str]:
            now = self.date()
            listed = self.certificates.documents(kind)
            return _captioned(DOCUMENTS[kind], (one.lines(now, utc) for one in listed))

        return lines

    def _plugins(self) -> Iterator[str]:
        yield ""
        yield "List of loaded Plugins:"
        yield ""
        for plugin in self.facts.plugins():
            yield f"{plugin.name}:"
            for feature in plugin.features:
                yield f"    {feature}"


def section_lines(sections: Sequence[AuthoritySection]) -> Iterator[str]:
    """``listcainfos``: labels padded to column 15, further URIs in column 12 (as strongSwan has them)."""
    return _captioned("List of CA Information Sections:", map(_section, sections))


def _section(section: AuthoritySection) -> Iterator[str]:
    certificate = section.certificate
    if certificate is not None:
        yield f'authname:    "{certificate.subject}"'
        yield f"authkey:      {certificate.subject_key_id.hex(':')}"
        yield f"keyid:        {certificate.key_id.hex(':')}"
    for label, uris in (("crluris:", section.crl_uris), ("ocspuris:", section.ocsp_uris)):
        for place, uri in enumerate(uris):
            yield f"{'':<10}'{uri}'" if place else f"{label:<13}'{uri}'"
    if section.cert_uri_base:
        yield f"certuribase: '{section.cert_uri_base}'"


def _captioned(caption: str, objects: Iterable[Iterable[str]]) -> Iterator[str]:
    """The caption before the first object, an empty line before each."""
    for place, lines in enumerate(objects):
        if not place:
            yield ""
            yield caption
        yield ""
        for line in lines:
            yield f"  {line}"


def _grouped(listed: Sequence[tuple[Certificate, bool]]) -> list[tuple[Certificate, bool]]:
    """Without duplicates, those of one issuer together (in the order their issuers first appear)."""
    issuers: dict[Identity, int] = {}
    for certificate, _ in listed:
        issuers.setdefault(certificate.issuer, len(issuers))
    return sorted(dict(listed).items(), key=lambda pair: issuers[pair[0].issuer])
