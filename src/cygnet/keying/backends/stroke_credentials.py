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
from cygnet.cert import attribute_certificates
from cygnet.cert.attribute_certificates import AttributeCertificate
from cygnet.cert.certificates import Certificate, load_certificates
from cygnet.cert.hash_url import HashAndUrl, announce
from cygnet.cert.ocsp import Answer, OcspResponse
from cygnet.cert.revocation import Methods
from cygnet.cert.trust import MAX_DEPTH, Rules, Verdict, build_chain
from cygnet.crypto.signatures import PrivateKey
from cygnet.eap.ports import UserSecret
from cygnet.keying.backends import authority_sections
from cygnet.keying.backends.documents import Document, documents
from cygnet.keying.backends.environment import Environment
from cygnet.keying.backends.errors import ConfigError
from cygnet.keying.backends.files import read_octets
from cygnet.keying.backends.raw_keys import RawKeys
from cygnet.keying.backends.reports import Report
from cygnet.keying.backends.revocation_sources import NetworkSources
from cygnet.keying.backends.revocation_store import RevocationStore
from cygnet.keying.backends.stroke_files import (
    Places,
    Secrets,
    authorities_among,
    read_attributes,
    read_authorities,
    read_authority,
    read_crls,
    read_folder,
    read_secrets,
    read_signers,
)
from cygnet.keying.backends.stroke_keys import Ask, KeyReader
from cygnet.keying.backends.trusted import MAX_LOADED, TrustedCertificates
from cygnet.keying.backends.users import Users
from cygnet.keying.config.authorities import AuthoritySection
from cygnet.keying.config.records import AuthConfig
from cygnet.keying.config.settings import DaemonSettings
from cygnet.keying.sa.credentials import Authority, Lookup, OwnKey, User
from cygnet.runtime.fetching.request import Deadline, Request
from cygnet.runtime.tokens.references import TokenReference, is_reference

MAX_FETCHED_CERTIFICATE = 65535
PATIENCE = 2
"""How many times the timeout of one server a whole verification may take."""


