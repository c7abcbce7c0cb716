"""cygnet.wire.header"""

from dataclasses import replace

import pytest

from cygnet.base.errors import MalformedError
from cygnet.wire.header import FLAG_INITIATOR, FLAG_RESPONSE, FLAG_VERSION, HEADER_SIZE, Header

HEADER = Header(b"initiate", b"responde", 33, 2, 0, 34, FLAG_INITIATOR, 7, HEADER_SIZE)
OCTETS = b"initiateresponde" + bytes.fromhex("21 20 22 08 00000007 0000001c")


def test_header_is_read_and_written():
    assert Header.parse(OCTETS) == HEADER
    assert HEADER.build() == OCTETS


@pytest.mark.parametrize("size", [0, 1, 27])
def test_less_than_a_header_is_malformed(size):
    with pytest.raises(MalformedError, match="of 28"):
        Header.parse(OCTETS[:size])


@pytest.mark.parametrize("length", [0, 27, 29, 0xFFFFFFFF])
def test_length_must_be_that_of_the_datagram(length):
    with pytest.raises(MalformedError, match=f"length {length}"):
        Header.parse(replace(HEADER, length=length).build())


def test_trailing_octets_are_malformed():
    with pytest.raises(MalformedError, match="29 octets"):
        Header.parse(OCTETS + b"\0")


def test_any_version_and_flags_are_read():
    odd = replace(HEADER, major=15, minor=9, flags=0xFF)
    assert Header.parse(odd.build()) == odd


@pytest.mark.parametrize(("flags", "initiator", "response"), [
    (FLAG_INITIATOR, True, False),
    (FLAG_RESPONSE | FLAG_VERSION, False, True),
    (FLAG_INITIATOR | FLAG_RESPONSE, True, True),
])  # fmt: skip
def test_flags_say_sender_and_kind(flags, initiator, response):
    header = replace(HEADER, flags=flags)
    assert (header.from_initiator, header.is_response) == (initiator, response)
