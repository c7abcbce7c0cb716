"""``ipsec pki`` run as a command, its results checked with an X.509 library."""

import io
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, rsa

from cygnet.ipsec.pki.main import main


@pytest.fixture
def pki(monkeypatch, capsys):
    """Runs the command with octets as standard input; gives status, output octets and error text."""

    def run(*argv, stdin=b""):
        output = io.BytesIO()
        monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=io.BytesIO(stdin)))
        monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(output, write_through=True))
        try:
            status = main(argv)
        except SystemExit as ended:
            status = ended.code
        sys.stdout.flush()
        return status, output.getvalue(), capsys.readouterr().err

    return run


@pytest.fixture
def authority(pki, tmp_path):
    """A CA with an ECDSA key in files; gives their names."""
    key, certificate = tmp_path / "ca.key", tmp_path / "ca.crt"
    key.write_bytes(pki("--gen", "--type", "ecdsa", "--size", "256")[1])
    made = pki("--self", "--in", str(key), "--dn", "C=CH, O=Lab, CN=ca", "--ca", "--pathlen", "1")
    certificate.write_bytes(made[1])
    return str(key), str(certificate)


@pytest.mark.parametrize(
    ("arguments", "kind"),
    [
        (("--type", "rsa", "--size", "2048"), rsa.RSAPrivateKey),
        (("--type", "ecdsa"), ec.EllipticCurvePrivateKey),
        (("--type", "ed25519"), ed25519.Ed25519PrivateKey),
        (("--type", "ed448", "--outform", "der"), ed448.Ed448PrivateKey),
    ],
)
def test_generated_key_is_of_its_kind(pki, arguments, kind):
    status, der, _ = pki("--gen", *arguments)
    assert status == 0
    assert isinstance(serialization.load_der_private_key(der, None), kind)


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (("--gen", "--size", "512"), "512 bits"),
        (("--gen", "--type", "ecdsa", "--size", "255"), "256, 384, 521"),
        (("--gen", "--type", "ed25519", "--size", "256"), "fixed"),
        (("--self", "--dn", "CN=x"), "no private key"),
        (("--pub", "--type", "x509"), "no certificate"),
        (("--print", "--type", "pub"), "no public key"),
        (("--pub", "--in", "/nonexistent/key"), "No such file"),
    ],
)
def test_what_cannot_be_done_is_named_and_fails(pki, arguments, reason):
    status, output, error = pki(*arguments)
    assert (status, output) == (1, b"")
    assert reason in error


def test_output_that_cannot_be_written_is_named(pki, monkeypatch, capsys):
    with open("/dev/full", "w") as full:
        monkeypatch.setattr(sys, "stdout", full)
        assert main(["--gen", "--type", "ed25519"]) == 1
    assert capsys.readouterr().err == "pki: output: No space left on device\n"


def test_file_that_is_not_there_is_named(pki):
    assert pki("--print", "--in", "/nowhere")[::2] == (1, "pki: /nowhere: No such file or directory\n")


def test_unknown_command_is_a_usage_error(pki):
    status, _, error = pki("--keygen")
    assert status == 1
    assert "unknown command '--keygen'" in error


def test_help_lists_every_command(pki):
    status, output, _ = pki("--help")
    assert status == 0
    assert all(command in output for command in (b"--gen", b"--self", b"--issue", b"--pub", b"--print"))


def test_self_signed_authority_verifies_and_may_sign(pki, authority):
    certificate = x509.load_der_x509_certificate(Path(authority[1]).read_bytes())
    certificate.verify_directly_issued_by(certificate)
    assert certificate.subject.rfc4514_string() == "CN=ca,O=Lab,C=CH"
    assert certificate.extensions.get_extension_for_class(
        x509.BasicConstraints
    ).value == x509.BasicConstraints(True, 1)
    assert certificate.extensions.get_extension_for_class(x509.KeyUsage).value.key_cert_sign


