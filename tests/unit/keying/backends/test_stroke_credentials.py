"""The credential store over real files: keys, certificates, CAs, secrets, rereading."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.x509.oid import NameOID

from cygnet.base.identities import Identity
from cygnet.cert.certificates import Certificate
from cygnet.charon.backends.manager import BackendManager
from cygnet.crypto.signatures import PrivateKey, PublicKey
from cygnet.keying.backends.environment import Environment
from cygnet.keying.backends.errors import ConfigError
from cygnet.keying.backends.stroke import KINDS
from cygnet.keying.backends.stroke_credentials import StrokeCredentials
from cygnet.keying.backends.stroke_files import Places
from cygnet.keying.config.authorities import AuthoritySection
from cygnet.keying.config.records import AuthConfig
from cygnet.keying.config.settings import DaemonSettings
from cygnet.runtime.files import FileReader

NOW = datetime(2030, 1, 1, tzinfo=UTC)
ALL = KINDS
HASH = hashes.SHA256()
Key = ed25519.Ed25519PrivateKey | ec.EllipticCurvePrivateKey


def test_certificate_of_a_connection_finds_its_key(lab: "Lab") -> None:
    store = lab.store()
    certificate = store.load_certificate("a.pem")[0]
    own = store.own_key(AuthConfig(certificates=(certificate.der,)), None, frozenset())
    assert own is not None
    assert own.certificate == certificate
    assert own.key.public_der == certificate.public_key.spki
    assert [str(one.subject) for one in own.intermediates] == ["CN=Sub"]


def test_own_certificate_is_found_by_its_identity(lab: "Lab") -> None:
    own = lab.store().own_key(AuthConfig(), Identity.parse("@a.lab"), frozenset())
    assert own is not None
    assert own.certificate is not None
    assert str(own.certificate.subject) == "CN=a"


def test_identity_without_certificate_or_key_has_none(lab: "Lab") -> None:
    store = lab.store()
    assert store.own_key(AuthConfig(), Identity.parse("@b.lab"), frozenset()) is None
    assert store.own_key(AuthConfig(), None, frozenset()) is None
    assert store.own_key(AuthConfig(certificates=(lab.b,)), None, frozenset()) is None


def test_peer_that_asks_for_a_ca_gets_the_certificate_below_it(lab: "Lab") -> None:
    lab.write("certs/self.pem", pem(issue("CN=a", lab.key, None, lab.key, names=["a.lab"])))
    store = lab.store()
    wanted = AuthConfig(certificates=(lab.self_signed, lab.a))
    by_root = store.own_key(wanted, None, frozenset({Certificate.parse(lab.root).key_id}))
    by_nobody = store.own_key(wanted, None, frozenset())
    assert by_root is not None
    assert by_nobody is not None
    assert by_root.certificate == Certificate.parse(lab.a)
    assert by_nobody.certificate == Certificate.parse(lab.self_signed)


def test_raw_key_of_ours_needs_no_certificate(lab: "Lab") -> None:
    store = lab.store()
    public = PrivateKey.load(private_pem(lab.key)).public_key
    moon = Identity.parse("moon.lab")
    key = store.raw_keys.load(f"0x{public.spki.hex()}", moon)
    own = store.own_key(AuthConfig(public_keys=(key.spki,)), moon, frozenset())
    assert own is not None
    assert (own.key.public_key, own.certificate) == (public, None)
    (document,) = store.documents("pubkeys")
    assert any(line.endswith(", has private key") for line in document.lines(0, True))
    stranger = ed25519.Ed25519PrivateKey.generate().public_key()
    spki = PublicKey.from_native(stranger).spki
    assert store.own_key(AuthConfig(public_keys=(spki,)), moon, frozenset()) is None
    both = AuthConfig(certificates=(lab.b,), public_keys=(key.spki,))
    found = store.own_key(both, moon, frozenset())
    assert found is not None and (found.key.public_key, found.certificate) == (public, None)


def test_chain_to_a_ca_of_the_folder_is_trusted(lab: "Lab") -> None:
    assert lab.store().verify(Certificate.parse(lab.b), ()).ok


def test_chain_to_nobody_is_not_trusted_and_says_why(lab: "Lab") -> None:
    verdict = lab.store().verify(Certificate.parse(lab.self_signed), ())
    assert not verdict.ok
    assert "CN=a" in verdict.reason


def test_date_comes_from_outside(lab: "Lab") -> None:
    store = lab.store(date=(NOW + timedelta(days=5000)).timestamp)
    assert not store.verify(Certificate.parse(lab.b), ()).ok


def test_certificate_of_the_peers_end_is_trusted_as_it_is(lab: "Lab") -> None:
    lab.write("certs/self.pem", pem_of(lab.self_signed))
    store = lab.store()
    leaf = store.load_certificate("self.pem")[0]
    assert store.verify(leaf, ()).ok
    assert store.certificates_of(Identity.parse("@self.lab")) == (leaf,)
    strict = lab.store(DaemonSettings(reject_trusted_end_entity=True))
    assert not strict.verify(strict.load_certificate("self.pem")[0], ()).ok


def test_authorities_are_those_of_the_folder_and_of_ca_sections(lab: "Lab") -> None:
    store = lab.store()
    assert {str(one.name) for one in store.authorities()} == {"CN=Root", "CN=Sub"}
    lab.write("extra.pem", pem(issue("CN=Extra", ed25519.Ed25519PrivateKey.generate(), None, None, ca=True)))
    section = AuthoritySection("extra", crl_uris=("http://crl.lab/",))
    store.add_authority(section, str(lab.folder / "ipsec.d" / "extra.pem"))
    assert [(one.name, str(one.certificate.subject), one.crl_uris) for one in store.sections()] == [
        ("extra", "CN=Extra", ("http://crl.lab/",))
    ]
    assert {str(one.name) for one in store.authorities()} == {"CN=Root", "CN=Sub", "CN=Extra"}
    store.add_authority(AuthoritySection("bare"), "")
    assert store.sections()[1].certificate is None
    assert store.remove_authority("extra")
    assert not store.remove_authority("extra")
    assert len(store.authorities()) == 2


@pytest.mark.parametrize("name", ["missing.pem", "../certs/a.pem"])
def test_ca_section_without_a_ca_certificate_is_refused(lab: "Lab", name: str) -> None:
    with pytest.raises(ConfigError, match=name):
        lab.store().add_authority(AuthoritySection("x"), name)


def test_certificate_that_is_no_ca_does_not_become_one(lab: "Lab") -> None:
    lab.write("cacerts/leaf.pem", pem_of(lab.b))
    store = lab.store(reread=False)
    problems, complete = store.reread(ALL)
    assert not complete
    assert any("CN=b" in problem and "basic constraint" in problem for problem in problems)
    assert len(store.authorities()) == 2


def test_damaged_files_are_named_and_passed_over(lab: "Lab") -> None:
    lab.write("cacerts/broken.pem", b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n")
    lab.write("cacerts/note.txt", b"hello")
    lab.write("private/broken.pem", b"nothing")
    lab.secrets(': RSA broken.pem\n: RSA missing.pem\n@a @b : PSK "secret"\n')
    store = lab.store(reread=False)
    lines, complete = store.reread(ALL)
    problems = "\n".join(lines)
    assert not complete
    for name in ("broken.pem", "note.txt", "private/broken.pem", "missing.pem"):
        assert name in problems
    assert len(store.authorities()) == 2
    assert len(store.shared_secrets(Identity.parse("@a"), Identity.parse("@b"))) == 1


@pytest.mark.parametrize("path", ["missing.pem", "../ipsec.secrets", "%smartcard:1", "."])
def test_certificate_that_cannot_be_loaded_is_refused_by_name(lab: "Lab", path: str) -> None:
    lab.secrets("")
    with pytest.raises(ConfigError, match="certificate"):
        lab.store().load_certificate(path)


def test_files_readable_by_others_are_reported(lab: "Lab") -> None:
    (lab.folder / "ipsec.d/private/a.pem").chmod(0o644)
    (lab.folder / "ipsec.secrets").chmod(0o640)
    problems, complete = lab.store(reread=False).reread(ALL)
    assert complete  # it is used all the same
    assert any("private/a.pem" in line and "0644" in line for line in problems)
    assert any("ipsec.secrets" in line and "0640" in line for line in problems)


def test_encrypted_key_opens_with_its_passphrase_only(lab: "Lab") -> None:
    lab.write("private/a.pem", private_pem(lab.key, b"sesame"))
    lab.secrets(': PKCS8 a.pem "sesame"\n')
    assert lab.store().own_key(AuthConfig(certificates=(lab.a,)), None, frozenset()) is not None
    lab.secrets(': PKCS8 a.pem "open"\n')
    store = lab.store(reread=False)
    problems, complete = store.reread(ALL)
    assert not complete
    assert any("passphrase" in problem for problem in problems)
    lab.secrets(": PKCS8 a.pem %prompt\n")
    assert any("has to be asked for" in problem for problem in store.reread(ALL)[0])
    assert store.own_key(AuthConfig(certificates=(lab.a,)), None, frozenset()) is None


def test_operator_who_is_asked_holds_up_nobody(lab: "Lab") -> None:
    lab.write("private/a.pem", private_pem(lab.key, b"sesame"))
    lab.secrets(": PKCS8 a.pem %prompt\n")
    store = lab.store()

    def ask(prompt: str) -> str:
        # On this very thread: were a lock held, the store would not answer.
        assert store.verify(Certificate.parse(lab.b), ()).ok
        assert store.load_certificate("a.pem")
        return "sesame"

    assert store.reread(ALL, ask)[1]


def test_ppks_are_read_again_with_the_other_secrets(lab: "Lab") -> None:
    lab.secrets(f"ppk.lab : PPK 0x{bytes(32).hex()}\n")
    store = lab.store()
    assert store.has_ppk() and store.ppk(b"another") is None
    found = store.ppk(b"ppk.lab")
    assert found is not None and found.reveal() == bytes(32)
    lab.secrets("")
    store.reread(frozenset({"secrets"}))
    assert not store.has_ppk() and store.ppk(b"ppk.lab") is None


def test_no_secret_reaches_the_log(lab: "Lab") -> None:
    lab.secrets(': PSK "hunter2"\n: EAP "hunter2"\n: PPK "hunter2"\n: PSK hunter2 hunter2\n')
    lab.store()
    assert lab.log
    assert "hunter2" not in "\n".join(lab.log)


def test_rereading_replaces_secrets_and_leaves_the_rest(lab: "Lab") -> None:
    lab.secrets('@a : PSK "old"\n')
    store = lab.store()
    lab.secrets('@a : PSK "new"\n')
    assert [one.reveal() for one in store.shared_secrets(Identity.parse("@a"), None)] == [b"old"]
    store.reread(frozenset({"secrets"}))
    assert [one.reveal() for one in store.shared_secrets(Identity.parse("@a"), None)] == [b"new"]
    assert len(store.authorities()) == 2


def test_listing_tells_which_certificates_have_a_key(lab: "Lab") -> None:
    lab.write("aacerts/aa.pem", pem_of(lab.b))
    store = lab.store()
    keys = {str(one.subject): private for one, private in store.listed("certs")}
    assert keys == {"CN=a": True, "CN=b": False}
    assert {str(one.subject) for one, _ in store.listed("cacerts")} == {"CN=Root", "CN=Sub"}
    assert [str(one.subject) for one, _ in store.listed("aacerts")] == ["CN=b"]
    assert store.listed("ocspcerts") == []


def test_certificates_of_peers_are_listed_until_they_are_purged(lab: "Lab") -> None:
    (lab.folder / "ipsec.d/certs/b.der").unlink()
    store = lab.store()
    assert store.verify(Certificate.parse(lab.b), ()).ok
    assert not store.verify(Certificate.parse(lab.self_signed), ()).ok
    assert {str(one.subject) for one, _ in store.listed("certs")} == {"CN=a", "CN=b"}
    assert store.find(Identity.parse("@b.lab")) == (Certificate.parse(lab.b),)
    store.purge(frozenset({"crls", "ocsp"}))
    assert len(store.listed("certs")) == 2
    store.purge(frozenset({"certs"}))
    assert {str(one.subject) for one, _ in store.listed("certs")} == {"CN=a"}
    assert store.find(Identity.parse("@b.lab")) == ()


def test_nothing_is_remembered_with_cert_cache_off(lab: "Lab") -> None:
    (lab.folder / "ipsec.d/certs/b.der").unlink()
    store = lab.store(DaemonSettings(cert_cache=False))
    assert store.verify(Certificate.parse(lab.b), ()).ok
    assert store.find(Identity.parse("@b.lab")) == ()


def test_being_remembered_makes_nobody_trusted(lab: "Lab") -> None:
    store = lab.store()
    assert store.verify(Certificate.parse(lab.b), ()).ok
    assert store.certificates_of(Identity.parse("@b.lab")) == ()
    (lab.folder / "ipsec.d/cacerts/root.pem").unlink()
    (lab.folder / "ipsec.d/cacerts/sub.der").unlink()
    store.reread(frozenset({"cacerts"}))
    assert not store.verify(Certificate.parse(lab.b), ()).ok


def test_find_knows_every_kind_and_each_certificate_once(lab: "Lab") -> None:
    lab.write("ocspcerts/signer.pem", pem_of(lab.b))
    store = lab.store()
    assert [str(one.subject) for one in store.find(Identity.parse("CN=Root"))] == ["CN=Root"]
    assert store.find(Identity.parse("@b.lab")) == (Certificate.parse(lab.b),)
    assert store.find(Identity.parse("CN=nobody")) == ()


def test_manager_asks_backends_in_order(lab: "Lab") -> None:
    lab.secrets('@a : PSK "one"\n')
    first = lab.store()
    lab.secrets(': RSA a.pem\n@a : PSK "two"\n')
    second = lab.store()
    manager = BackendManager([], [first, second])
    secrets = manager.shared_secrets(Identity.parse("@a"), None)
    assert [secret.reveal() for secret in secrets] == [b"one", b"two"]
    assert manager.own_key(AuthConfig(certificates=(lab.a,)), None, frozenset()) is not None
    assert len(manager.authorities()) == 2
    assert manager.certificates_of(Identity.parse("@a.lab")) == ()
    assert manager.verify(Certificate.parse(lab.b), ()).ok
    assert not BackendManager([], []).verify(Certificate.parse(lab.b), ()).ok
    assert not manager.verify(Certificate.parse(lab.self_signed), ()).ok


class Lab:
    """A configuration folder with a root, a sub CA and two hosts, of which the key of ``a`` is ours."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.log: list[str] = []
        root, sub, b = (ed25519.Ed25519PrivateKey.generate() for _ in range(3))
        self.key = ec.generate_private_key(ec.SECP256R1())
        root_name, sub_name = name("CN=Root"), name("CN=Sub")
        self.root = der(issue("CN=Root", root, root_name, root, ca=True))
        self.sub = der(issue("CN=Sub", sub, root_name, root, ca=True))
        self.a = der(issue("CN=a", self.key, sub_name, sub, names=["a.lab"]))
        self.b = der(issue("CN=b", b, sub_name, sub, names=["b.lab"]))
        self.self_signed = der(issue("CN=a", self.key, None, self.key, names=["self.lab"]))
        for path, octets in {
            "cacerts/root.pem": pem_of(self.root), "cacerts/sub.der": self.sub, "certs/a.pem": pem_of(self.a),
            "certs/b.der": self.b, "private/a.pem": private_pem(self.key),
        }.items():  # fmt: skip
            self.write(path, octets)
        self.secrets(": ECDSA a.pem\n")

    def write(self, path: str, octets: bytes) -> None:
        file = self.folder / "ipsec.d" / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(octets)
        file.chmod(0o600)

    def secrets(self, text: str) -> None:
        file = self.folder / "ipsec.secrets"
        file.write_text(text)
        file.chmod(0o600)

    def store(
        self,
        settings: DaemonSettings = DaemonSettings(),  # noqa: B008 - frozen
        date: Callable[[], float] = NOW.timestamp,
        reread: bool = True,
    ) -> StrokeCredentials:
        def log(group: object, level: int, line: str) -> None:
            self.log.append(line)

        store = StrokeCredentials(Places.below(self.folder), settings, Environment(FileReader(), date, log))
        if reread:
            assert store.reread(ALL) == ([], True) or self.log
        return store


