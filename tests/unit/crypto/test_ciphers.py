"""Sealers against published vectors, tampering, and the sizes that IKE and ESP build on."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cygnet.crypto import tables
from cygnet.crypto.ciphers import IntegrityError, Sealer, key_sizes, sealer
from cygnet.crypto.errors import UnsupportedAlgorithmError
from cygnet.crypto.transforms import Transform

VECTORS = json.loads((Path(__file__).parents[2] / "vectors" / "encryption.json").read_text())["cases"]
SHARED = Path(__file__).parents[4] / "shared" / "reference" / "vectors" / "wycheproof"
ENCR, INTEG = 1, 3
SHA256 = Transform(INTEG, 12)


def transforms_of_all_rows() -> list[tuple[Transform, Transform | None]]:
    encryptions = [
        Transform(ENCR, row.number, 0 if row.fixed_key else bits)
        for row in tables.ENCRYPTION
        for bits in row.key_bits
    ]
    pairs: list[tuple[Transform, Transform | None]] = []
    for item in encryptions:
        row = tables.encryption(item.number)
        macs = [None] if row and row.aead else [Transform(INTEG, mac.number) for mac in tables.INTEGRITY]
        pairs += [(item, mac) for mac in macs]
    return pairs


AEAD_VECTORS = [case for case in VECTORS if "sealed" in case]
BLOCK_MODE_VECTORS = [case for case in VECTORS if "sealed" not in case]
PAIRS = transforms_of_all_rows()


def sealer_with_any_key(encryption: Transform, integrity: Transform | None) -> Sealer:
    enc, integ = key_sizes(encryption, integrity)
    key = (bytes(range(1, 256)) * 2)[:enc]
    return sealer(encryption, integrity, key, bytes(integ))


def octets(case: dict[str, Any], *names: str) -> tuple[bytes, ...]:
    return tuple(bytes.fromhex(case.get(name, "")) for name in names)


@pytest.mark.parametrize("case", AEAD_VECTORS, ids=lambda case: case["source"])
def test_aead_vector(case: dict[str, Any]) -> None:
    key, salt, iv, aad, plaintext, sealed = octets(case, "key", "salt", "iv", "aad", "plaintext", "sealed")
    row = tables.encryption(case["number"])
    assert row is not None
    transform = Transform(ENCR, row.number, 0 if row.fixed_key else 8 * len(key))
    cipher = sealer(transform, None, key + salt)
    assert cipher.seal(iv, plaintext, aad) == sealed
    assert cipher.open(iv, sealed, aad) == plaintext


@pytest.mark.parametrize("case", BLOCK_MODE_VECTORS, ids=lambda case: case["source"])
def test_block_mode_vector(case: dict[str, Any]) -> None:
    key, salt, iv, plaintext, ciphertext = octets(case, "key", "salt", "iv", "plaintext", "ciphertext")
    row = tables.encryption(case["number"])
    assert row is not None
    transform = Transform(ENCR, row.number, 0 if row.fixed_key else 8 * len(key))
    cipher = sealer(transform, SHA256, key + salt, bytes(32))
    sealed = cipher.seal(iv, plaintext, b"aad")
    assert sealed[:-16] == ciphertext
    assert cipher.open(iv, sealed, b"aad") == plaintext


@pytest.mark.parametrize(("encryption", "integrity"), PAIRS, ids=str)
def test_what_was_sealed_opens_and_what_was_changed_does_not(
    encryption: Transform, integrity: Transform | None
) -> None:
    cipher = sealer_with_any_key(encryption, integrity)
    iv, plaintext, aad = bytes(range(cipher.iv_size)), bytes(5 * 16), b"header"
    sealed = cipher.seal(iv, plaintext, aad)
    assert len(sealed) == len(plaintext) + cipher.icv_size
    assert cipher.open(iv, sealed, aad) == plaintext
    for place in (0, len(plaintext), len(sealed) - 1):
        changed = bytearray(sealed)
        changed[place] ^= 1
        with pytest.raises(IntegrityError):
            cipher.open(iv, bytes(changed), aad)
    with pytest.raises(IntegrityError):
        cipher.open(iv, sealed, aad + b"x")
    if iv:
        with pytest.raises(IntegrityError):
            cipher.open(bytes(len(iv)), sealed, aad)


@pytest.mark.parametrize(("encryption", "integrity"), PAIRS, ids=str)
def test_many_at_once_are_as_one_by_one(encryption: Transform, integrity: Transform | None) -> None:
    cipher = sealer_with_any_key(encryption, integrity)
    ivs = [bytes((number,)) * cipher.iv_size for number in range(4)]
    texts, aads = [bytes((number,)) * 32 for number in range(4)], [bytes((number,)) for number in range(4)]
    trailers = [b"high", b"", b"x", b"y"]
    places = [memoryview(bytearray(32 + cipher.icv_size)) for _ in texts]
    cipher.seal_all(zip(ivs, texts, aads, trailers, places, strict=True))
    parts = list(zip(ivs, texts, aads, trailers, strict=True))
    assert list(map(bytes, places)) == [cipher.seal(*part) for part in parts]
    places[2][-1] ^= 1
    opened = [memoryview(bytearray(32)) for _ in texts]
    assert cipher.open_all(zip(map(memoryview, ivs), places, aads, trailers, opened, strict=True)) == [2]
    assert [bytes(opened[number]) for number in (0, 1, 3)] == [texts[number] for number in (0, 1, 3)]


@pytest.mark.parametrize(("encryption", "integrity"), PAIRS, ids=str)
def test_receiver_that_has_sealed_nothing_opens(encryption: Transform, integrity: Transform | None) -> None:
    sender = sealer_with_any_key(encryption, integrity)
    iv, plaintext = bytes(sender.iv_size), bytes(32)
    sealed = sender.seal(iv, plaintext, b"")
    assert sealer_with_any_key(encryption, integrity).open(iv, sealed, b"") == plaintext
    opened = memoryview(bytearray(32))
    work = [(memoryview(iv), memoryview(sealed), b"", b"", opened)]
    assert sealer_with_any_key(encryption, integrity).open_all(work) == []
    assert bytes(opened) == plaintext


@pytest.mark.parametrize(("encryption", "integrity"), PAIRS[::7], ids=str)
@given(sealed=st.binary(max_size=80), iv=st.binary(max_size=20))
def test_hostile_octets_raise_integrity_error_only(
    encryption: Transform, integrity: Transform | None, sealed: bytes, iv: bytes
) -> None:
    with pytest.raises(IntegrityError):
        sealer_with_any_key(encryption, integrity).open(iv, sealed, b"")


def test_trailer_is_authenticated_where_integrity_is_apart() -> None:
    cipher = sealer_with_any_key(Transform(ENCR, 12, 128), SHA256)
    sealed = cipher.seal(bytes(16), bytes(16), b"spi and sequence", b"high")
    assert cipher.open(bytes(16), sealed, b"spi and sequence", b"high") == bytes(16)
    with pytest.raises(IntegrityError):
        cipher.open(bytes(16), sealed, b"spi and sequence", b"hihg")


@pytest.mark.parametrize(
    ("encryption", "integrity", "sizes"),
    [
        (Transform(ENCR, 20, 128), None, (20, 0)),
        (Transform(ENCR, 20, 256), SHA256, (36, 0)),
        (Transform(ENCR, 16, 256), None, (35, 0)),
        (Transform(ENCR, 28), None, (36, 0)),
        (Transform(ENCR, 28, 256), None, (36, 0)),
        (Transform(ENCR, 12, 192), Transform(INTEG, 2), (24, 20)),
        (Transform(ENCR, 13, 128), Transform(INTEG, 14), (20, 64)),
        (Transform(ENCR, 11), SHA256, (0, 32)),
        (Transform(ENCR, 3), Transform(INTEG, 13), (24, 48)),
    ],
)
def test_key_sizes(encryption: Transform, integrity: Transform | None, sizes: tuple[int, int]) -> None:
    assert key_sizes(encryption, integrity) == sizes


@pytest.mark.parametrize(
    ("encryption", "integrity"),
    [
        (Transform(ENCR, 999), SHA256),
        (Transform(ENCR, 12), SHA256),
        (Transform(ENCR, 12, 129), SHA256),
        (Transform(ENCR, 12, 128), None),
        (Transform(ENCR, 12, 128), Transform(INTEG, 0)),
        (Transform(ENCR, 12, 128), Transform(INTEG, 999)),
    ],
)
def test_impossible_transforms_are_refused(encryption: Transform, integrity: Transform | None) -> None:
    with pytest.raises(UnsupportedAlgorithmError):
        key_sizes(encryption, integrity)


def test_keys_of_the_wrong_length_are_refused() -> None:
    with pytest.raises(ValueError, match="wrong key length"):
        sealer(Transform(ENCR, 20, 128), None, bytes(16))


@pytest.mark.parametrize(
    ("name", "numbers"),
    [
        ("aes_gcm_test.json", {128: 20}),
        ("aes_ccm_test.json", {64: 14, 96: 15, 128: 16}),
        ("chacha20_poly1305_test.json", {128: 28}),
    ],
)
def test_wycheproof_aead(name: str, numbers: dict[int, int]) -> None:
    if not (SHARED / name).exists():
        pytest.skip(f"no {name} beside the repository")
    done = 0
    for group in json.loads((SHARED / name).read_text())["testGroups"]:
        number = numbers.get(group["tagSize"])
        row = tables.encryption(number or 0)
        if row is None or group["ivSize"] != 8 * (row.salt + row.iv):
            continue
        for case in group["tests"]:
            check_wycheproof_aead(row, case)
            done += 1
    assert done


def check_wycheproof_aead(row: tables.Encryption, case: dict[str, Any]) -> None:
    key, nonce, aad, message, ciphertext, tag = octets(case, "key", "iv", "aad", "msg", "ct", "tag")
    transform = Transform(ENCR, row.number, 0 if row.fixed_key else 8 * len(key))
    cipher = sealer(transform, None, key + nonce[: row.salt])
    iv = nonce[row.salt :]
    if case["result"] == "valid":
        assert cipher.seal(iv, message, aad) == ciphertext + tag
        assert cipher.open(iv, ciphertext + tag, aad) == message
    else:
        with pytest.raises(IntegrityError):
            cipher.open(iv, ciphertext + tag, aad)
