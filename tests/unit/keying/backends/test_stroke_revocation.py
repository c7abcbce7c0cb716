"""The stroke store with CRLs, OCSP, ca sections, attribute certificates, containers and tokens."""

from dataclasses import dataclass, field, replace
from datetime import timedelta
from hashlib import sha1
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.serialization import pkcs12
from simulation.pki import NOW, AnswerWish, ListWish, Party, Wish, answer_of, issue, leaf_of, list_of

from cygnet.base.identities import Identity
from cygnet.cert import attribute_certificates, der
from cygnet.cert.attribute_certificates import AttributeCertificate, Fields, holder_of
from cygnet.cert.crl import Crl
from cygnet.cert.errors import MalformedCertificateError
from cygnet.cert.hash_url import HashAndUrl
from cygnet.cert.ocsp import OcspResponse
from cygnet.cert.revocation import FetchError, Status
from cygnet.crypto.signatures import PrivateKey, schemes_for
from cygnet.keying.backends.environment import Environment
from cygnet.keying.backends.errors import ConfigError
from cygnet.keying.backends.stroke import KINDS
from cygnet.keying.backends.stroke_credentials import StrokeCredentials
from cygnet.keying.backends.stroke_files import Places
from cygnet.keying.config.authorities import AuthoritySection
from cygnet.keying.config.records import AuthConfig
from cygnet.keying.config.settings import DaemonSettings
from cygnet.runtime.files import FileReader
from cygnet.runtime.tokens.references import TokenError

CRL_URI, OCSP_URI = "http://crl.lab/", "http://ocsp.lab/"
SKI = tuple[tuple[x509.ExtensionType, bool], ...]


class FakeFetcher:
    """Serves what a test says, and notes what was asked."""

    def __init__(self) -> None:
        self.served: dict[str, bytes] = {}
        self.asked: list[str] = []
        self.deadlines: list[object] = []

    def fetch(self, request, deadline=None):
        self.deadlines.append(deadline)
        self.asked.append(request.uri)
        if request.uri not in self.served:
            raise FetchError("connection refused")
        return self.served[request.uri]

    def forget_failures(self) -> None:
        self.asked.append("forget")


@dataclass
class Store:
    """A store over a folder, with its certificates."""

    folder: Path
    settings: DaemonSettings = field(default_factory=DaemonSettings)
    fetcher: FakeFetcher = field(default_factory=FakeFetcher)
    log: list[str] = field(default_factory=list)
    ca: Party = field(default_factory=lambda: issue("CA"))

    def __post_init__(self) -> None:
        for name in ("cacerts", "certs", "private", "crls", "aacerts", "acerts", "ocspcerts"):
            (self.folder / "ipsec.d" / name).mkdir(parents=True, exist_ok=True)
        self.write("cacerts/ca.crt", self.ca.certificate.der)
        self.secrets("")

    def write(self, name: str, octets: bytes) -> None:
        path = self.folder / "ipsec.d" / name
        path.write_bytes(octets)
        path.chmod(0o600)

    def secrets(self, text: str) -> None:
        path = self.folder / "ipsec.secrets"
        path.write_text(text)
        path.chmod(0o600)

    def open(self, **changes: object) -> StrokeCredentials:
        def log(group: object, level: int, line: str) -> None:
            self.log.append(line)

        environment = Environment(FileReader(), NOW.timestamp, log, self.fetcher)
        environment = replace(environment, **changes)
        store = StrokeCredentials(Places.below(self.folder), self.settings, environment)
        self.problems, _ = store.reread(KINDS)
        return store


@pytest.fixture
def at(tmp_path: Path) -> Store:
    return Store(tmp_path)


def section(**values: object) -> tuple[AuthoritySection, str]:
    """What a ``ca`` section says, and its ``cacert``."""
    return AuthoritySection("lab", **values), "ca.crt"


# CRLs


def test_crl_of_the_folder_revokes(at: Store) -> None:
    peer = leaf_of(at.ca)
    at.write("crls/ca.crl", list_of(at.ca, ListWish(revoked=((peer, None),))).der)
    verdict = at.open().verify(peer.certificate, ())
    assert not verdict.ok
    assert 'certificate "CN=leaf" was revoked on 2026-11-22' in verdict.reason
    assert "  loaded crl from" in "\n".join(at.log)


