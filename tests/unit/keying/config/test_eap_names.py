"""Names of EAP methods."""

import pytest

from cygnet.eap.packets import IDENTITY, MSCHAPV2, EapType
from cygnet.keying.config.eap_names import KEYWORDS, eap_name, eap_type


@pytest.mark.parametrize("keyword", KEYWORDS)
def test_every_keyword_has_its_name(keyword: str) -> None:
    kind = eap_type(keyword)
    assert kind is not None
    assert eap_name(kind) == f"EAP_{keyword.upper()}"


@pytest.mark.parametrize(
    ("kind", "name"), [(IDENTITY, "EAP_IDENTITY"), (EapType(18), "EAP_18"), (EapType(1, 9), "EAP_1-9")]
)
def test_types_without_keyword_have_a_name_too(kind: EapType, name: str) -> None:
    assert eap_name(kind) == name


@pytest.mark.parametrize(("word", "kind"), [("26", MSCHAPV2), ("18", None), ("radius", None), ("9999", None)])
def test_numbers_are_read_where_the_method_is_ours(word: str, kind: EapType | None) -> None:
    assert eap_type(word) == kind
