"""The stroke backend's credential store: what the IKEv2 core asks about secrets, keys and certificates.

Each kind is read as a whole and replaced at once, so that a lookup sees either the old or the new files. A
kind that cannot be read stays as it was.
"""

import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from functools import lru_cache

from cygnet.base.errors import LocalError
from cygnet.base.identities import Identity
from cygnet.base.secret import Secret
from cygnet.cert.certificates import Certificate, load_certificates
from cygnet.cert.trust import Verdict, build_chain
from cygnet.charon.backends.errors import ConfigError
from cygnet.charon.backends.files import read_octets
from cygnet.charon.backends.seen import SeenCertificates
from cygnet.charon.backends.stroke_files import (
    UNREAD,
    Ask,
    LogLine,
    Places,
    Report,
    Secrets,
    read_authorities,
    read_authority,
    read_folder,
    read_secrets,
    report_unread,
)
from cygnet.charon.config.authorities import AuthoritySection
from cygnet.charon.config.records import AuthConfig
from cygnet.charon.config.settings import DaemonSettings
from cygnet.charon.sa.ports import Authority, OwnKey
from cygnet.conf.problems import Reader
from cygnet.crypto.signatures import PrivateKey

MAX_LOADED = 100_000
KINDS = ("certs", "cacerts", "aacerts", "ocspcerts")
FOLDERS = frozenset({"certs", "aacerts", "ocspcerts"})
"""Folders of ``ipsec.d`` of which every certificate is taken as it is."""