def test_crl_uri_of_a_ca_section_is_fetched_once(at: Store) -> None:
    at.fetcher.served[CRL_URI] = list_of(at.ca).der
    store = at.open()
    store.add_authority(*section(crl_uris=(CRL_URI,)))
    for _ in range(2):
        verdict = store.verify(leaf_of(at.ca).certificate, ())
        assert verdict.ok
        assert verdict.revocation is not None
        assert verdict.revocation.status is Status.GOOD
    assert at.fetcher.asked == [CRL_URI]


def test_dead_server_leaves_the_peer_trusted_with_an_open_status(at: Store) -> None:
    store = at.open()
    store.add_authority(*section(crl_uris=(CRL_URI,), ocsp_uris=(OCSP_URI,)))
    verdict = store.verify(leaf_of(at.ca).certificate, ())
    assert verdict.ok
    assert verdict.revocation is not None
    assert verdict.revocation.status is Status.FAILED
    assert verdict.revocation.uri_known
    assert f"  crl fetching from '{CRL_URI}' failed: connection refused" in at.log


@pytest.mark.parametrize("caching", [True, False])
def test_fetched_crl_is_written_where_cachecrls_says_so(at: Store, caching: bool) -> None:
    key_id = x509.AuthorityKeyIdentifier(b"\x01\xab", None, None)
    at.fetcher.served[CRL_URI] = list_of(at.ca, ListWish(extensions=((key_id, False),))).der
    store = at.open()
    store.cache_crls(caching)
    store.add_authority(*section(crl_uris=(CRL_URI,)))
    store.verify(leaf_of(at.ca).certificate, ())
    found = {path.name for path in (at.folder / "ipsec.d/crls").iterdir()}
    # another key id than the CA's: refused, so nothing is written
    assert found == set()
    good = x509.AuthorityKeyIdentifier(at.ca.certificate.subject_key_id, None, None)
    at.fetcher.served[CRL_URI] = list_of(at.ca, ListWish(extensions=((good, False),))).der
    store.verify(leaf_of(at.ca).certificate, ())
    found = {path.name for path in (at.folder / "ipsec.d/crls").iterdir()}
    assert found == ({f"{at.ca.certificate.subject_key_id.hex()}.crl"} if caching else set())
    if caching:
        octets = (at.folder / "ipsec.d/crls" / found.pop()).read_bytes()
        assert octets == at.fetcher.served[CRL_URI]


def test_strongswan_conf_caches_too(at: Store) -> None:
    good = x509.AuthorityKeyIdentifier(at.ca.certificate.subject_key_id, None, None)
    at.fetcher.served[CRL_URI] = list_of(at.ca, ListWish(extensions=((good, False),))).der
    at.settings = DaemonSettings(cache_crls=True)
    store = at.open()
    store.add_authority(*section(crl_uris=(CRL_URI,)))
    store.verify(leaf_of(at.ca).certificate, ())
    assert len(list((at.folder / "ipsec.d/crls").iterdir())) == 1


def test_purged_crls_are_fetched_again(at: Store) -> None:
    at.fetcher.served[CRL_URI] = list_of(at.ca).der
    store = at.open()
    store.add_authority(*section(crl_uris=(CRL_URI,)))
    store.verify(leaf_of(at.ca).certificate, ())
    store.purge(frozenset({"crls"}))
    store.verify(leaf_of(at.ca).certificate, ())
    assert at.fetcher.asked == [CRL_URI, "forget", CRL_URI]


def test_methods_are_switched_off_by_strongswan_conf(at: Store) -> None:
    at.settings = DaemonSettings(revocation_crl=False, revocation_ocsp=False)
    store = at.open()
    store.add_authority(*section(crl_uris=(CRL_URI,), ocsp_uris=(OCSP_URI,)))
    assert store.verify(leaf_of(at.ca).certificate, ()).ok
    assert at.fetcher.asked == []


def test_revoked_intermediate_in_the_folder_is_refused(at: Store) -> None:
    middle = issue("middle", at.ca)
    at.write("cacerts/middle.crt", middle.certificate.der)
    at.write("crls/ca.crl", list_of(at.ca, ListWish(revoked=((middle, None),))).der)
    verdict = at.open().verify(leaf_of(middle).certificate, ())
    assert not verdict.ok
    assert 'certificate "CN=middle" was revoked' in verdict.reason


