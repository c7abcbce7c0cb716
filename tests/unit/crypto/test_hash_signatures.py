"""cygnet.crypto.hash_signatures"""

import hashlib

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

from cygnet.crypto.errors import SignatureError
from cygnet.crypto.hash_signatures import PLAIN_ECDSA, PLAIN_RSA
from cygnet.crypto.signatures import KeyLoadError, PrivateKey

RSA = PrivateKey(rsa.generate_private_key(65537, 2048))
CURVES = {one.name: PrivateKey(ec.generate_private_key(one)) for one in (ec.SECP256R1(), ec.SECP521R1())}
HASHES = {name: hashlib.new(name, b"message").digest() for name in ("sha1", "sha256", "sha384", "sha512")}


@pytest.mark.parametrize("digest", HASHES.values(), ids=HASHES)
@pytest.mark.parametrize("key", [RSA, *CURVES.values()], ids=["rsa", *CURVES])
def test_signature_verifies_over_its_own_hash_only(key, digest):
    scheme = PLAIN_RSA if key is RSA else PLAIN_ECDSA
    signature = key.sign(scheme, digest)
    key.public_key.verify(scheme, digest, signature)
    with pytest.raises(SignatureError):
        key.public_key.verify(scheme, digest[::-1], signature)
    with pytest.raises(SignatureError):
        key.public_key.verify(scheme, digest, signature[:-1])


def test_rsa_pads_the_bare_hash():
    """0 1 FF .. FF 0 hash (PKCS #1, block type 1), and no DigestInfo."""
    native = RSA.public_key.native
    signature = int.from_bytes(RSA.sign(PLAIN_RSA, HASHES["sha256"]), "big")
    block = pow(signature, 65537, native.public_numbers().n).to_bytes(256, "big")
    assert block == b"\0\1" + b"\xff" * (256 - 3 - 32) + b"\0" + HASHES["sha256"]


def test_rsa_signature_with_the_name_of_the_hash_is_refused():
    signature = RSA.native.sign(b"message", padding.PKCS1v15(), hashes.SHA256())
    with pytest.raises(SignatureError):
        RSA.public_key.verify(PLAIN_RSA, HASHES["sha256"], signature)


def test_ecdsa_takes_the_hash_for_the_digest():
    key = CURVES["secp256r1"]
    signature = key.sign(PLAIN_ECDSA, HASHES["sha256"])
    r, s = (int.from_bytes(one, "big") for one in (signature[:32], signature[32:]))
    key.public_key.native.verify(encode_dss_signature(r, s), b"message", ec.ECDSA(hashes.SHA256()))


def test_keys_of_other_kinds_and_other_sizes_are_refused():
    other = PrivateKey(ed25519.Ed25519PrivateKey.generate())
    for scheme in (PLAIN_RSA, PLAIN_ECDSA):
        with pytest.raises(KeyLoadError):
            other.sign(scheme, HASHES["sha256"])
        with pytest.raises(SignatureError):
            other.public_key.verify(scheme, HASHES["sha256"], bytes(64))
    with pytest.raises(KeyLoadError):
        CURVES["secp256r1"].sign(PLAIN_ECDSA, b"no hash")
