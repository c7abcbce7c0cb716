"""Public keys in every form in which they may be written."""

from base64 import b64encode

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from cygnet.crypto.keys import KeyLoadError, PublicKey
from cygnet.crypto.public_keys import is_written_out, load_public_key, parse_public_key

RSA = rsa.generate_private_key(65537, 2048).public_key()
OTHERS = (
    ec.generate_private_key(ec.SECP256R1()).public_key(),
    ec.generate_private_key(ec.SECP384R1()).public_key(),
    ec.generate_private_key(ec.SECP521R1()).public_key(),
    ed25519.Ed25519PrivateKey.generate().public_key(),
)
ED448 = ed448.Ed448PrivateKey.generate()
SPKI, SSH = PublicFormat.SubjectPublicKeyInfo, PublicFormat.OpenSSH


def spki(key: object) -> bytes:
    return PublicKey.from_native(key).spki


@pytest.mark.parametrize("key", [RSA, *OTHERS, ED448.public_key()])
def test_spki_in_configuration_and_files(key: rsa.RSAPublicKey) -> None:
    der, pem = key.public_bytes(Encoding.DER, SPKI), key.public_bytes(Encoding.PEM, SPKI)
    written = b64encode(der).decode()
    for text in (f"0x{der.hex()}", f"0s{written}", f"0s{written.rstrip('=')}", f"0S{written}"):
        assert parse_public_key(text).spki == der
    assert load_public_key(der).spki == load_public_key(pem).spki == der


@pytest.mark.parametrize("key", [RSA, *OTHERS])
def test_ssh_in_configuration_and_files(key: rsa.RSAPublicKey) -> None:
    line = key.public_bytes(Encoding.OpenSSH, SSH)
    assert parse_public_key(f"ssh:0s{line.split()[1].decode()}").spki == spki(key)
    assert load_public_key(b"# moon\n\n" + line + b" root@moon\n").spki == spki(key)


def test_ed448_in_the_format_of_ssh() -> None:
    raw = ED448.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
    blob = string(b"ssh-ed448") + string(raw)
    assert parse_public_key(f"ssh:0x{blob.hex()}").spki == spki(ED448.public_key())
    with pytest.raises(KeyLoadError, match="2 octets follow the key"):
        parse_public_key(f"ssh:0x{blob.hex()}0000")


def test_pkcs1_is_known_by_its_form() -> None:
    der = RSA.public_bytes(Encoding.DER, PublicFormat.PKCS1)
    pem = RSA.public_bytes(Encoding.PEM, PublicFormat.PKCS1)
    assert parse_public_key(f"0x{der.hex()}").spki == load_public_key(pem).spki == spki(RSA)


@pytest.mark.parametrize("length", [b"\x03", b"\x00\x00\x03"])
def test_rsa_key_of_dns(length: bytes) -> None:
    modulus = RSA.public_numbers().n.to_bytes(256, "big")
    octets = length + b"\x01\x00\x01" + modulus
    assert parse_public_key(f"dns:0s{b64encode(octets).decode()}").spki == spki(RSA)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("0sABC*", "base64 behind 0s"),
        ("0xabc", "hexadecimal digits behind 0x"),
        ("ssh:AAAA", "hexadecimal digits behind 0x, or base64 behind 0s"),
        ("0s", "SubjectPublicKeyInfo or PKCS #1"),
        ("0x3000", "SubjectPublicKeyInfo or PKCS #1"),
        ("ssh:0x00", "it ends within a string"),
        ("ssh:0x00000007" + b"ssh-dss".hex(), "'ssh-dss' is none of them"),
        ("ssh:0x00000007" + b"ssh-rsa".hex(), "wanted is SSH format"),
        ("dns:0x", "it is empty"),
        ("dns:0x030100", "exponent of 2 and modulus of 0 octets"),
        ("dns:0x0001", "RFC 3110"),
        ("dns:0x0102" + "ff" * 3000, "modulus of 3000 octets"),
    ],
)
def test_what_is_no_key_is_told(text: str, reason: str) -> None:
    with pytest.raises(KeyLoadError, match=reason.replace("*", ".")):
        parse_public_key(text)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"-----BEGIN PRIVATE KEY-----\n", "this is a private key"),
        (b"-----BEGIN CERTIFICATE-----\n", "behind leftcert or rightcert"),
        (b"-----BEGIN PUBLIC KEY-----\n", "PEM of a PUBLIC KEY"),
        (b"", "PEM, DER or a line of OpenSSH"),
        (b"\x30" * 70000, "public key of 70000 octets"),
        (b"ssh-rsa AAAA root@moon", "wanted is SSH format"),
    ],
)
def test_files_without_a_key_are_told(data: bytes, reason: str) -> None:
    with pytest.raises(KeyLoadError, match=reason):
        load_public_key(data)


def test_keys_and_names_of_files_are_told_apart() -> None:
    assert all(map(is_written_out, ("0x12", "0s34", "ssh:0x", "dns:0s", "SSH:0s")))
    assert not any(map(is_written_out, ("moon.pem", "/etc/ipsec.d/certs/0s.pem", "%cert")))


def string(octets: bytes) -> bytes:
    return len(octets).to_bytes(4, "big") + octets
