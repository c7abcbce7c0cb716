"""cygnet.charon.encoding.payloads.configuration"""

import pytest

from cygnet.base.errors import MalformedError
from cygnet.charon.encoding.payloads import Attribute, AttributeType, Configuration, ConfigurationType

REQUEST = Configuration(
    ConfigurationType.REQUEST,
    (Attribute(AttributeType.INTERNAL_IP4_ADDRESS), Attribute(AttributeType.INTERNAL_IP4_DNS)),
)
REPLY = Configuration(
    ConfigurationType.REPLY,
    (Attribute(1, b"\x0a\0\0\1"), Attribute(3, b"abcd"), Attribute(3, b"efgh")),
)


@pytest.mark.parametrize(("payload", "octets"), [
    (REQUEST, "01 000000 0001 0000 0003 0000"),
    (REPLY, "02 000000 0001 0004 0a000001 0003 0004 61626364 0003 0004 65666768"),
    (Configuration(9), "09 000000"),
])  # fmt: skip
def test_attributes_are_read_and_written(payload, octets):
    assert payload.build() == bytes.fromhex(octets)
    assert Configuration.parse(bytes.fromhex(octets)) == payload


def test_reserved_bit_of_an_attribute_is_ignored():
    assert Configuration.parse(bytes.fromhex("01000000 80010000")) == Configuration(1, (Attribute(1),))


@pytest.mark.parametrize("octets", ["", "010000", "01000000 00", "01000000 0001ffff", "01000000 00010001"])
def test_attributes_past_the_end_are_malformed(octets):
    with pytest.raises(MalformedError):
        Configuration.parse(bytes.fromhex(octets))


def test_too_many_attributes_are_refused():
    Configuration.parse(bytes(4) + bytes(4) * 256)
    with pytest.raises(MalformedError, match="more than 256"):
        Configuration.parse(bytes(4) + bytes(4) * 257)


def test_values_of_one_type_are_picked():
    assert REPLY.values(AttributeType.INTERNAL_IP4_DNS) == (b"abcd", b"efgh")
    assert REPLY.values(AttributeType.INTERNAL_IP6_DNS) == ()


@pytest.mark.parametrize(("payload", "text"), [
    (REQUEST, "CPRQ(ADDR DNS)"),
    (REPLY, "CPRP(ADDR DNS DNS)"),
    (Configuration(9, (Attribute(99),)), "CP(9)((99))"),
])  # fmt: skip
def test_description_names_the_attributes(payload, text):
    assert payload.describe() == text
