"""EAP packets (RFC 3748, 4)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cygnet.base.errors import MalformedError
from cygnet.eap.packets import IDENTITY, MD5, NAK, Code, EapPacket, EapType, parse_packet

ANY_TYPE = st.builds(EapType, st.integers(0, 2**32 - 1), st.integers(1, 2**24 - 1)) | st.builds(
    EapType, st.integers(0, 253), st.just(0)
)


def test_identity_request():
    assert EapPacket(Code.REQUEST, 7, IDENTITY).build() == bytes.fromhex("0107000501")


def test_success_has_no_type():
    assert EapPacket(Code.SUCCESS, 9).build() == bytes.fromhex("03090004")


def test_expanded_type_of_a_vendor():
    packet = parse_packet(bytes.fromhex("0201000e fe 000137 00000001 aabb"))
    assert (packet.type, packet.data) == (EapType(1, 311), b"\xaa\xbb")


def test_expanded_type_of_the_ietf_is_the_short_one():
    packet = parse_packet(bytes.fromhex("0101000c fe 000000 00000004"))
    assert (packet.type, packet.expanded) == (MD5, True)
    assert packet.reply(b"x").build() == bytes.fromhex("0201000d fe 000000 00000004 78")


@given(st.sampled_from([Code.REQUEST, Code.RESPONSE]), st.integers(0, 255), ANY_TYPE, st.binary(max_size=99))
def test_round_trip(code, identifier, type, data):
    packet = EapPacket(code, identifier, type, data, expanded=bool(type.vendor))
    assert parse_packet(packet.build()) == packet


def test_padding_behind_the_length_is_ignored():
    assert parse_packet(bytes.fromhex("03090004 0000")) == EapPacket(Code.SUCCESS, 9)


@pytest.mark.parametrize(
    ("octets", "words"),
    [
        ("", "4 octets expected"),
        ("010700", "4 octets expected"),
        ("01070003", "less than that of its header"),
        ("0107000a01", "6 octets expected"),
        ("01070004", "1 octets expected"),
        ("0507000501", "unknown code 5"),
        ("0307000501", "left over"),
        ("01070008fe000000", "7 octets expected"),
    ],
)
def test_malformed(octets, words):
    with pytest.raises(MalformedError, match=words):
        parse_packet(bytes.fromhex(octets))


def test_types_are_named():
    assert (str(NAK), str(EapType(77)), str(EapType(1, 311))) == (
        "EAP-Nak",
        "EAP type 77",
        "EAP type 1 of vendor 311",
    )
