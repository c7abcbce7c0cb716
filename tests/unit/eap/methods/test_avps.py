"""Attribute-value pairs of EAP-TTLS (RFC 5281, 10)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cygnet.base.errors import MalformedError
from cygnet.eap.methods.avps import (
    EAP_MESSAGE,
    KNOWN,
    MAX_AVPS,
    MS_CHAP_CHALLENGE,
    USER_NAME,
    build_avps,
    parse_avps,
)


def test_plain_and_vendor_attributes():
    octets = build_avps(((USER_NAME, b"carol"), (MS_CHAP_CHALLENGE, b"x")))
    assert octets.hex() == (
        "00000001 4000000d 6361726f6c 000000" + "0000000b c000000d 00000137 78 000000"
    ).replace(" ", "")
    assert parse_avps(octets) == {USER_NAME: b"carol", MS_CHAP_CHALLENGE: b"x"}


@given(st.dictionaries(st.sampled_from(sorted(KNOWN, key=repr)), st.binary(max_size=50)))
def test_round_trip(pairs):
    assert parse_avps(build_avps(pairs.items())) == pairs


def test_padding_may_be_missing_at_the_end():
    assert parse_avps(bytes.fromhex("0000004f 40000009 aa")) == {EAP_MESSAGE: b"\xaa"}


def test_unknown_attributes_are_ignored_unless_mandatory():
    assert parse_avps(bytes.fromhex("00000063 00000008")) == {}
    with pytest.raises(MalformedError, match="mandatory AVP 99 of vendor 0 is not known"):
        parse_avps(bytes.fromhex("00000063 40000008"))


def test_first_of_a_kind_counts():
    assert parse_avps(build_avps(((USER_NAME, b"a"), (USER_NAME, b"b")))) == {USER_NAME: b"a"}


@pytest.mark.parametrize(
    "octets",
    [
        "0000000140",
        "00000001 40000007",
        "00000001 c0000008 00000000",
        "00000001 400000ff 00",
        "00000063 00000008" * (MAX_AVPS + 1),
    ],
)
def test_malformed(octets):
    with pytest.raises(MalformedError):
        parse_avps(bytes.fromhex(octets))