def test_damaged_files_are_named_and_passed_over(at: Store) -> None:
    at.write("crls/bad.crl", b"nothing")
    at.write("acerts/bad.pem", b"nothing")
    at.write("aacerts/bad.pem", b"nothing")
    at.open()
    text = "\n".join(at.problems)
    assert "loading crl from" in text
    assert "loading attribute certificate from" in text
    assert "loading certificate from" in text


# OCSP


def test_responder_of_a_ca_section_is_asked_and_remembered(at: Store) -> None:
    peer = leaf_of(at.ca)
    at.fetcher.served[OCSP_URI] = answer_of(peer, at.ca)
    store = at.open()
    store.add_authority(*section(ocsp_uris=(OCSP_URI,)))
    for _ in range(2):
        verdict = store.verify(peer.certificate, ())
        assert verdict.revocation is not None
        assert verdict.revocation.status is Status.GOOD
    assert at.fetcher.asked == [OCSP_URI]
    store.purge(frozenset({"ocsp"}))
    store.verify(peer.certificate, ())
    assert at.fetcher.asked == [OCSP_URI, "forget", OCSP_URI]


def test_trusted_responder_of_the_folder_may_sign(at: Store) -> None:
    peer, signer = leaf_of(at.ca), issue("responder")
    at.write("ocspcerts/signer.crt", signer.certificate.der)
    at.fetcher.served[OCSP_URI] = answer_of(peer, at.ca, AnswerWish(signer=signer))
    store = at.open()
    store.add_authority(*section(ocsp_uris=(OCSP_URI,)))
    verdict = store.verify(peer.certificate, ())
    assert verdict.revocation is not None
    assert verdict.revocation.status is Status.GOOD
    assert store.ocsp_signers() == (signer.certificate.key_id,)


def test_response_sent_by_the_peer_makes_asking_superfluous(at: Store) -> None:
    peer = leaf_of(at.ca)
    store = at.open()
    store.add_authority(*section(ocsp_uris=(OCSP_URI,)))
    response = OcspResponse.parse(answer_of(peer, at.ca))
    verdict = store.verify(peer.certificate, (), (response,))
    assert verdict.revocation is not None
    assert verdict.revocation.status is Status.GOOD
    assert at.fetcher.asked == []


def test_own_certificate_gets_a_response_to_send_along(at: Store) -> None:
    own = leaf_of(at.ca)
    at.fetcher.served[OCSP_URI] = answer_of(own, at.ca)
    store = at.open()
    assert store.ocsp_answer(own.certificate) is None
    store.add_authority(*section(ocsp_uris=(OCSP_URI,)))
    assert store.ocsp_answer(own.certificate) == OcspResponse.parse(at.fetcher.served[OCSP_URI])


# Hash and URL


def test_own_certificate_is_announced_below_certuribase(at: Store) -> None:
    own = leaf_of(at.ca).certificate
    store = at.open()
    assert store.hash_and_url(own) is None
    store.add_authority(*section(cert_uri_base="http://certs.lab/"))
    place = store.hash_and_url(own)
    assert place is not None
    assert place.url == "http://certs.lab/" + sha1(own.der, usedforsecurity=False).hexdigest()
    at.fetcher.served[place.url] = own.der
    assert store.lookup()(place) == (own,)
    at.fetcher.served[place.url] = leaf_of(at.ca).certificate.der
    with pytest.raises(MalformedCertificateError, match="announced was"):
        store.lookup()(place)


def test_bundle_is_fetched_with_all_that_is_in_it(at: Store) -> None:
    own, other = leaf_of(at.ca).certificate, at.ca.certificate
    bundle = der.sequence(*(der.encode(0xA0, one.der) for one in (own, other)))
    place = HashAndUrl(sha1(bundle, usedforsecurity=False).digest(), "http://certs.lab/all", bundle=True)
    at.fetcher.served[place.url] = bundle
    assert at.open().lookup()(place) == (own, other)


def test_all_that_a_peer_announces_has_its_time_together(at: Store) -> None:
    lookup, place = at.open().lookup(), HashAndUrl(bytes(20), "http://certs.lab/gone")
    for _ in range(3):
        with pytest.raises(FetchError):
            lookup(place)
    assert len(at.fetcher.deadlines) == 3
    assert all(one is at.fetcher.deadlines[0] for one in at.fetcher.deadlines)


# Attribute certificates


