"""Signature schemes: vectors, choosing, encoding; keys: reading them from files."""

import json
import warnings
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import dsa, ec, rsa, x25519
from cryptography.hazmat.primitives.asymmetric.ed448 import Ed448PrivateKey, Ed448PublicKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PrivateFormat, PublicFormat
from hypothesis import given
from hypothesis import strategies as st

from cygnet.base.secret import Secret
from cygnet.crypto.signatures import (
    SCHEMES,
    SUPPORTED_HASHES,
    KeyKind,
    KeyLoadError,
    MalformedKeyError,
    PrivateKey,
    PublicKey,
    SignatureError,
    build_authentication_data,
    parse_authentication_data,
    scheme_of_algorithm_identifier,
    scheme_of_method,
    schemes_for,
)

VECTORS = json.loads((Path(__file__).parents[2] / "vectors" / "signatures.json").read_text())
SHARED = Path(__file__).parents[4] / "shared" / "reference" / "vectors" / "wycheproof"
ALL = frozenset((1, 2, 3, 4, 5))
CURVES = {9: ec.SECP256R1(), 10: ec.SECP384R1(), 11: ec.SECP521R1()}
NAMED = {scheme.name: scheme for scheme in SCHEMES}


@cache
def key_of(kind: str) -> PrivateKey:
    makers = {
        "RSA": lambda: rsa.generate_private_key(65537, 2048),
        "ECDSA-256": lambda: ec.generate_private_key(ec.SECP256R1()),
        "ECDSA-384": lambda: ec.generate_private_key(ec.SECP384R1()),
        "ECDSA-521": lambda: ec.generate_private_key(ec.SECP521R1()),
        "ECDSA-BP": lambda: ec.generate_private_key(ec.BrainpoolP256R1()),
        "ED25519": Ed25519PrivateKey.generate,
        "ED448": Ed448PrivateKey.generate,
    }
    return PrivateKey(makers[kind]())


KINDS = ["RSA", "ECDSA-256", "ECDSA-384", "ECDSA-521", "ED25519", "ED448"]


@pytest.mark.parametrize("case", VECTORS["eddsa"], ids=lambda case: case["source"])
def test_eddsa_vector(case: dict[str, Any]) -> None:
    secret, public, message, signature = (
        bytes.fromhex(case[name]) for name in ("secret", "public", "message", "signature")
    )
    native = (Ed25519PrivateKey if case["kind"] == "ED25519" else Ed448PrivateKey).from_private_bytes(secret)
    key, scheme = PrivateKey(native), NAMED[case["kind"]]
    assert key.sign(scheme, message) == signature
    of_public = Ed25519PublicKey if case["kind"] == "ED25519" else Ed448PublicKey
    PublicKey.from_native(of_public.from_public_bytes(public)).verify(scheme, message, signature)


@pytest.mark.parametrize("case", VECTORS["ecdsa_methods"], ids=lambda case: f"method {case['method']}")
def test_classic_ecdsa_vector(case: dict[str, Any]) -> None:
    numbers = ec.EllipticCurvePublicNumbers(int(case["x"], 16), int(case["y"], 16), CURVES[case["method"]])
    key = PublicKey.from_native(numbers.public_key())
    payload = bytes.fromhex(case["payload"])
    scheme, signature = parse_authentication_data(case["method"], payload[8:])
    assert signature.hex() == case["signature"]
    key.verify(scheme, bytes.fromhex(case["message"]), signature)
    with pytest.raises(SignatureError):
        key.verify(scheme, b"another message", signature)


@pytest.mark.parametrize("case", VECTORS["algorithm_identifiers"], ids=lambda case: case["name"])
def test_algorithm_identifiers_are_those_of_the_rfcs(case: dict[str, Any]) -> None:
    der = bytes.fromhex(case["der"])
    scheme = next((item for item in SCHEMES if item.identifier == der), None)
    unsupported = any(word in case["name"] for word in ("sha1", "dsa-with-sha256", "Parameters"))
    unsupported = unsupported and not case["name"].startswith("ecdsa-with-sha256")
    if unsupported:
        with pytest.raises(SignatureError, match="unsupported"):
            scheme_of_algorithm_identifier(der)
    else:
        assert scheme is not None
        assert scheme_of_algorithm_identifier(der) is scheme


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("peer_hashes", [None, ALL], ids=["classic peer", "RFC 7427 peer"])
def test_schemes_sign_and_verify_over_the_wire(kind: str, peer_hashes: frozenset[int] | None) -> None:
    key = key_of(kind)
    for scheme in schemes_for(key.kind, key.bits, peer_hashes):
        data = build_authentication_data(scheme, key.sign(scheme, b"octets"))
        parsed, signature = parse_authentication_data(scheme.method, data)
        assert parsed is scheme
        key.public_key.verify(parsed, b"octets", signature)
        for wrong in (signature[:-1] + bytes([signature[-1] ^ 1]), signature[:-1], b""):
            with pytest.raises(SignatureError):
                key.public_key.verify(parsed, b"octets", wrong)
        with pytest.raises(SignatureError):
            key.public_key.verify(parsed, b"other octets", signature)