class StrokeCredentials:
    """Implements ``sa.ports.Credentials``, and what the list, reread and purge commands ask."""

    name = "stroke"

    def __init__(self, places: Places, settings: DaemonSettings, environment: Environment) -> None:
        self._places, self._settings, self._environment = places, settings, environment
        self._date, self._log = environment.date, environment.log
        self._reading = threading.Lock()
        self._secrets = Secrets()
        self._known = TrustedCertificates()
        self._paths: dict[Certificate, tuple[Certificate, ...]] = {}
        self._caching = settings.cache_crls
        self.users = Users()
        self.raw_keys = RawKeys(places.certs, environment.log)
        self._revocations = RevocationStore(places.crls, lambda: self._caching, environment.log)

    # Loading

    def reread(self, kinds: frozenset[str], ask: Ask | None = None) -> tuple[Sequence[str], bool]:
        """Read these kinds of files again, one reader at a time.

        The answer is what was wrong, and whether everything could be used. Nobody waits for the reading,
        in which ``ask`` may wait for an operator's passphrase or PIN.
        """
        report = Report(self._log)
        with self._reading:
            for kind, read in self._readers(report).items():
                if kind in kinds:
                    read()
            self._paths = {}
            if "secrets" in kinds:
                self._read_secrets(report, ask)
        return report.problems, report.complete

    def load_certificate(self, path: str) -> tuple[Certificate, ...]:
        """The certificates of ``leftcert``, trusted from now on; raises :class:`ConfigError`."""
        place = path if is_reference(path) else str(self._places.certs / path)
        try:
            found = load_certificates(self._octets(path, place))
        except LocalError as error:
            raise ConfigError(f"loading certificate from '{place}' failed: {error}") from None
        self._known.load(path, found[0])
        return found

    def add_authority(self, section: AuthoritySection, path: str) -> Sequence[str]:
        """Load or replace a ``ca`` section, with the CA from ``path``; the answer is what was wrong.

        Raises :class:`ConfigError`.
        """
        report = Report(self._log)
        certificate = self._authority(path, report) if path else None
        self._known.set_section(replace(section, certificate=certificate))
        self._paths = {}
        return report.problems

    def remove_authority(self, name: str) -> bool:
        """Forget a ``ca`` section; whether it was there."""
        self._paths = {}
        return self._known.remove_section(name)

    def cache_crls(self, caching: bool) -> None:
        """``cachecrls``: whether fetched CRLs are written to ``ipsec.d/crls``."""
        self._caching = caching or self._settings.cache_crls

    # What the core asks

    def shared_secrets(self, local: Identity, remote: Identity | None) -> tuple[Secret, ...]:
        """The pre-shared keys between two identities, best match first, each value once."""
        return self._secrets.shared.secrets(local, remote)

    def user(self, connection: str) -> User | None:
        """The user name and password that were set by hand for a connection."""
        return self.users.of(connection)

    def eap_secret(self, user: Identity, server: Identity | None) -> UserSecret | None:
        """The password or NT hash of a user at a server."""
        return self._secrets.users.find(user, server)

    def ppk(self, identifier: bytes) -> Secret | None:
        """The post-quantum pre-shared key of that name."""
        return self._secrets.ppks.find(identifier)

    def has_ppk(self) -> bool:
        """Whether ``ipsec.secrets`` has any."""
        return bool(self._secrets.ppks)

    def own_key(
        self, auth: AuthConfig, identity: Identity | None, authorities: frozenset[bytes]
    ) -> OwnKey | None:
        """Our key for one round: of a configured certificate or a raw one, else of one with ``identity``."""
        private = self._secrets.private
        raw = [OwnKey(private[spki]) for spki in auth.public_keys if spki in private]
        if auth.public_keys and not auth.certificates:
            return raw[0] if raw else None
        found = [
            OwnKey(key, certificate, self._issuers(certificate))
            for certificate in self._own_certificates(auth, identity)
            if (key := self._private_key(certificate)) is not None
        ]
        found.sort(key=lambda own: not self._asked_for(own, authorities))
        return next(iter((*found, *raw)), None)

    def authorities(self) -> tuple[Authority, ...]:
        """The trusted CAs, for CERTREQ."""
        return tuple(Authority(one.subject, one.key_id) for one in self._known.all_authorities())

    def certificates_of(self, identity: Identity) -> tuple[Certificate, ...]:
        """The certificates of ``rightcert`` that carry ``identity``."""
        return tuple(one for one in self._known.end_entities() if one.matches(identity))

    def verify(
        self,
        leaf: Certificate,
        intermediates: tuple[Certificate, ...],
        responses: Sequence[OcspResponse] = (),
        attributes: Sequence[AttributeCertificate] = (),
    ) -> Verdict:
        """The chain from ``leaf`` to a trusted CA now; a certificate of ``rightcert`` is trusted as it is.

        ``responses`` and ``attributes`` are what the peer sent besides (RFC 4806; RFC 7296, 3.6). Each server
        has ``charon.plugins.revocation.timeout`` to answer, all together twice that.
        """
        settings, known = self._settings, self._known
        pinned = () if settings.reject_trusted_end_entity else known.end_entities()
        anchors = (*known.all_authorities(), *(one for one in pinned if one == leaf))
        rules = Rules(
            limit=settings.certificate_chain_limit,
            strict_addresses=settings.addrblock_strict,
            sources=self._sources(responses),
            methods=Methods(settings.revocation_ocsp, settings.revocation_crl),
        )
        verdict = build_chain(leaf, intermediates, anchors, self._date(), rules)
        if not verdict.ok:
            return verdict
        if settings.cert_cache:
            known.seen.add(one for one in verdict.chain if one not in anchors)
        return replace(verdict, groups=self._groups_of(leaf, attributes))

    def _groups_of(self, holder: Certificate, received: Sequence[AttributeCertificate]) -> tuple[str, ...]:
        """The groups to which attribute certificates say that the holder belongs."""
        known = self._known
        authorities = (*known.attribute_authorities, *known.all_authorities())
        found = (*known.attributes, *received)
        return attribute_certificates.groups_of(holder, found, authorities, self._date())

    def ocsp_answer(self, certificate: Certificate) -> OcspResponse | None:
        """A good OCSP response about a certificate of ours, to be sent along (RFC 4806, 3.2)."""
        issuer = self._issuer(certificate)
        if issuer is None:
            return None
        sources = self._sources(())
        rules = Rules(limit=MAX_DEPTH, sources=sources, methods=Methods(ocsp=True, crl=False))
        build_chain(certificate, (), (issuer,), self._date(), rules)
        for response in self._revocations.responses_for(issuer):
            single = response.single(certificate, issuer)
            if single and single.answer is Answer.GOOD and single.usable_until >= self._date():
                return response
        return None

    def ocsp_signers(self) -> tuple[bytes, ...]:
        """The key ids of the responders we trust, for CERTREQ with OCSP content (RFC 4806, 3.1)."""
        return tuple(dict.fromkeys(one.key_id for one in self._known.ocsp_signers))

    def hash_and_url(self, certificate: Certificate) -> HashAndUrl | None:
        """Where a peer finds a certificate of ours, if ``certuribase`` says so."""
        issuer = self._issuer(certificate)
        base = authority_sections.certificate_base(self._known.sections.values(), issuer) if issuer else ""
        return announce(certificate, base) if base else None

    def lookup(self) -> Lookup:
        """Fetches what one peer announces, all of it within ``charon.plugins.revocation.timeout``."""
        deadline = Deadline.after(self._settings.revocation_timeout_s)

        def fetch(place: HashAndUrl) -> tuple[Certificate, ...]:
            request = Request(place.url, max_octets=MAX_FETCHED_CERTIFICATE)
            return place.open(self._environment.fetcher.fetch(request, deadline))

        return fetch

    def attributes_of(self, certificate: Certificate) -> tuple[AttributeCertificate, ...]:
        """The attribute certificates for the holder of a certificate of ours that are valid now.

        Whether their authority is trusted is for the peer to find out.
        """
        now = self._date()
        return tuple(
            one
            for one in self._known.attributes
            if one.is_for(certificate) and one.fields.not_before <= now <= one.fields.not_after
        )

    # What commands ask

    def listed(self, kind: str) -> Sequence[tuple[Certificate, bool]]:
        """``certs``, ``cacerts``, ``aacerts`` or ``ocspcerts``, each with whether we have its private key."""
        return [(one, self._private_key(one) is not None) for one in self._known.of_kind(kind)]

    def private_keys(self) -> Sequence[PrivateKey]:
        """Our own, in the order of ``ipsec.secrets``."""
        return tuple(self._secrets.private.values())

    def documents(self, kind: str) -> Sequence[Document]:
        """``pubkeys``, ``acerts``, ``groups``, ``crls`` or ``ocsp``."""
        if kind == "pubkeys":
            return self.raw_keys.documents(self._secrets.private)
        attributes, store = self._known.attributes, self._revocations
        return documents(kind, attributes, store.crls(), store.responses())

    def sections(self) -> Sequence[AuthoritySection]:
        """The ``ca`` sections, in the order loaded."""
        return tuple(self._known.sections.values())

    def find(self, identity: Identity) -> Sequence[Certificate]:
        """Every certificate, of whatever kind, that speaks for ``identity``."""
        return self._known.find(identity)

    def purge(self, kinds: frozenset[str]) -> None:
        """Forget what was received or fetched: ``certs``, ``crls``, ``ocsp``."""
        if "certs" in kinds:
            self._known.seen.clear()
        if "crls" in kinds:
            self._revocations.purge_crls()
        if "ocsp" in kinds:
            self._revocations.purge_responses()
        self._environment.fetcher.forget_failures()

    # Helpers

    def _readers(self, report: Report) -> dict[str, Callable[[], None]]:
        """How each kind is read, in the order in which strongSwan reads them."""
        known, places = self._known, self._places

        def set_known(name: str, found: object) -> None:
            setattr(known, name, found)

        return {
            "cacerts": lambda: set_known("authorities", read_authorities(places.cacerts, report)),
            "aacerts": lambda: set_known("attribute_authorities", read_signers(places.aacerts, "aa", report)),
            "ocspcerts": lambda: set_known(
                "ocsp_signers", read_signers(places.ocspcerts, "ocsp signer", report)
            ),
            "acerts": lambda: set_known("attributes", read_attributes(places.acerts, report)),
            "crls": lambda: self._revocations.replace_files(read_crls(places.crls, report)),
            "certs": lambda: set_known("folder", read_folder(places.certs, report)),
        }

    def _read_secrets(self, report: Report, ask: Ask | None) -> None:
        environment = self._environment
        keys = KeyReader(self._places.private, environment.tokens, report, ask, self._secrets.asked)
        found = read_secrets(self._places, environment.reader, keys)
        if found is not None:
            self._secrets = found
            self._known.contained = found.certificates

    def _octets(self, path: str, place: str) -> bytes:
        if is_reference(path):
            return self._environment.tokens.certificate(TokenReference.parse(path))
        return read_octets(self._places.certs / path)

    def _authority(self, path: str, report: Report) -> Certificate:
        if is_reference(path):
            try:
                found = authorities_among(load_certificates(self._octets(path, path)), path, report)
            except LocalError as error:
                raise ConfigError(f"loading ca certificate '{path}' failed: {error}") from None
        else:
            found = read_authority(self._places.cacerts / path, report)
        if not found:
            raise ConfigError("; ".join(report.problems) or f"'{path}' holds no CA certificate")
        return found[0]

    def _sources(self, responses: Sequence[OcspResponse]) -> NetworkSources:
        known, environment = self._known, self._environment
        return NetworkSources(
            store=self._revocations,
            fetcher=environment.fetcher,
            deadline=Deadline.after(PATIENCE * self._settings.revocation_timeout_s),
            timeout_s=self._settings.revocation_timeout_s,
            log=self._log,
            sections=tuple(known.sections.values()),
            trusted_responders=known.ocsp_signers,
            signers=known.all_authorities(),
            nonce_octets=self._settings.ocsp_nonce_octets,
            received=responses,
        )

    def _asked_for(self, own: OwnKey, authorities: frozenset[bytes]) -> bool:
        path = self._path(own.certificate) if own.certificate else ()
        return not authorities or any(one.key_id in authorities for one in path)

    def _private_key(self, certificate: Certificate) -> PrivateKey | None:
        return self._secrets.private.get(certificate.public_key.spki)

    def _own_certificates(self, auth: AuthConfig, identity: Identity | None) -> Iterable[Certificate]:
        if auth.certificates:
            return [_parsed(der) for der in auth.certificates]
        if identity is None:
            return []
        known = dict.fromkeys((*self._known.end_entities(), *self._known.folder))
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
        for one in self._known.all_authorities():
            if one.subject == certificate.issuer and certificate.is_signed_by(one.public_key):
                return one
        return None


@lru_cache(maxsize=4096)
def _parsed(der: bytes) -> Certificate:
    return Certificate.parse(der)
