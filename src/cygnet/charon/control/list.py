"""``listcerts``, ``listcacerts``, ``listalgs``, ``listplugins``, ``listall``."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from cygnet.base.identities import Identity
from cygnet.cert.certificates import Certificate
from cygnet.cert.printing import certificate_lines
from cygnet.charon.control.list_algorithms import algorithm_lines
from cygnet.charon.control.ports import Certificates, Clock, Facts, Reply
from cygnet.charon.control.replies import refuse
from cygnet.ctl.stroke import EXIT_USAGE, Done, List

CAPTIONS = {"certs": "List of X.509 End Entity Certificates", "cacerts": "List of X.509 CA Certificates"}
LATER = frozenset({"pubkeys", "aacerts", "ocspcerts", "acerts", "groups", "cainfos", "crls", "ocsp"})


@dataclass(frozen=True, slots=True)
class ListHandler:
    """Answers the list commands. ``date`` is POSIX time, for validity."""

    certificates: Certificates
    facts: Facts
    date: Clock

    def __call__(self, request: List, reply: Reply) -> Done:
        """One caption and its objects for each kind asked for; ``all`` is all that this version has."""
        unknown = [kind for kind in request.kinds if kind not in {*self._listers, *LATER, "all"}]
        if unknown:
            return refuse(reply, f"there is no list of '{unknown[0]}'", EXIT_USAGE)
        later = [kind for kind in request.kinds if kind in LATER]
        if later:
            return refuse(reply, f"listing {later[0]} is not part of this version")
        wanted = tuple(self._listers) if "all" in request.kinds else request.kinds
        for kind in wanted:
            for line in self._listers[kind](request.utc):
                reply.text(line)
        return Done()

    @property
    def _listers(self) -> dict[str, Callable[[bool], Iterator[str]]]:
        return {
            "certs": lambda utc: self._certificates("certs", utc),
            "cacerts": lambda utc: self._certificates("cacerts", utc),
            "algs": lambda utc: algorithm_lines(),
            "plugins": lambda utc: self._plugins(),
        }

    def _certificates(self, kind: str, utc: bool) -> Iterator[str]:
        listed = _grouped(self.certificates.listed(kind))
        if listed:
            yield ""
            yield CAPTIONS[kind]
        for certificate, private in listed:
            yield ""
            for line in certificate_lines(certificate.native, self.date(), utc, private):
                yield f"  {line}"

    def _plugins(self) -> Iterator[str]:
        yield ""
        yield "List of loaded Plugins:"
        yield ""
        for plugin in self.facts.plugins():
            yield f"{plugin.name}:"
            for feature in plugin.features:
                yield f"    {feature}"


def _grouped(listed: Sequence[tuple[Certificate, bool]]) -> list[tuple[Certificate, bool]]:
    """Without duplicates, those of one issuer together (in the order their issuers first appear)."""
    issuers: dict[Identity, int] = {}
    for certificate, _ in listed:
        issuers.setdefault(certificate.issuer, len(issuers))
    return sorted(dict(listed).items(), key=lambda pair: issuers[pair[0].issuer])
