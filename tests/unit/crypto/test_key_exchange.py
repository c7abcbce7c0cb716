"""Key exchange methods: published vectors, RFC 6989's tests, key pairs that a seed repeats."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cygnet.crypto import tables
from cygnet.crypto.errors import UnsupportedAlgorithmError
from cygnet.crypto.interfaces import Rng
from cygnet.crypto.key_exchange import InvalidKeError, ke_method
from cygnet.crypto.modp import ModpMethod, safe_prime

VECTOR_FOLDER = Path(__file__).parents[2] / "vectors"
VECTORS = json.loads((VECTOR_FOLDER / "key_exchange.json").read_text())["cases"]
SHARED = Path(__file__).parents[4] / "shared" / "reference" / "vectors" / "wycheproof"
WYCHEPROOF_FIELDS = ("public", "private", "shared")
NUMBERS = [row.number for row in tables.KEY_EXCHANGES]
KEMS = [number for number in NUMBERS if 35 <= number <= 37]
DIFFIE_HELLMAN = [number for number in NUMBERS if number not in KEMS]
# RFC 7296, appendix B; RFC 3526, 2 to 7
MODP = {1: (768, 149686), 2: (1024, 129093), 5: (1536, 741804), 14: (2048, 124476), 15: (3072, 1690314),
        16: (4096, 240904), 17: (6144, 929484), 18: (8192, 4743158)}  # fmt: skip


def rng_of(octets: bytes) -> Rng:
    """Chance that is these octets, with zeros in front."""
    return lambda size: octets.rjust(size, b"\0")


def rng_repeating(octet: int) -> Rng:
    return lambda size: bytes([octet]) * size


def rng_of_scalar(number: int, scalar: bytes) -> Rng:
    if number in (31, 32):
        return rng_of(scalar)
    return rng_of((int.from_bytes(scalar, "big") - 1).to_bytes(len(scalar), "big"))


def floor_of_pi_times_two_to_the(bits: int) -> int:
    """Machin's formula, with 64 bits to spare."""
    one = 1 << bits + 64

    def arctan_of_inverse(value: int) -> int:
        term = total = one // value
        divisor, sign = 3, -1
        while term:
            term //= value * value
            total += sign * (term // divisor)
            divisor, sign = divisor + 2, -sign
        return total

    return 4 * (4 * arctan_of_inverse(5) - arctan_of_inverse(239)) >> 64


@pytest.mark.parametrize("case", VECTORS, ids=lambda case: f"{case['number']}: {case['source']}")
def test_curve_vector(case: dict[str, Any]) -> None:
    method = ke_method(case["number"])
    secret_i, public_i, secret_r, public_r, shared = (
        bytes.fromhex(case[name]) for name in ("secret_i", "public_i", "secret_r", "public_r", "shared")
    )
    initiator = method.generate(rng_of_scalar(method.number, secret_i))
    responder = method.generate(rng_of_scalar(method.number, secret_r))
    assert (initiator.public, responder.public) == (public_i, public_r)
    assert initiator.shared(public_r).reveal() == responder.shared(public_i).reveal() == shared
    assert method.public_size == len(public_i)


@pytest.mark.parametrize("number", MODP)
def test_modp_prime_follows_its_formula(number: int) -> None:
    bits, addend = MODP[number]
    method = ke_method(number)
    assert isinstance(method, ModpMethod)
    pi = floor_of_pi_times_two_to_the(bits - 130)
    assert method.prime == safe_prime(bits, addend) == 2**bits - 2 ** (bits - 64) - 1 + 2**64 * (pi + addend)
    assert method.prime.bit_length() == bits
    assert pow(2, method.prime - 1, method.prime) == 1 == pow(3, (method.prime - 1) // 2, method.prime) ** 2


@pytest.mark.parametrize("number", [2, 14, 16])
def test_modp_is_exponentiation(number: int) -> None:
    method = ke_method(number)
    assert isinstance(method, ModpMethod)
    octets = bytes(range(7, 7 + method.exponent_octets))
    exponent = int.from_bytes(octets, "big") | 1 << (8 * len(octets) - 1)
    pair = method.generate(rng_of(octets))
    assert int.from_bytes(pair.public, "big") == pow(2, exponent, method.prime)
    peer = pow(2, 12345678901234567890, method.prime)
    secret = pair.shared(peer.to_bytes(method.public_size, "big"))
    assert int.from_bytes(secret.reveal(), "big") == pow(peer, exponent, method.prime)


def test_modp_secret_keeps_its_leading_zeros() -> None:
    """RFC 7296, 2.14: the shared secret is as long as the modulus."""
    method = ke_method(14)
    assert isinstance(method, ModpMethod)
    pair = method.generate(rng_of(b"\1"))
    exponent = 1 << 8 * method.exponent_octets - 1 | 1
    # a peer value whose power is small: the inverse power of 3
    value = pow(3, pow(exponent, -1, (method.prime - 1) // 2), method.prime)
    secret = pair.shared(value.to_bytes(256, "big")).reveal()
    assert len(secret) == 256
    assert int.from_bytes(secret, "big") in (3, method.prime - 3)


@pytest.mark.parametrize("number", NUMBERS)
def test_both_ends_agree_and_a_seed_repeats_them(number: int) -> None:
    method = ke_method(number)
    one, same, other = (method.generate(rng_repeating(octet)) for octet in (5, 5, 6))
    assert one.public == same.public != other.public
    answer, secret = method.answer(one.public, rng_repeating(6))
    assert (len(one.public), len(answer)) == (method.public_size, method.answer_size)
    assert one.shared(answer) == same.shared(answer) == secret
    if number in DIFFIE_HELLMAN:
        assert (answer, secret) == (other.public, other.shared(one.public))


@pytest.mark.parametrize("number", NUMBERS)
def test_responder_refuses_values_of_wrong_size(number: int) -> None:
    method = ke_method(number)
    for size in (0, method.public_size - 1, method.public_size + 1):
        with pytest.raises(InvalidKeError):
            method.answer(bytes(size), rng_repeating(6))


@pytest.mark.parametrize("number", DIFFIE_HELLMAN)
def test_values_that_rfc_6989_forbids_are_refused(number: int) -> None:
    method = ke_method(number)
    pair = method.generate(rng_repeating(0x55))
    size = method.public_size
    bad = [b"", bytes(size), bytes(size - 1), bytes(size + 1)]
    if isinstance(method, ModpMethod):
        prime = method.prime
        bad += [value.to_bytes(size, "big") for value in (1, prime - 1, prime, prime + 1)]
        bad.append(b"\xff" * size)
    elif number < 31:
        bad.append(pair.public[:-1] + bytes([pair.public[-1] ^ 1]))
    for value in bad:
        with pytest.raises(InvalidKeError):
            pair.shared(value)


@pytest.mark.parametrize("number", [14, 19, 30, 31, 32])
@given(peer=st.binary(max_size=300))
def test_hostile_public_values_raise_invalid_ke_error_only(number: int, peer: bytes) -> None:
    pair = ke_method(number).generate(rng_repeating(0x55))
    try:
        pair.shared(peer)
    except InvalidKeError:
        pass
    else:
        assert number in (14, 31, 32)


def test_unknown_method_is_refused() -> None:
    with pytest.raises(UnsupportedAlgorithmError):
        ke_method(38)


# draft-ietf-ipsecme-ikev2-mlkem, table 1
SIZES = {35: (800, 768), 36: (1184, 1088), 37: (1568, 1568)}
KEM_VECTORS = json.loads((VECTOR_FOLDER / "mlkem.json").read_text())["cases"]


@pytest.mark.parametrize("number", KEMS)
def test_kem_has_the_sizes_of_the_draft(number: int) -> None:
    method = ke_method(number)
    assert (method.public_size, method.answer_size) == SIZES[number]
    assert len(method.answer(method.generate(rng_repeating(1)).public, rng_repeating(2))[1].reveal()) == 32


@pytest.mark.parametrize("case", KEM_VECTORS, ids=lambda case: case["source"])
def test_kem_vector(case: dict[str, Any]) -> None:
    seed, public, ciphertext, shared = (
        bytes.fromhex(case[name]) for name in ("seed", "public", "ciphertext", "shared")
    )
    pair = ke_method(case["number"]).generate(rng_of(seed))
    assert pair.public == public
    assert pair.shared(ciphertext).reveal() == shared


@pytest.mark.parametrize("number", KEMS)
def test_each_answer_of_a_kem_is_another(number: int) -> None:
    method = ke_method(number)
    public = method.generate(rng_repeating(1)).public
    assert method.answer(public, rng_repeating(2))[0] != method.answer(public, rng_repeating(2))[0]


@pytest.mark.parametrize("number", KEMS)
def test_spoilt_ciphertext_yields_another_secret_and_a_wrong_size_is_refused(number: int) -> None:
    """Implicit rejection (FIPS 203, 6.3): what the peers then hold differs."""
    method = ke_method(number)
    pair = method.generate(rng_repeating(1))
    ciphertext, secret = method.answer(pair.public, rng_repeating(2))
    assert pair.shared(bytes([ciphertext[0] ^ 1]) + ciphertext[1:]) != secret
    for wrong in (b"", ciphertext[1:], ciphertext + b"\0", pair.public + b"\0"):
        with pytest.raises(InvalidKeError):
            pair.shared(wrong)


@pytest.mark.parametrize("number", KEMS)
def test_encapsulation_key_beyond_the_modulus_is_refused(number: int) -> None:
    """FIPS 203, 7.2: coefficients of 12 bits, all below 3329."""
    method = ke_method(number)
    public = method.generate(rng_repeating(1)).public
    with pytest.raises(InvalidKeError, match="modulus check"):
        method.answer(b"\xff\xff\xff" + public[3:], rng_repeating(2))


@pytest.mark.parametrize("number", KEMS)
def test_wycheproof_kem(number: int) -> None:
    bits = {35: 512, 36: 768, 37: 1024}[number]
    paths = [SHARED / f"mlkem_{bits}_{name}.json" for name in ("test", "encaps_test")]
    if not all(path.exists() for path in paths):
        pytest.skip("no Wycheproof files of ML-KEM beside the repository")
    method = ke_method(number)
    for case in (case for path in paths for group in json.loads(path.read_text())["testGroups"]
                 for case in group["tests"]):  # fmt: skip
        seed = bytes.fromhex(case.get("seed", ""))
        if "c" in case and len(seed) == 64:
            secret = method.generate(rng_of(seed)).shared(bytes.fromhex(case["c"]))
            assert secret.reveal().hex() == case["K"], case
        elif case["result"] == "invalid" and "m" in case:
            with pytest.raises(InvalidKeError):
                method.answer(bytes.fromhex(case["ek"]), rng_repeating(1))


@pytest.mark.parametrize(("name", "number"), [("x25519_test.json", 31), ("x448_test.json", 32)])
def test_wycheproof_montgomery(name: str, number: int) -> None:
    if not (SHARED / name).exists():
        pytest.skip(f"no {name} beside the repository")
    method = ke_method(number)
    for group in json.loads((SHARED / name).read_text())["testGroups"]:
        for case in group["tests"]:
            public, private, shared = (bytes.fromhex(case[field]) for field in WYCHEPROOF_FIELDS)
            if len(private) != method.public_size:
                continue
            pair = method.generate(rng_of(private))
            if case["result"] != "invalid" and any(shared):
                assert pair.shared(public).reveal() == shared, case
            else:
                with pytest.raises(InvalidKeError):
                    pair.shared(public)


@pytest.mark.parametrize(
    ("name", "number"),
    [
        ("ecdh_secp256r1_ecpoint_test.json", 19),
        ("ecdh_secp384r1_ecpoint_test.json", 20),
        ("ecdh_secp521r1_ecpoint_test.json", 21),
    ],
)
def test_wycheproof_ecp(name: str, number: int) -> None:
    if not (SHARED / name).exists():
        pytest.skip(f"no {name} beside the repository")
    for group in json.loads((SHARED / name).read_text())["testGroups"]:
        for case in group["tests"]:
            public, private, shared = (bytes.fromhex(case[field]) for field in WYCHEPROOF_FIELDS)
            if public[:1] != b"\4":
                continue
            pair = ke_method(number).generate(rng_of_scalar(number, private.lstrip(b"\0")))
            if case["result"] != "invalid":
                assert pair.shared(public[1:]).reveal() == shared, case
            else:
                with pytest.raises(InvalidKeError):
                    pair.shared(public[1:])