@pytest.fixture
def lab(tmp_path: Path) -> Lab:
    return Lab(tmp_path)


def issue(
    subject: str,
    key: Key,
    issuer: x509.Name | None,
    signer: Key | None,
    names: list[str] | None = None,
    ca: bool = False,
) -> x509.Certificate:
    signer = signer or key
    builder = (
        x509.CertificateBuilder()
        .subject_name(name(subject))
        .issuer_name(issuer or name(subject))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(NOW - timedelta(days=10))
        .not_valid_after(NOW + timedelta(days=1000))
        .add_extension(x509.BasicConstraints(ca, None), critical=True)
    )
    if names:
        alternative = x509.SubjectAlternativeName(list(map(x509.DNSName, names)))
        builder = builder.add_extension(alternative, critical=False)
    return builder.sign(signer, None if isinstance(signer, ed25519.Ed25519PrivateKey) else HASH)


def name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text.removeprefix("CN="))])


def der(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.DER)


def pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.PEM)


def pem_of(octets: bytes) -> bytes:
    return pem(x509.load_der_x509_certificate(octets))


def private_pem(key: Key, passphrase: bytes = b"") -> bytes:
    encryption: serialization.KeySerializationEncryption = serialization.NoEncryption()
    if passphrase:
        encryption = serialization.BestAvailableEncryption(passphrase)
    return key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, encryption)
