"""The list commands."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ed25519
from cryptography.x509.oid import NameOID

from cygnet.base.identities import Identity
from cygnet.cert.certificates import Certificate
from cygnet.charon.control.list import ListHandler
from cygnet.charon.control.list_algorithms import algorithm_lines
from cygnet.charon.control.ports import Figures, Plugin
from cygnet.crypto.tables import ENCRYPTION, INTEGRITY, KEY_EXCHANGES, PRFS
from cygnet.ctl.stroke import Done, List
from cygnet.keying.config.authorities import AuthoritySection
from cygnet.keying.config.documents import Document

NOW = datetime(2030, 1, 1, tzinfo=UTC)


def test_certificates_stand_under_their_caption_with_their_fields() -> None:
    lines = listed(List(("certs",), utc=True), [("a", "ca"), ("b", "ca")])
    assert lines[:5] == [
        "",
        "List of X.509 End Entity Certificates",
        "",
        '  subject:  "CN=a"',
        '  issuer:   "CN=ca"',
    ]
    assert lines[5] == "  validity:  not before Dec 22 00:00:00 UTC 2029, ok"
    assert lines[6] == "             not after  Apr 11 00:00:00 UTC 2030, ok (expires in 100 days)"
    assert "  pubkey:    ED25519 256 bits, has private key" in lines
    assert "  flags:     " in lines  # the line is there without any, as in charon


def test_certificates_of_one_issuer_stand_together_and_once() -> None:
    lines = listed(List(("certs",)), [("a", "one"), ("b", "two"), ("c", "one"), ("a", "one")])
    subjects = [line.split('"')[1] for line in lines if line.startswith("  subject")]
    assert sorted(subjects[:2]) in (["CN=a", "CN=c"], ["CN=a", "CN=a"])
    assert subjects[-1] == "CN=b"


def test_no_certificates_have_no_caption() -> None:
    assert listed(List(("certs",)), []) == []


def test_authorities_have_a_caption_of_their_own() -> None:
    assert listed(List(("cacerts",)), [("a", "a")])[1] == "List of X.509 CA Certificates"


def test_everything_is_listed_in_strongswans_order() -> None:
    lines = listed(List(("all",)), [("a", "a")], documents=[["issuer:   ..."]], sections=[SECTION])
    captions = [line for line in lines if line.startswith("List of")]
    assert captions == [
        "List of CA Information Sections:",
        "List of Raw Public Keys",
        "List of X.509 End Entity Certificates",
        "List of X.509 CA Certificates",
        "List of X.509 AA Certificates",
        "List of X.509 OCSP Signer Certificates",
        "List of X.509 Attribute Certificates",
        "List of Attribute Certificate Groups",
        "List of X.509 CRLs",
        "List of OCSP Responses",
        "List of registered IKE algorithms:",
        "List of loaded Plugins:",
    ]


@pytest.mark.parametrize("kind", ["pubkeys", "acerts", "groups", "crls", "ocsp", "cainfos", "aacerts"])
def test_kind_of_which_there_is_nothing_prints_nothing(kind: str) -> None:
    assert listed(List((kind,)), []) == []


def test_what_is_no_certificate_prints_itself_under_its_caption() -> None:
    lines = listed(List(("crls",)), [], documents=[["issuer:   A"], ["issuer:   B", "serial:    01"]])
    assert lines == [
        "", "List of X.509 CRLs", "", "  issuer:   A", "", "  issuer:   B", "  serial:    01",
    ]  # fmt: skip


def test_ca_section_shows_its_uris_one_a_line() -> None:
    lines = listed(List(("cainfos",)), [], sections=[SECTION])
    authority = SECTION.certificate
    assert lines == [
        "",
        "List of CA Information Sections:",
        "",
        '  authname:    "CN=ca"',
        f"  authkey:      {authority.subject_key_id.hex(':')}",
        f"  keyid:        {authority.key_id.hex(':')}",
        "  crluris:     'http://crl.lab/1'",
        "            'http://crl.lab/2'",
        "  ocspuris:    'http://ocsp.lab/'",
        "  certuribase: 'http://certs.lab/'",
    ]


def test_plugins_are_listed_with_their_features() -> None:
    lines = listed(List(("plugins",)), [])
    assert lines == ["", "List of loaded Plugins:", "", "openssl:", "    PRF:PRF_HMAC_SHA1"]


def test_list_that_there_is_not_exits_non_zero() -> None:
    reply = ListReply()
    assert ListHandler(Store([]), Parts(), NOW.timestamp)(List(("nonsense",)), reply).exit_code == 2
    assert "nonsense" in reply.lines[0]


def test_every_algorithm_is_listed_within_the_width() -> None:
    lines = list(algorithm_lines())
    text = "\n".join(lines)
    for rows in (ENCRYPTION, INTEGRITY, PRFS, KEY_EXCHANGES):
        assert all(f" {row.name}[openssl]" in text for row in rows)
    assert max(map(len, lines)) <= 120
    assert text.count(":") - 1 == sum(line[2:3].isalpha() and line.startswith("  ") for line in lines)
    assert all(line.startswith(" " * 13 + " ") or line[2:3].isalpha() for line in lines[3:])


def test_weak_algorithms_are_marked_as_off() -> None:
    assert "MODP_1024[openssl](off)" in "\n".join(algorithm_lines())


@dataclass
class Store:
    """Certificates of these subjects and issuers, the first with a private key; documents by their lines."""

    names: Sequence[tuple[str, str]]
    texts: Sequence[list[str]] = ()
    all_sections: Sequence[AuthoritySection] = ()

    def listed(self, kind: str) -> Sequence[tuple[Certificate, bool]]:
        return [(certificate(*names), not place) for place, names in enumerate(self.names)]

    def documents(self, kind: str) -> Sequence[Document]:
        return [Page(text) for text in self.texts]

    def sections(self) -> Sequence[AuthoritySection]:
        return self.all_sections

    def find(self, identity: Identity) -> Sequence[Certificate]:
        raise NotImplementedError


@dataclass
class Page:
    """A document of these lines."""

    text: list[str]

    def lines(self, now: float, utc: bool) -> Sequence[str]:
        return self.text


class Parts:
    """A daemon of one plugin."""

    def figures(self) -> Figures:
        raise NotImplementedError

    def plugins(self) -> Sequence[Plugin]:
        return [Plugin("openssl", ("PRF:PRF_HMAC_SHA1",))]


class ListReply:
    """A reply that remembers."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def text(self, line: str) -> None:
        self.lines.append(line)

    def texts(self, lines: Iterable[str]) -> None:
        self.lines.extend(lines)

    def ask(self, prompt: str) -> str:
        return ""

    def check(self) -> None:
        pass


KEY = ed25519.Ed25519PrivateKey.generate()


def certificate(subject: str, issuer: str) -> Certificate:
    built = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, subject)]))
        .issuer_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, issuer)]))
        .public_key(KEY.public_key())
        .serial_number(7)
        .not_valid_before(NOW - timedelta(days=10))
        .not_valid_after(NOW + timedelta(days=100))
        .sign(KEY, None)
    )
    return Certificate.parse(built.public_bytes(serialization.Encoding.DER))


URIS = ("http://crl.lab/1", "http://crl.lab/2"), ("http://ocsp.lab/",)
SECTION = AuthoritySection("lab", certificate("ca", "ca"), *URIS, "http://certs.lab/")


def listed(
    request: List,
    names: Sequence[tuple[str, str]],
    documents: Sequence[list[str]] = (),
    sections: Sequence[AuthoritySection] = (),
) -> list[str]:
    reply = ListReply()
    store = Store(names, documents, sections)
    assert ListHandler(store, Parts(), NOW.timestamp)(request, reply) == Done()
    return reply.lines
