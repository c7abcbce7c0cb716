"""What a ``ca`` section says: a trusted CA and where its CRLs and OCSP answers are."""

from dataclasses import dataclass

from cygnet.cert.certificates import Certificate


@dataclass(frozen=True, slots=True)
class AuthoritySection:
    """One ``ca`` section; ``certificate`` is ``None`` where it names no ``cacert``."""

    name: str
    certificate: Certificate | None = None
    crl_uris: tuple[str, ...] = ()
    ocsp_uris: tuple[str, ...] = ()
    cert_uri_base: str = ""
