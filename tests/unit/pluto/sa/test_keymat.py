"""Key material of IKEv1 against NIST's vectors, and against RFC 2409's formulas written down once more."""

import hmac
import json
from hashlib import sha256
from pathlib import Path

import pytest

from cygnet.base.secret import Secret
from cygnet.crypto.prf import prf
from cygnet.crypto.proposals import Protocol, parse_proposals
from cygnet.pluto.sa.keymat import (
    Covered,
    Nonces,
    Publics,
    Spis,
    child_keys,
    derive_keys,
    equal,
    expand_key,
    first_iv,
    further_keys,
    hash_1,
    hash_2,
    hash_3,
    keymat,
    phase1_hash,
    phase2_iv,
    skeyid_of_secret,
    skeyid_of_signatures,
)

VECTORS = json.loads((Path(__file__).parents[3] / "vectors" / "ikev1_kdf.json").read_text())
NONCES = Nonces(b"nonce of initiator", b"nonce of responder")
SHARED = Secret(b"g to the xy" * 3)
COOKIES = b"initiateresponde"
(IKE,) = parse_proposals("aes256-sha256-modp2048!", Protocol.IKE)
SKEYID = b"skeyid" * 5
KEYS = derive_keys(IKE, SKEYID, SHARED, COOKIES)


def mac(key, data):
    return hmac.digest(key, data, "sha256")


def octets(case):
    words = ("authentication", "kind")
    texts = ((name, value) for name, value in case.items() if isinstance(value, str))
    return {name: bytes.fromhex(value) for name, value in texts if name not in words}


@pytest.mark.parametrize("case", VECTORS["cases"], ids=lambda case: f"{case['authentication']} {case['prf']}")
def test_skeyid_and_what_follows_from_it(case):
    values, function = octets(case), prf(case["prf"])
    nonces, shared = Nonces(values["nonce_i"], values["nonce_r"]), Secret(values["shared"])
    if case["authentication"] == "psk":
        skeyid = skeyid_of_secret(function, Secret(values["secret"]), nonces)
    else:
        skeyid = skeyid_of_signatures(function, shared, nonces)
    assert skeyid == values["skeyid"]
    keys = further_keys(function, skeyid, shared, values["cookie_i"] + values["cookie_r"])
    assert keys == (values["skeyid_d"], values["skeyid_a"], values["skeyid_e"])


@pytest.mark.parametrize(
    "case", VECTORS["expansions"], ids=lambda case: f"{case['kind']} {case['prf']} {case['length']}"
)
def test_expansion(case):
    values, function = octets(case), prf(case["prf"])
    if case["kind"] == "key":
        made = expand_key(function, values["key"], case["length"])
    else:
        made = keymat(function, Secret(values["key"]), values["seed"], case["length"])
    assert made == values["out"]


def test_cipher_has_skeyid_e():
    from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

    _, _, skeyid_e = further_keys(KEYS.function, SKEYID, SHARED, COOKIES)
    independent = Cipher(algorithms.AES(skeyid_e), modes.CBC(bytes(16))).encryptor()
    assert KEYS.cipher.encrypt(bytes(16), bytes(32)) == independent.update(bytes(32))


def test_ivs_are_hashes():
    """RFC 2409, appendix B."""
    assert first_iv(KEYS, Publics(b"g^xi", b"g^xr")) == sha256(b"g^xig^xr").digest()[:16]
    assert phase2_iv(KEYS, b"last block", 0x01020304) == sha256(b"last block\1\2\3\4").digest()[:16]


def test_hashes_of_phase_1():
    """HASH_I = prf(SKEYID, g^xi | g^xr | CKY-I | CKY-R | SAi_b | IDii_b) (RFC 2409, 5)."""
    made = phase1_hash(KEYS.function, KEYS.skeyid, b"own", b"other", Covered(COOKIES, b"SAi_b", b"ID_b"))
    assert made == mac(SKEYID, b"ownother" + COOKIES + b"SAi_bID_b")


def test_hashes_of_quick_mode():
    """RFC 2409, 5.5."""
    key = KEYS.skeyid_a.reveal()
    assert hash_1(KEYS, 7, b"rest") == mac(key, b"\0\0\0\7rest")
    assert hash_2(KEYS, 7, b"Ni_b", b"rest") == mac(key, b"\0\0\0\7Ni_brest")
    assert hash_3(KEYS, 7, NONCES) == mac(key, b"\0\0\0\0\7" + NONCES.both)


@pytest.mark.parametrize("secret", [None, Secret(b"g(qm)^xy")])
def test_each_direction_has_its_receivers_spi_in_its_keys(secret):
    """KEYMAT = prf(SKEYID_d, [ g(qm)^xy | ] protocol | SPI | Ni_b | Nr_b) (RFC 2409, 5.5)."""
    (esp,) = parse_proposals("aes128-sha256!", Protocol.ESP)
    made = child_keys(KEYS, esp, NONCES, Spis(b"spiI", b"spiR"), secret)
    front = (secret.reveal() if secret else b"") + b"\3"
    for spi, parts in (
        (b"spiR", (made.encryption_i, made.integrity_i)),
        (b"spiI", (made.encryption_r, made.integrity_r)),
    ):
        key, seed = KEYS.skeyid_d.reveal(), front + spi + NONCES.both
        first = mac(key, seed)
        whole = first + mac(key, first + seed)
        assert parts[0].reveal() + parts[1].reveal() == whole[:48]


def test_hashes_are_compared():
    assert equal(b"one", b"one") and not equal(b"one", b"two")
