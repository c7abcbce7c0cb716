"""Integrity algorithms against the vectors of their RFCs."""

import json
from pathlib import Path
from typing import Any

import pytest

from cygnet.crypto import tables

VECTORS = json.loads((Path(__file__).parents[2] / "vectors" / "integrity.json").read_text())["cases"]
SHARED = Path(__file__).parents[4] / "shared" / "reference" / "vectors" / "wycheproof"


@pytest.mark.parametrize("case", VECTORS, ids=lambda case: f"{case['number']}: {case['source']}")
def test_integrity_vector(case: dict[str, Any]) -> None:
    row = tables.integrity(case["number"])
    assert row is not None
    key, data, icv = (bytes.fromhex(case[name]) for name in ("key", "data", "icv"))
    mac = row.mac(key, row.icv)
    assert mac(data) == icv
    assert len(icv) == row.icv


@pytest.mark.parametrize("row", tables.INTEGRITY, ids=lambda row: row.name)
def test_parts_are_one_message(row: tables.Integrity) -> None:
    mac = row.mac(bytes(row.key), row.icv)
    whole = bytes(range(50))
    assert mac(whole) == mac(whole[:7], b"", whole[7:33], whole[33:]) == mac(whole)


@pytest.mark.parametrize(
    ("name", "number"),
    [
        ("hmac_sha1_test.json", 2),
        ("hmac_sha256_test.json", 5),
        ("hmac_sha384_test.json", 6),
        ("hmac_sha512_test.json", 7),
    ],
)
def test_wycheproof_hmac(name: str, number: int) -> None:
    if not (SHARED / name).exists():
        pytest.skip(f"no {name} beside the repository")
    row = tables.prf_algorithm(number)
    assert row is not None
    for group in json.loads((SHARED / name).read_text())["testGroups"]:
        for case in group["tests"]:
            key, message, tag = (bytes.fromhex(case[field]) for field in ("key", "msg", "tag"))
            right = row.mac(key, len(tag))(message) == tag
            assert right == (case["result"] == "valid"), case