@pytest.mark.parametrize(
    ("kind", "bits", "hashes", "names"),
    [
        (
            "RSA",
            2048,
            {2, 3, 4},
            ["RSA_EMSA_PKCS1_SHA2_256", "RSA_EMSA_PSS_SHA2_256", "RSA_EMSA_PKCS1_SHA2_384"],
        ),
        (
            "RSA",
            4096,
            {2, 3, 4},
            ["RSA_EMSA_PKCS1_SHA2_384", "RSA_EMSA_PSS_SHA2_384", "RSA_EMSA_PKCS1_SHA2_512"],
        ),
        ("RSA", 4096, {2}, ["RSA_EMSA_PKCS1_SHA2_256", "RSA_EMSA_PSS_SHA2_256", "RSA_EMSA_PKCS1_SHA1"]),
        ("RSA", 2048, None, ["RSA_EMSA_PKCS1_SHA1"]),
        (
            "ECDSA",
            384,
            {2, 3, 4},
            ["ECDSA_WITH_SHA384_DER", "ECDSA_WITH_SHA512_DER", "ECDSA_WITH_SHA256_DER"],
        ),
        ("ECDSA", 256, {1}, ["ECDSA-256"]),
        ("ECDSA", 521, None, ["ECDSA-521"]),
        ("ECDSA", 512, None, []),
        ("ED25519", 256, {2, 5}, ["ED25519"]),
        ("ED25519", 256, {2}, []),
        ("ED448", 448, None, []),
    ],
)
def test_schemes_come_best_first(kind: str, bits: int, hashes: set[int] | None, names: list[str]) -> None:
    found = schemes_for(KeyKind(kind), bits, None if hashes is None else frozenset(hashes))
    assert [scheme.name for scheme in found][: max(1, len(names))] == names


def test_sha1_is_only_for_classic_peers_and_comes_last() -> None:
    names = [scheme.name for scheme in schemes_for(KeyKind.RSA, 2048, ALL)]
    assert names[-1] == "RSA_EMSA_PKCS1_SHA1"
    assert [name for name in names if "SHA1" in name] == names[-1:]
    assert 1 not in SUPPORTED_HASHES


def test_pss_may_be_preferred() -> None:
    assert schemes_for(KeyKind.RSA, 2048, ALL, prefer_pss=True)[0].name == "RSA_EMSA_PSS_SHA2_256"


def test_logs_name_schemes_as_charon_does() -> None:
    assert str(scheme_of_method(1)) == "RSA signature"
    assert str(scheme_of_method(10)) == "ECDSA-384 signature"
    assert str(NAMED["ECDSA_WITH_SHA256_DER"]) == "ECDSA_WITH_SHA256_DER"


@pytest.mark.parametrize("kind", [*KINDS, "ECDSA-BP"])
def test_key_of_another_kind_does_not_verify_and_does_not_sign(kind: str) -> None:
    key = key_of(kind)
    fitting = schemes_for(key.kind, key.bits, ALL)
    for scheme in SCHEMES:
        if scheme not in fitting or (kind == "ECDSA-BP" and scheme.curve_bits):
            with pytest.raises(SignatureError):
                key.public_key.verify(scheme, b"octets", bytes(64))
            with pytest.raises(KeyLoadError, match="not possible"):
                key.sign(scheme, b"octets")


def test_ecdsa_signatures_are_deterministic() -> None:
    scheme = NAMED["ECDSA_WITH_SHA256_DER"]
    assert key_of("ECDSA-256").sign(scheme, b"octets") == key_of("ECDSA-256").sign(scheme, b"octets")


def test_other_encodings_of_an_identifier_are_understood() -> None:
    without_null = bytes.fromhex("300b06092a864886f70d01010b")
    assert scheme_of_algorithm_identifier(without_null).name == "RSA_EMSA_PKCS1_SHA2_256"
    without_trailer = bytes.fromhex(
        "304106092a864886f70d01010a3034a00f300d06096086480165030402010500"
        "a11c301a06092a864886f70d010108300d06096086480165030402010500a203020120"
    )
    assert scheme_of_algorithm_identifier(without_trailer).name == "RSA_EMSA_PSS_SHA2_256"


@given(st.integers(0, 20), st.binary(max_size=40))
def test_hostile_authentication_data_raises_signature_error_only(method: int, data: bytes) -> None:
    key = key_of("RSA").public_key
    with pytest.raises(SignatureError):
        key.verify(*hostile(method, data))


def hostile(method: int, data: bytes) -> tuple[Any, bytes, bytes]:
    scheme, signature = parse_authentication_data(method, data)
    return scheme, b"octets", signature


@given(st.binary(max_size=100))
def test_hostile_public_key_raises_malformed_key_error(der: bytes) -> None:
    with pytest.raises(MalformedKeyError):
        PublicKey.from_spki(der)


