"""The certificates that the stroke backend knows, by what they are trusted for."""

import threading
from collections.abc import Sequence
from dataclasses import dataclass, field

from cygnet.base.identities import Identity
from cygnet.cert.attribute_certificates import AttributeCertificate
from cygnet.cert.certificates import Certificate
from cygnet.keying.backends.seen import SeenCertificates
from cygnet.keying.config.authorities import AuthoritySection

MAX_LOADED = 100_000


@dataclass(slots=True)
class TrustedCertificates:
    """For all threads; each kind is replaced as a whole.

    ``authorities`` are the CAs of files and containers, ``sections`` those of ``ca`` sections, ``loaded``
    certificates of ``leftcert`` and ``rightcert`` by how they are written there, ``folder`` what lies in
    ``ipsec.d/certs``, ``seen`` what peers have sent in a chain that was found good.
    """

    authorities: tuple[Certificate, ...] = ()
    contained: tuple[Certificate, ...] = ()
    folder: tuple[Certificate, ...] = ()
    attribute_authorities: tuple[Certificate, ...] = ()
    ocsp_signers: tuple[Certificate, ...] = ()
    attributes: tuple[AttributeCertificate, ...] = ()
    sections: dict[str, AuthoritySection] = field(default_factory=dict)
    loaded: dict[str, Certificate] = field(default_factory=dict)
    seen: SeenCertificates = field(default_factory=SeenCertificates)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def load(self, path: str, certificate: Certificate) -> None:
        """``leftcert`` or ``rightcert``: trusted as it is from now on."""
        with self._lock:
            if len(self.loaded) < MAX_LOADED or path in self.loaded:
                self.loaded[path] = certificate

    def set_section(self, section: AuthoritySection) -> None:
        """Load or replace a ``ca`` section."""
        with self._lock:
            self.sections = {**self.sections, section.name: section}

    def remove_section(self, name: str) -> bool:
        """Forget a ``ca`` section; whether it was there."""
        with self._lock:
            known = name in self.sections
            self.sections = {each: one for each, one in self.sections.items() if each != name}
        return known

    def all_authorities(self) -> tuple[Certificate, ...]:
        """The CAs, each once."""
        sections = (one.certificate for one in self.sections.values() if one.certificate is not None)
        contained = (one for one in self.contained if one.is_ca)
        return tuple(dict.fromkeys((*self.authorities, *sections, *contained)))

    def end_entities(self) -> tuple[Certificate, ...]:
        """The certificates that are trusted as they are, and those of our own keys."""
        contained = (one for one in self.contained if not one.is_ca)
        with self._lock:
            return tuple(dict.fromkeys((*self.loaded.values(), *contained)))

    def of_kind(self, kind: str) -> Sequence[Certificate]:
        """``certs``, ``cacerts``, ``aacerts`` or ``ocspcerts``, each once."""
        kinds = {
            "certs": (*self.end_entities(), *self.folder, *(one for one in self.seen if not one.is_ca)),
            "cacerts": (*self.all_authorities(), *(one for one in self.seen if one.is_ca)),
            "aacerts": self.attribute_authorities,
            "ocspcerts": self.ocsp_signers,
        }
        return tuple(dict.fromkeys(kinds[kind]))

    def find(self, identity: Identity) -> Sequence[Certificate]:
        """Every certificate, of whatever kind, that speaks for ``identity``."""
        kinds = ("certs", "cacerts", "aacerts", "ocspcerts")
        found = (one for kind in kinds for one in self.of_kind(kind) if one.matches(identity))
        return tuple(dict.fromkeys(found))
