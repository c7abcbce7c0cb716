"""PRFs, prf+ and the key derivation of IKEv2 built from them."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from cygnet.crypto.errors import UnsupportedAlgorithmError
from cygnet.crypto.prf import prf, prf_plus

VECTORS = Path(__file__).parents[2] / "vectors"
CAVS = Path(__file__).parents[4] / "shared" / "reference" / "vectors" / "nist-cavs-ike" / "ikev2.rsp"
PRF_OF_HASH = {"SHA-1": 2, "SHA-256": 5, "SHA-384": 6, "SHA-512": 7}


def cases(name: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads((VECTORS / name).read_text())["cases"]
    return found


@pytest.mark.parametrize("case", cases("prf.json"), ids=lambda case: f"{case['number']}: {case['source']}")
def test_prf_vector(case: dict[str, Any]) -> None:
    function = prf(case["number"])
    key, data, out = (bytes.fromhex(case[name]) for name in ("key", "data", "out"))
    assert function(key, data) == out
    assert function.size == len(out)


@pytest.mark.parametrize("case", cases("ike_kdf.json"), ids=lambda case: f"PRF {case['prf']}")
def test_key_derivation_vector(case: dict[str, Any]) -> None:
    values = {name: bytes.fromhex(value) for name, value in case.items() if isinstance(value, str)}
    check_key_derivation(case["prf"], values)


def test_key_derivation_of_all_cavs_cases() -> None:
    if not CAVS.exists():
        pytest.skip("no NIST CAVS file beside the repository")
    done = 0
    for number, values in cavs_cases(CAVS.read_text()):
        check_key_derivation(number, values)
        done += 1
    assert done == 42


def check_key_derivation(number: int, values: dict[str, bytes]) -> None:
    """RFC 7296, 2.14, 2.17 and 2.18, from the PRF and prf+ alone."""
    function = prf(number)
    nonces = values["nonce_i"] + values["nonce_r"]
    assert function.nonce_key(values["nonce_i"], values["nonce_r"]) == nonces
    skeyseed = function(nonces, values["shared"])
    assert skeyseed == values["skeyseed"]
    seed = nonces + values["spi_i"] + values["spi_r"]
    keymat = prf_plus(function, skeyseed, seed, len(values["keymat"]))
    assert keymat == values["keymat"]
    sk_d = keymat[: function.size]
    assert prf_plus(function, sk_d, nonces, len(values["child_keymat"])) == values["child_keymat"]
    pfs = values["shared_new"] + nonces
    assert prf_plus(function, sk_d, pfs, len(values["child_keymat_pfs"])) == values["child_keymat_pfs"]
    assert function(sk_d, pfs) == values["skeyseed_rekeyed"]


def cavs_cases(text: str) -> Iterator[tuple[int, dict[str, bytes]]]:
    names = {
        "Ni": "nonce_i", "Nr": "nonce_r", "SPIi": "spi_i", "SPIr": "spi_r", "g^ir": "shared",
        "g^ir (new)": "shared_new", "SKEYSEED": "skeyseed", "DKM": "keymat", "DKM(Child SA)": "child_keymat",
        "DKM(Child SA D-H)": "child_keymat_pfs", "SKEYSEED(Rekey)": "skeyseed_rekeyed",
    }  # fmt: skip
    number, values = 0, {}
    for line in text.splitlines():
        if found := re.fullmatch(r"\[(SHA-\d+)\]", line):
            number = PRF_OF_HASH[found[1]]
        elif not line.startswith("[") and " = " in line:
            name, value = line.split(" = ")
            values |= {names[name]: bytes.fromhex(value)} if name in names else {}
            if name == "SKEYSEED(Rekey)":
                yield number, values
                values = {}


def test_prf_with_a_fixed_key_uses_eight_octets_of_each_nonce() -> None:
    nonce_i, nonce_r = bytes(range(32)), bytes(range(100, 132))
    assert prf(4).nonce_key(nonce_i, nonce_r) == nonce_i[:8] + nonce_r[:8]
    assert prf(5).nonce_key(nonce_i, nonce_r) == nonce_i + nonce_r


def test_prf_plus_ends_where_its_counter_does() -> None:
    function = prf(5)
    assert len(prf_plus(function, b"k", b"s", 255 * 32)) == 255 * 32
    assert prf_plus(function, b"k", b"s", 0) == b""
    with pytest.raises(ValueError, match="255"):
        prf_plus(function, b"k", b"s", 255 * 32 + 1)


def test_unknown_prf_is_refused() -> None:
    with pytest.raises(UnsupportedAlgorithmError):
        prf(999)
