"""What ``ca`` sections of ``ipsec.conf`` say about a CA."""

from collections.abc import Iterable

from cygnet.cert.certificates import Certificate
from cygnet.keying.config.authorities import AuthoritySection


def crl_uris(sections: Iterable[AuthoritySection], issuer: Certificate) -> tuple[str, ...]:
    """``crluri`` of all sections about this CA, each once."""
    return tuple(dict.fromkeys(uri for one in sections if _is_of(one, issuer) for uri in one.crl_uris))


def ocsp_uris(sections: Iterable[AuthoritySection], issuer: Certificate) -> tuple[str, ...]:
    """``ocspuri`` of all sections about this CA, each once."""
    return tuple(dict.fromkeys(uri for one in sections if _is_of(one, issuer) for uri in one.ocsp_uris))


def certificate_base(sections: Iterable[AuthoritySection], issuer: Certificate) -> str:
    """``certuribase`` of the first section about this CA, empty if there is none."""
    return next((one.cert_uri_base for one in sections if one.cert_uri_base and _is_of(one, issuer)), "")


def _is_of(section: AuthoritySection, issuer: Certificate) -> bool:
    """Whether the section is about this CA: the same name and key, whichever certificate."""
    one = section.certificate
    return one is not None and one.public_key == issuer.public_key and bool(one.subject.match(issuer.subject))
