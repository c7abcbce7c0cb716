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

VECTORS = json.loads((Path(__file__).parents[2] / "vectors" / "key_exchange.json").read_text())["cases"]
SHARED = Path(__file__).parents[4] / "shared" / "reference" / "vectors" / "wycheproof"
WYCHEPROOF_FIELDS = ("public", "private", "shared")
NUMBERS = [row.number for row in tables.KEY_EXCHANGES]
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
    assert len(one.public) == method.public_size
    assert one.shared(other.public) == other.shared(one.public)


@pytest.mark.parametrize("number", NUMBERS)
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
        ke_method(35)


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