def test_issued_certificate_carries_what_was_asked_for(pki, authority, tmp_path):
    key, ca_certificate = authority
    public = pki("--pub", stdin=pki("--gen", "--type", "ed25519")[1])[1]
    status, pem, error = pki(
        "--issue", "--cakey", key, "--cacert", ca_certificate, "--dn", "C=CH, O=Lab, CN=moon",
        "--san", "moon.lab", "--san", "192.0.2.1", "--san", "carol@lab", "--flag", "serverAuth",
        "--crl", "http://lab/ca.crl", "--ocsp", "http://lab/ocsp", "--serial", "0a0b", "--lifetime", "10",
        "--outform", "pem", stdin=public,
    )  # fmt: skip
    assert (status, error) == (0, "")
    certificate = x509.load_pem_x509_certificate(pem)
    certificate.verify_directly_issued_by(x509.load_der_x509_certificate(Path(ca_certificate).read_bytes()))
    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert [str(name.value) for name in names] == ["moon.lab", "192.0.2.1", "carol@lab"]
    assert certificate.serial_number == 0x0A0B
    assert (certificate.not_valid_after_utc - certificate.not_valid_before_utc).days == 10


def test_printed_certificate_shows_names_validity_and_key(pki, authority):
    status, output, _ = pki("--print", "--in", authority[1])
    text = output.decode()
    assert status == 0
    assert '  subject:  "C=CH, O=Lab, CN=ca"\n' in text
    assert ", ok (expires in 1094 days)\n" in text or ", ok (expires in 1095 days)\n" in text
    assert "  flags:     CA CRLSign self-signed \n" in text
    assert "  pathlen:   1\n" in text
    assert "  pubkey:    ECDSA 256 bits\n" in text


def test_printed_private_key_says_so(pki, authority):
    assert (
        b"  privkey:   ECDSA 256 bits\n  keyid: " in pki("--print", "--type", "priv", "--in", authority[0])[1]
    )


def test_foreign_key_does_not_sign_for_an_authority(pki, authority, tmp_path):
    other = tmp_path / "other.key"
    other.write_bytes(pki("--gen", "--type", "ed25519")[1])
    public = pki("--pub", "--in", str(other))[1]
    status, _, error = pki(
        "--issue", "--cakey", str(other), "--cacert", authority[1], "--dn", "CN=x", stdin=public
    )
    assert status == 1
    assert "does not belong" in error


@pytest.mark.parametrize(
    ("extra", "reason"),
    [
        (("--dn", "nonsense"), "no distinguished name"),
        (("--dn", "CN=x", "--san", "a:b"), "cannot be a subjectAltName"),
        (("--dn", "CN=x", "--serial", "xyz"), "hexadecimal"),
        (("--dn", "CN=x", "--serial", "0"), "positive"),
        (("--dn", "CN=x", "--lifetime", "-1"), "would end"),
        (("--dn", "CN=x", "--not-before", "tomorrow"), "date form"),
        ((), "subject is missing"),
    ],
)
def test_bad_request_for_a_certificate_is_explained(pki, authority, extra, reason):
    public = pki("--pub", "--in", authority[0])[1]
    status, output, error = pki(
        "--issue", "--cakey", authority[0], "--cacert", authority[1], *extra, stdin=public
    )
    assert (status, output) == (1, b"")
    assert reason in error


def test_certificate_of_a_request_takes_its_name_and_key(pki, authority):
    key = ed25519.Ed25519PrivateKey.generate()
    name = x509.Name.from_rfc4514_string("CN=sun,O=Lab")
    request = x509.CertificateSigningRequestBuilder().subject_name(name).sign(key, None)
    for encoding in (serialization.Encoding.DER, serialization.Encoding.PEM):
        status, der, _ = pki(
            "--issue", "--type", "pkcs10", "--cakey", authority[0], "--cacert", authority[1],
            stdin=request.public_bytes(encoding),
        )  # fmt: skip
        certificate = x509.load_der_x509_certificate(der)
        assert (status, certificate.subject, certificate.public_key()) == (0, name, key.public_key())