def acert(holder: Party, authority: Party, *groups: str, hours: int = 24) -> bytes:
    issuer, serial, name = holder_of(holder.certificate)
    key = PrivateKey(authority.key)
    scheme = next(one for one in schemes_for(key.kind, key.bits, frozenset({5})) if one.identifier)
    begin = (NOW - timedelta(hours=1)).timestamp()
    fields = Fields(
        issuer, serial, name, authority.certificate.subject, 7, begin, begin + hours * 3600, groups
    )
    return attribute_certificates.build(fields, key, scheme).der


def test_groups_are_those_of_good_attribute_certificates(at: Store) -> None:
    peer, other, authority = leaf_of(at.ca), issue("other", at.ca, Wish(ca=False)), issue("AA")
    at.write("aacerts/aa.crt", authority.certificate.der)
    at.write("acerts/1.pem", acert(peer, authority, "sales", "1.3.6.1"))
    at.write("acerts/2.pem", acert(other, authority, "of another"))
    at.write("acerts/3.pem", acert(peer, issue("AA"), "forged"))
    at.write("acerts/4.pem", acert(peer, authority, "expired", hours=0))
    store = at.open()
    assert set(store.verify(peer.certificate, ()).groups) == {"sales", "1.3.6.1"}
    assert [str(one.subject) for one, _ in store.listed("aacerts")] == ["CN=AA"]
    sent = AttributeCertificate.parse(acert(peer, authority, "sent along"))
    assert "sent along" in store.verify(peer.certificate, (), (), (sent,)).groups
    assert [one.fields.groups for one in store.attributes_of(peer.certificate)] == [
        ("sales", "1.3.6.1"), ("forged",),
    ]  # fmt: skip
    assert len(store.documents("acerts")) == 4
    assert ["sales"] in [list(one.lines(0, False)) for one in store.documents("groups")]


# What commands list


def test_everything_loaded_and_learned_is_listed(at: Store) -> None:
    peer = leaf_of(at.ca)
    at.write("crls/ca.crl", list_of(at.ca, ListWish(revoked=((issue("x"), None),))).der)
    at.fetcher.served[OCSP_URI] = answer_of(peer, at.ca)
    store = at.open()
    store.add_authority(*section(ocsp_uris=(OCSP_URI,), crl_uris=(CRL_URI,), cert_uri_base="http://c/"))
    store.verify(peer.certificate, ())
    (crl,) = store.documents("crls")
    assert crl.lines(NOW.timestamp(), True)[0] == 'issuer:   "CN=CA"'
    assert "1 revoked certificate:" in crl.lines(NOW.timestamp(), True)
    (response,) = store.documents("ocsp")
    assert any(line.endswith(": good") for line in response.lines(NOW.timestamp(), True))
    assert store.documents("pubkeys") == []
    (known,) = store.sections()
    assert (known.crl_uris, known.ocsp_uris, known.cert_uri_base) == ((CRL_URI,), (OCSP_URI,), "http://c/")
    assert peer.certificate in [one for one, _ in store.listed("certs")]
    assert store.find(Identity.parse("CN=leaf")) == (peer.certificate,)
    store.purge(frozenset({"certs"}))
    assert store.listed("certs") == []


def test_removed_section_names_nothing_any_more(at: Store) -> None:
    store = at.open()
    store.add_authority(*section(crl_uris=(CRL_URI,)))
    assert store.remove_authority("lab")
    store.verify(leaf_of(at.ca).certificate, ())
    assert at.fetcher.asked == []
    assert store.sections() == ()


# Keys


def container(party: Party, passphrase: bytes, *others: Party) -> bytes:
    encryption = serialization.BestAvailableEncryption(passphrase)
    certificates = [one.native for one in others]
    return pkcs12.serialize_key_and_certificates(b"x", party.key, party.native, certificates, encryption)


def test_container_brings_key_certificate_and_ca(at: Store) -> None:
    other = issue("other CA")
    own = issue("own", other, Wish(ca=False))
    at.write("private/own.p12", container(own, b"sesame", other))
    at.secrets(': P12 own.p12 "sesame"\n')
    store = at.open()
    assert at.problems == []
    found = store.own_key(AuthConfig(), Identity.parse("CN=own"), frozenset())
    assert found is not None
    assert found.certificate == own.certificate
    assert other.certificate in [one for one, _ in store.listed("cacerts")]
    assert store.verify(leaf_of(other).certificate, ()).ok


