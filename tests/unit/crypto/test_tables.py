"""Every row: unique, sized as its registry says, and shown right by a vector."""

import json
from pathlib import Path

import pytest

from cygnet.crypto import tables
from cygnet.crypto.tables import TransformType

VECTORS = Path(__file__).parents[2] / "vectors"


def numbers_with_a_vector(name: str) -> set[int]:
    return {case["number"] for case in json.loads((VECTORS / name).read_text())["cases"]}


@pytest.mark.parametrize("kind", [1, 2, 3, 4, 5])
def test_numbers_and_names_of_a_type_are_unique(kind: int) -> None:
    rows = tables.TABLES[kind]
    assert len({row.number for row in rows}) == len({row.name for row in rows}) == len(rows)


def test_keywords_are_unique_over_all_types() -> None:
    words = [word.text for kind in range(1, 6) for row in tables.TABLES[kind] for word in row.keywords]
    assert len(words) == len(set(words)) == len(list(tables.keywords()))


@pytest.mark.parametrize(
    ("name", "rows"),
    [("encryption.json", tables.ENCRYPTION), ("integrity.json", tables.INTEGRITY), ("prf.json", tables.PRFS)],
)
def test_each_algorithm_has_a_vector(name: str, rows: tuple[tables.Algorithm, ...]) -> None:
    assert {row.number for row in rows} == numbers_with_a_vector(name)


def test_each_curve_and_kem_has_a_vector() -> None:
    others = {row.number for row in tables.KEY_EXCHANGES if not row.name.startswith("MODP")}
    kems = {row.number for row in tables.KEY_EXCHANGES if row.name.startswith("ML_KEM")}
    assert others - kems == numbers_with_a_vector("key_exchange.json")
    assert kems and kems <= numbers_with_a_vector("mlkem.json") | {35}


def test_each_row_constructs_one_way() -> None:
    for row in tables.ENCRYPTION:
        assert (row.seal is None) != (row.mode is None), row.name
        assert row.aead == bool(row.icv), row.name


def test_weak_rows_are_those_of_rfc_8247() -> None:
    weak = {row.name for rows in tables.TABLES.values() for row in rows if row.weak}
    assert weak == {
        "DES_CBC", "HMAC_MD5_96", "HMAC_MD5_128", "PRF_HMAC_MD5", "MODP_768", "MODP_1024", "MODP_1536",
    }  # fmt: skip


def test_lookups_find_rows_and_nothing_else() -> None:
    row = tables.by_number(TransformType.ENCR, 20)
    assert row is not None and row.name == "AES_GCM_16"
    assert tables.by_number(TransformType.ENCR, 999) is None
    assert tables.by_number(99, 1) is None
    assert tables.by_number(TransformType.ADDKE1, 31) is tables.by_number(TransformType.KE, 31)
    assert tables.by_keyword("aes256gcm16") == (TransformType.ENCR, row, 256)
    assert tables.by_keyword("nonsense") is None
    x448 = tables.by_number(TransformType.KE, 32)
    assert tables.by_keyword("ke7_x448") == (TransformType.ADDKE7, x448, 0)
    for word in ("ke0_x448", "ke8_x448", "ke1_aes128", "ke1_", "ke1_ke2_x448"):
        assert tables.by_keyword(word) is None
    assert tables.encryption(999) is tables.integrity(999) is None
    assert tables.prf_algorithm(999) is tables.key_exchange(999) is None
