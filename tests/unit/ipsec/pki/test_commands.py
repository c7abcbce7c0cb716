"""Commands whose results no other tool checks: new keys, PKCS#7, encrypted keys, option files, help."""

import re
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import mldsa, rsa

from cygnet.ipsec.pki import keys
from cygnet.ipsec.pki.main import COMMANDS, main


def run(capfdbinary, *words: str, status: int = 0) -> bytes:
    assert main(words) == status
    captured = capfdbinary.readouterr()
    return captured.out if status == 0 else captured.err


@pytest.fixture
def pki(capfdbinary, tmp_path: Path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    def call(*words: str, status: int = 0, into: str = "") -> bytes:
        octets = run(capfdbinary, *words, status=status)
        if into:
            Path(into).write_bytes(octets)
        return octets

    return call


@pytest.mark.parametrize(
    ("kind", "of"),
    [
        ("mldsa44", mldsa.MLDSA44PublicKey),
        ("mldsa65", mldsa.MLDSA65PublicKey),
        ("mldsa87", mldsa.MLDSA87PublicKey),
    ],
)
def test_post_quantum_keys_sign_certificates(pki, kind: str, of: type) -> None:
    pki("--gen", "--type", kind, into="k")
    made = x509.load_der_x509_certificate(pki("--self", "--in", "k", "--dn", "CN=pq", "--ca", into="c"))
    assert isinstance(made.public_key(), of)
    made.verify_directly_issued_by(made)
    assert f"ML-DSA-{kind[-2:]}" in pki("--print", "--in", "c").decode()


def test_message_is_encrypted_decrypted_and_signed(pki) -> None:
    pki("--gen", into="k")
    pki("--self", "--in", "k", "--dn", "CN=a", into="c")
    Path("m").write_bytes(b"a message\n")
    pki("--pkcs7", "--encrypt", "--in", "m", "--cert", "c", into="e")
    assert pki("--pkcs7", "--decrypt", "--in", "e", "--cert", "c", "--key", "k") == b"a message\n"
    pki("--pkcs7", "--sign", "--in", "m", "--cert", "c", "--key", "k", into="s")
    shown = pki("--pkcs7", "--show", "--in", "s")
    assert x509.load_pem_x509_certificate(shown) == x509.load_der_x509_certificate(Path("c").read_bytes())
    assert b"not part of this version" in pki("--pkcs7", "--verify", "--in", "s", status=1)
    assert b"say what to do" in pki("--pkcs7", "--in", "s", status=1)
    assert b"PKCS#7: " in pki("--pkcs7", "--decrypt", "--in", "m", "--cert", "c", "--key", "k", status=1)


def test_encrypted_key_is_opened_with_the_passphrase_asked_for(pki, monkeypatch) -> None:
    key = rsa.generate_private_key(65537, 2048)
    encryption = serialization.BestAvailableEncryption(b"sesame")
    traditional = serialization.PrivateFormat.TraditionalOpenSSL
    Path("k").write_bytes(key.private_bytes(serialization.Encoding.PEM, traditional, encryption))
    monkeypatch.setattr(keys, "getpass", lambda prompt: "sesame")
    assert b"PUBLIC KEY" in pki("--pub", "--in", "k", "--outform", "pem")
    monkeypatch.setattr(keys, "getpass", lambda prompt: "wrong")
    assert b"no private key" in pki("--pub", "--in", "k", status=1)


def test_options_may_stand_in_a_file(pki) -> None:
    Path("o").write_text("--type ecdsa  # a comment\n--size 256\n")
    pki("--gen", "--options", "o", into="k")
    assert b"ECDSA 256 bits" in pki("--print", "--type", "priv", "--in", "k")
    Path("loop").write_text("--options loop\n")
    assert b"does not name itself" in pki("--gen", "--options", "loop", status=1)


@pytest.mark.parametrize("name", COMMANDS)
def test_help_names_every_option_with_its_letter(pki, name: str) -> None:
    text = pki(f"--{name}", "--help").decode()
    lines = text.splitlines()
    assert re.fullmatch(rf"Cygnet \S+ PKI tool \(--{name}/-{COMMANDS[name].letter}\)", lines[0])
    assert lines[2] == "usage:"
    letters = re.findall(r"^  --\S+ +\(-(.)\)", text, re.M)
    assert len(letters) == len(set(letters)) > 3
    assert pki(f"-{COMMANDS[name].letter}", "-h").decode() == text


def test_overview_names_every_command(pki) -> None:
    text = pki("--help").decode()
    assert all(f"--{name}" in text for name in COMMANDS)
    assert pki("help") == text.encode()


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (("--self", "--in", "k", "--dn", "CN=a", "--cps-uri", "http://x/"), "follows the --cert-policy"),
        (("--self", "--in", "k", "--dn", "CN=a", "--policy-mapping", "1.2"), "ISSUER-OID:SUBJECT-OID"),
        (("--self", "--in", "k", "--dn", "CN=a", "--cert-policy", "x"), "'x' is no object identifier"),
        (("--self", "--in", "k", "--dn", "CN=a", "--addrblock", "x"), "--addrblock"),
        (("--self", "--in", "k", "--dn", "CN=a", "--type", "rsa"), "not of type rsa"),
        (("--self", "--in", "k", "--dn", "CN=a", "--pathlen", "-1", "--ca"), "cannot be made"),
        (("--signcrl", "--cacert", "c", "--cakey", "k", "--reason", "x", "--serial", "1"), "is no reason"),
        (("--signcrl", "--cacert", "c", "--cakey", "k", "--date", "x", "--serial", "1"), "no Unix timestamp"),
        (("--signcrl", "--cacert", "c", "--cakey", "k2"), "does not belong to the certificate"),
        (("--signcrl", "--cacert", "c"), "private key is missing"),
        (("--acert", "--in", "c"), "--issuercert"),
        (("--req", "--in", "k"), "the subject is missing"),
        (("--print", "--in", "k"), "no certificate in PEM or DER form"),
        (("--print", "--type", "crl", "--in", "k"), "malformed CRL"),
        (("--print", "--type", "ac", "--in", "k"), "malformed attribute certificate"),
        (("--print", "--type", "ocsp-rsp", "--in", "k"), "malformed OCSP response"),
        (("--print", "--type", "ocsp-req", "--in", "k"), "no OCSP request"),
        (("--pkcs12", "--list", "--in", "k"), "PKCS#12 container"),
        (("--keyid", "--keyid", "zz"), "the key id is not hexadecimal"),
        (("--keyid", "--keyid", "45"), "no PKCS#11 module is configured"),
    ],
)  # fmt: skip
def test_mistake_is_told_in_plain_words(pki, words: tuple[str, ...], reason: str, monkeypatch) -> None:
    monkeypatch.setenv("CYGNET_CONFDIR", str(Path.cwd()))
    keys.tokens.cache_clear()
    pki("--gen", "--type", "ecdsa", into="k")
    pki("--gen", "--type", "ecdsa", into="k2")
    pki("--self", "--in", "k", "--dn", "CN=CA", "--ca", into="c")
    assert reason in pki(*words, status=1).decode()