def test_public_key_survives_its_encoding() -> None:
    for kind in KINDS:
        key = key_of(kind).public_key
        again = PublicKey.from_spki(key.spki)
        assert again == key
        assert hash(again) == hash(key)
        assert (again.kind, again.bits, again.key_id) == (key.kind, key.bits, key.key_id)
        assert len(key.key_id) == len(key.subject_key_id) == 20
    assert str(key_of("RSA").public_key) == "RSA 2048 bits"


def test_public_key_of_a_useless_kind_is_refused() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        native = dsa.generate_private_key(1024)
        der = native.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        with pytest.raises(MalformedKeyError, match="unsupported kind"):
            PublicKey.from_spki(der)


@pytest.mark.parametrize("encoding", [Encoding.PEM, Encoding.DER])
@pytest.mark.parametrize("form", [PrivateFormat.PKCS8, PrivateFormat.TraditionalOpenSSL])
@pytest.mark.parametrize("kind", ["RSA", "ECDSA-384"])
def test_private_key_files_are_read(kind: str, form: PrivateFormat, encoding: Encoding) -> None:
    key = key_of(kind)
    data = key.native.private_bytes(encoding, form, serialization.NoEncryption())
    assert PrivateKey.load(data).public_der == key.public_der
    assert PrivateKey.load(data, Secret(b"not needed")).public_der == key.public_der


@pytest.mark.parametrize("encoding", [Encoding.PEM, Encoding.DER])
@pytest.mark.parametrize("kind", KINDS)
def test_encrypted_private_key_needs_its_passphrase(kind: str, encoding: Encoding) -> None:
    key = key_of(kind)
    encryption = serialization.BestAvailableEncryption(b"right")
    data = key.native.private_bytes(encoding, PrivateFormat.PKCS8, encryption)
    assert PrivateKey.load(data, Secret(b"right")).public_der == key.public_der
    with pytest.raises(KeyLoadError, match="passphrase does not decrypt"):
        PrivateKey.load(data, Secret(b"wrong"))
    with pytest.raises(KeyLoadError, match="no passphrase is configured"):
        PrivateKey.load(data)


def test_legacy_encrypted_pem_is_read() -> None:
    key = key_of("RSA")
    encryption = serialization.BestAvailableEncryption(b"right")
    data = key.native.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, encryption)
    assert b"DEK-Info" in data
    assert PrivateKey.load(data, Secret(b"right")).public_der == key.public_der


@pytest.mark.parametrize(
    ("data", "complaint"),
    [
        (b"", "no private key can be read"),
        (b"\x30\x03\x02\x01\x00", "no private key can be read"),
        (b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n", "no private key can be read"),
        (
            b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
            "a certificate, not a private key",
        ),
    ],
)
def test_file_without_a_private_key_is_explained(data: bytes, complaint: str) -> None:
    with pytest.raises(KeyLoadError, match=complaint):
        PrivateKey.load(data)


def test_private_key_of_a_useless_kind_is_refused() -> None:
    native = x25519.X25519PrivateKey.from_private_bytes(bytes(32))
    data = native.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, serialization.NoEncryption())
    with pytest.raises(KeyLoadError, match="neither RSA"):
        PrivateKey.load(data)


def test_enormous_rsa_key_is_refused() -> None:
    native = rsa.RSAPublicNumbers(65537, (1 << 16400) + 1).public_key()
    with pytest.raises(MalformedKeyError, match="16401 bits"):
        PublicKey.from_native(native)


def test_private_key_does_not_print_itself() -> None:
    assert repr(key_of("ED25519")) == "PrivateKey(ED25519 256 bits)"


@pytest.mark.parametrize(
    ("name", "scheme"),
    [
        ("ecdsa_secp256r1_sha256_test.json", "ECDSA_WITH_SHA256_DER"),
        ("ecdsa_secp384r1_sha384_test.json", "ECDSA_WITH_SHA384_DER"),
        ("ecdsa_secp521r1_sha512_test.json", "ECDSA_WITH_SHA512_DER"),
        ("ed25519_test.json", "ED25519"),
        ("ed448_test.json", "ED448"),
        ("rsa_signature_2048_sha256_test.json", "RSA_EMSA_PKCS1_SHA2_256"),
        ("rsa_pss_2048_sha256_mgf1_32_test.json", "RSA_EMSA_PSS_SHA2_256"),
        ("rsa_pss_4096_sha512_mgf1_64_test.json", "RSA_EMSA_PSS_SHA2_512"),
    ],
)
def test_wycheproof_signatures(name: str, scheme: str) -> None:
    if not (SHARED / name).exists():
        pytest.skip(f"no {name} beside the repository")
    for group in json.loads((SHARED / name).read_text())["testGroups"]:
        key = PublicKey.from_spki(bytes.fromhex(group["publicKeyDer"]))
        for case in group["tests"]:
            message, signature = bytes.fromhex(case["msg"]), bytes.fromhex(case["sig"])
            try:
                key.verify(NAMED[scheme], message, signature)
            except SignatureError:
                assert case["result"] in ("invalid", "acceptable"), case
            else:
                assert case["result"] in ("valid", "acceptable"), case
