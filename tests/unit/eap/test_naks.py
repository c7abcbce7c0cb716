"""Refusals of a method (RFC 3748, 5.3)."""

import pytest

from cygnet.base.errors import MalformedError
from cygnet.eap.naks import MAX_TYPES, build_nak, parse_nak
from cygnet.eap.packets import MSCHAPV2, NAK, TLS, Code, EapPacket, EapType, parse_packet

VENDOR = EapType(5, 9)
REQUEST = EapPacket(Code.REQUEST, 3, EapType(77))
EXPANDED = EapPacket(Code.REQUEST, 3, EapType(77), expanded=True)


def test_legacy_nak_names_ietf_types():
    nak = build_nak(REQUEST, [MSCHAPV2, VENDOR, TLS])
    assert nak.build() == bytes.fromhex("02030007 03 1a0d")
    assert parse_nak(nak) == (MSCHAPV2, TLS)


def test_legacy_nak_without_another_method_names_zero():
    nak = build_nak(REQUEST, [])
    assert (nak.data, parse_nak(nak)) == (b"\x00", ())


def test_expanded_nak_answers_an_expanded_type():
    nak = parse_packet(build_nak(EXPANDED, [TLS, VENDOR]).build())
    assert nak.data.hex() == "fe0000000000000d" + "fe00000900000005"
    assert (nak.type, parse_nak(nak)) == (NAK, (TLS, VENDOR))


def test_expanded_nak_without_another_method():
    nak = build_nak(EXPANDED, [])
    assert (len(nak.data), parse_nak(nak)) == (8, ())


def test_no_more_types_are_read_than_the_limit():
    many = EapPacket(Code.RESPONSE, 3, NAK, bytes(range(1, 200)))
    assert len(parse_nak(many)) == MAX_TYPES


@pytest.mark.parametrize("data", ["fd00000000000004", "fe000000"])
def test_malformed_expanded_nak(data):
    with pytest.raises(MalformedError):
        parse_nak(EapPacket(Code.RESPONSE, 3, NAK, bytes.fromhex(data), expanded=True))