class StrokeCredentials:
    """Implements ``sa.ports.Credentials``. ``date`` is POSIX time, for validity."""

    name = "stroke"

    def __init__(
        self,
        places: Places,
        reader: Reader,
        settings: DaemonSettings,
        date: Callable[[], float],
        log: LogLine,
    ) -> None:
        self._places = places
        self._reader = reader
        self._settings = settings
        self._date = date
        self._log = log
        self._reading = threading.Lock()
        self._changing = threading.Lock()
        self._secrets = Secrets()
        self._authorities: tuple[Certificate, ...] = ()
        self._sections: dict[str, AuthoritySection] = {}
        self._folders: dict[str, tuple[Certificate, ...]] = {}
        self._loaded: dict[str, tuple[Certificate, ...]] = {}
        self._paths: dict[Certificate, tuple[Certificate, ...]] = {}
        self._seen = SeenCertificates()

    def reread(self, kinds: frozenset[str], ask: Ask | None = None) -> tuple[Sequence[str], bool]:
        """Read these kinds (``secrets``, and folders of ``ipsec.d``) again, one reader at a time.

        The answer is what was wrong, and whether everything could be used. Nobody waits for the reading,
        in which ``ask`` may wait for an operator's passphrase.
        """
        report = Report(self._log, ask)
        with self._reading:
            for kind in sorted(kinds & UNREAD.keys()):
                report_unread(self._places.folder / kind, kind, report)
            for kind in sorted(kinds & FOLDERS):
                found = read_folder(self._places.folder / kind, report)
                self._folders = {**self._folders, kind: found}
            if "cacerts" in kinds:
                authorities = read_authorities(self._places.cacerts, report)
                with self._changing:
                    self._authorities, self._paths = authorities, {}
            if "secrets" in kinds:
                self._secrets = read_secrets(self._places, self._reader, report) or self._secrets
        return report.problems, report.complete

    def load_certificate(self, path: str) -> tuple[Certificate, ...]:
        """The certificates of ``leftcert``, trusted from now on; raises :class:`ConfigError`."""
        if path.startswith("%smartcard"):
            raise ConfigError(f"certificate '{path}': smart cards are not part of this version")
        file = self._places.certs / path
        try:
            found = load_certificates(read_octets(file))
        except LocalError as error:
            raise ConfigError(f"loading certificate from '{file}' failed: {error}") from None
        with self._changing:
            if len(self._loaded) < MAX_LOADED:
                self._loaded[path] = found[:1]
        return found

    def add_authority(self, section: AuthoritySection, path: str) -> Sequence[str]:
        """Load or replace a ``ca`` section, with the CA from ``path``; the answer is what was wrong."""
        report = Report(self._log)
        file = self._places.cacerts / path
        found = read_authority(file, report) if path else []
        if path and not found:
            raise ConfigError("; ".join(report.problems) or f"'{file}' holds no CA certificate")
        with self._changing:
            loaded = replace(section, certificate=found[0] if found else None)
            self._sections = {**self._sections, section.name: loaded}
            self._paths = {}
        return report.problems

    def remove_authority(self, name: str) -> bool:
        """Forget a ``ca`` section; whether it was there."""
        with self._changing:
            known = name in self._sections
            self._sections = {each: found for each, found in self._sections.items() if each != name}
            self._paths = {}
        return known

    def sections(self) -> tuple[AuthoritySection, ...]:
        """The loaded ``ca`` sections."""
        return tuple(self._sections.values())

    def shared_secrets(self, local: Identity, remote: Identity | None) -> tuple[Secret, ...]:
        """The pre-shared keys between two identities, best match first, each value once."""
        return self._secrets.shared.secrets(local, remote)

    def own_key(
        self, auth: AuthConfig, identity: Identity | None, authorities: frozenset[bytes]
    ) -> OwnKey | None:
        """Our key for one round: of a configured certificate, else of one that carries ``identity``."""
        found = [
            OwnKey(key, certificate, self._issuers(certificate))
            for certificate in self._own_certificates(auth, identity)
            if (key := self._private_key(certificate)) is not None
        ]
        found.sort(key=lambda own: not self._asked_for(own, authorities))
        return found[0] if found else None

    def authorities(self) -> tuple[Authority, ...]:
        """The trusted CAs, for CERTREQ."""
        return tuple(Authority(one.subject, one.key_id) for one in self._all_authorities())

    def certificates_of(self, identity: Identity) -> tuple[Certificate, ...]:
        """The certificates of ``rightcert`` that carry ``identity``."""
        return tuple(one for one in self._trusted() if one.matches(identity))

    def verify(self, leaf: Certificate, intermediates: tuple[Certificate, ...]) -> Verdict:
        """The chain from ``leaf`` to a trusted CA now; a certificate of ``rightcert`` is trusted as it is."""
        pinned = () if self._settings.reject_trusted_end_entity else self._trusted()
        anchors = (*self._all_authorities(), *(one for one in pinned if one == leaf))
        limit = self._settings.certificate_chain_limit
        verdict = build_chain(leaf, intermediates, anchors, self._date(), limit)
        if verdict.ok and self._settings.cert_cache:
            self._seen.add(one for one in verdict.chain if one not in anchors)
        return verdict

    def listed(self, kind: str) -> list[tuple[Certificate, bool]]:
        """Certificates of one kind, each with whether we have its private key (``control.ports``)."""
        return [(one, self._private_key(one) is not None) for one in self._of_kind(kind)]

    def find(self, identity: Identity) -> tuple[Certificate, ...]:
        """Every certificate, of whatever kind, that speaks for ``identity``."""
        every = dict.fromkeys(one for kind in KINDS for one in self._of_kind(kind))
        return tuple(one for one in every if one.matches(identity))

    def purge(self, kinds: frozenset[str]) -> None:
        """Forget the certificates that peers showed (``certs``)."""
        if "certs" in kinds:
            self._seen.clear()

    def _of_kind(self, kind: str) -> list[Certificate]:
        """Each once; those that peers showed are listed where they belong, as strongSwan does."""
        seen = list(self._seen)
        if kind == "cacerts":
            chosen = [*self._all_authorities(), *(one for one in seen if one.is_ca)]
        elif kind == "certs":
            own = (*self._trusted(), *self._folders.get("certs", ()))
            chosen = [*own, *(one for one in seen if not one.is_ca)]
        else:
            chosen = list(self._folders.get(kind, ()))
        return list(dict.fromkeys(chosen))

    def _asked_for(self, own: OwnKey, authorities: frozenset[bytes]) -> bool:
        path = self._path(own.certificate) if own.certificate else ()
        return not authorities or any(one.key_id in authorities for one in path)

    def _trusted(self) -> tuple[Certificate, ...]:
        with self._changing:
            return tuple(dict.fromkeys(one for found in self._loaded.values() for one in found))

    def _all_authorities(self) -> tuple[Certificate, ...]:
        sections = (one.certificate for one in self._sections.values() if one.certificate is not None)
        return tuple(dict.fromkeys((*self._authorities, *sections)))

    def _private_key(self, certificate: Certificate) -> PrivateKey | None:
        return self._secrets.private.get(certificate.public_key.spki)

    def _own_certificates(self, auth: AuthConfig, identity: Identity | None) -> Iterable[Certificate]:
        if auth.certificates:
            return [_parsed(der) for der in auth.certificates]
        if identity is None:
            return []
        known = dict.fromkeys((*self._trusted(), *self._folders.get("certs", ())))
        return [certificate for certificate in known if certificate.matches(identity)]

    def _issuers(self, certificate: Certificate) -> tuple[Certificate, ...]:
        """The CAs above a certificate, the self-signed root left out."""
        return tuple(one for one in self._path(certificate) if not one.is_self_issued)

    def _path(self, certificate: Certificate) -> tuple[Certificate, ...]:
        """The CAs above a certificate of ours, up to the root if we have it."""
        paths = self._paths
        path = paths.get(certificate)
        if path is None:
            path = tuple(self._climb(certificate))
            if len(paths) < MAX_LOADED:
                paths[certificate] = path
        return path

    def _climb(self, certificate: Certificate) -> Iterator[Certificate]:
        last = certificate
        for _ in range(self._settings.certificate_chain_limit):
            issuer = None if last.is_self_issued else self._issuer(last)
            if issuer is None:
                return
            yield issuer
            last = issuer

    def _issuer(self, certificate: Certificate) -> Certificate | None:
        for one in self._all_authorities():
            if one.subject == certificate.issuer and certificate.is_signed_by(one.public_key):
                return one
        return None


@lru_cache(maxsize=4096)
def _parsed(der: bytes) -> Certificate:
    return Certificate.parse(der)
