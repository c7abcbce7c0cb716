"""DER's own rules: one length, one element, nothing behind it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cygnet.cert import der


@pytest.mark.parametrize(
    "octets",
    ["", "30", "3001", "3080", "308100", "30810100", "3082000100", "3085000000000100", "1f0100", "30000000"],
)
def test_octets_that_are_not_der_are_refused(octets: str) -> None:
    with pytest.raises(ValueError, match="DER"):
        der.read(bytes.fromhex(octets))


@given(st.binary(max_size=300), st.integers(0, 30))
def test_element_survives_writing_and_reading(content: bytes, tag: int) -> None:
    element = der.read(der.encode(tag, content))
    assert (element.tag, element.content) == (tag, content)


def test_other_tag_than_the_grammars_is_refused() -> None:
    with pytest.raises(ValueError, match="0x02 where 0x30 is expected"):
        der.read(b"\2\1\0", der.SEQUENCE)
    with pytest.raises(ValueError, match="no elements inside"):
        der.read(b"\2\1\0").children()


def test_leaves_are_read() -> None:
    assert der.read(der.integer(-5)).integer() == -5
    assert der.read(der.identifier("1.2.3")).oid() == "1.2.3"
    assert der.read(der.bit_string(b"ab")).octets() == b"ab"
    with pytest.raises(ValueError, match="whole octets"):
        der.read(der.bit_string(b"\xf0", 4)).octets()
    assert der.set_of([b"\2\1\2", b"\2\1\1"]).hex() == "3106020101020102"


def test_too_many_elements_are_refused() -> None:
    with pytest.raises(ValueError, match="more than"):
        der.elements(b"\5\0" * (der.MAX_ELEMENTS + 1))