def test_container_that_does_not_open_is_named(at: Store) -> None:
    at.write("private/own.p12", container(issue("own"), b"sesame"))
    at.secrets(': P12 own.p12 "wrong"\n')
    at.open()
    assert "loading PKCS#12 container from" in at.problems[0]
    assert "the passphrase does not open it" in at.problems[0]
    assert "wrong" not in "".join(at.log)


def encrypted(party: Party, form: serialization.PrivateFormat) -> bytes:
    encryption = serialization.BestAvailableEncryption(b"sesame")
    return party.key.private_bytes(serialization.Encoding.PEM, form, encryption)


def test_operator_is_asked_for_a_passphrase_until_it_fits(at: Store) -> None:
    own = issue("own")
    at.write("private/own.key", encrypted(own, serialization.PrivateFormat.PKCS8))
    at.write("certs/own.crt", own.certificate.der)
    at.secrets(": PKCS8 own.key %prompt\n")
    store = at.open()
    assert "run `ipsec rereadsecrets`" in at.problems[0]
    asked: list[str] = []
    answers = ["wrong", "sesame"]

    def ask(question: str) -> str:
        asked.append(question)
        return answers[len(asked) - 1]

    assert store.reread(frozenset({"secrets"}), ask) == ([], True)
    assert len(asked) == 2
    assert all(question.endswith("Passphrase:") for question in asked)
    assert store.listed("certs") == [(own.certificate, True)]
    assert store.reread(frozenset({"secrets"})) == ([], True)  # nobody to ask, but known from before
    assert store.listed("certs") == [(own.certificate, True)]


def test_operator_who_gives_up_leaves_the_key_out(at: Store) -> None:
    at.write("private/own.key", encrypted(issue("own"), serialization.PrivateFormat.PKCS8))
    at.secrets(": PKCS8 own.key %prompt\n")
    (problem,), complete = at.open().reread(frozenset({"secrets"}), lambda question: "")
    assert not complete
    assert "no passphrase that opens it was given" in problem


class FakeTokens:
    """One certificate and its key, behind a PIN."""

    def __init__(self, party: Party) -> None:
        self.party = party

    def certificate(self, reference):
        if reference.key_id != b"\x45":
            raise TokenError("no certificate with that id")
        return self.party.certificate.der

    def private_key(self, reference, pin):
        secret = pin("lab")
        if secret is None or secret.reveal() != b"1234":
            raise TokenError("login to token 'lab' failed")
        return self.party.key


def test_key_and_certificate_of_a_token_are_used(at: Store) -> None:
    own = leaf_of(at.ca)
    at.secrets(": PIN %smartcard:45 1234\n")
    store = at.open(tokens=FakeTokens(own))
    assert at.problems == []
    certificate = store.load_certificate("%smartcard:45")[0]
    found = store.own_key(AuthConfig(certificates=(certificate.der,)), None, frozenset())
    assert found is not None
    with pytest.raises(ConfigError, match="no certificate with that id"):
        store.load_certificate("%smartcard:46")
    with pytest.raises(ConfigError, match="is not written"):
        store.load_certificate("%smartcard")


def test_ca_certificate_of_a_token_is_trusted(at: Store) -> None:
    other = issue("card CA")
    store = at.open(tokens=FakeTokens(other))
    store.add_authority(AuthoritySection("card"), "%smartcard:45")
    assert store.verify(leaf_of(other).certificate, ()).ok


@pytest.mark.parametrize("secret", ["%prompt", "9999"])
def test_wrong_pin_is_named(at: Store, secret: str) -> None:
    at.secrets(f": PIN %smartcard:45 {secret}\n")
    store = at.open(tokens=FakeTokens(leaf_of(at.ca)))
    (problem,), _ = store.reread(frozenset({"secrets"}), lambda question: "4321")
    assert "loading PIN private key from '%smartcard:45' failed: login to token 'lab' failed" in problem


def test_pin_is_asked_for(at: Store) -> None:
    at.secrets(": PIN %smartcard:45 %prompt\n")
    store = at.open(tokens=FakeTokens(leaf_of(at.ca)))
    asked: list[str] = []
    answer = store.reread(frozenset({"secrets"}), lambda question: asked.append(question) or "1234")
    assert answer == ([], True)
    assert asked == ["Login to token 'lab' required. PIN:"]


def test_crl_is_compared_as_its_octets(at: Store) -> None:
    crl = list_of(at.ca)
    assert Crl.parse(crl.der) == crl
    assert Crl.parse(crl.native.public_bytes(serialization.Encoding.PEM)) == crl
