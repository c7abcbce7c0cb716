"""The packets inside EAP-MSCHAPv2."""

import pytest

from cygnet.base.errors import MalformedError
from cygnet.eap.methods.mschapv2_packets import (
    Frame,
    Operation,
    build_challenge,
    build_response,
    failure_text,
    parse_challenge,
    parse_frame,
    parse_response,
    signature,
)

CHALLENGE, NT = bytes(range(16)), bytes(range(24))


def test_frame():
    frame = Frame(Operation.SUCCESS, 9, b"S=")
    assert frame.build() == bytes.fromhex("03 09 0006 533d")
    assert parse_frame(frame.build()) == frame


def test_bare_acknowledgement():
    assert parse_frame(b"\x03") == Frame(Operation.SUCCESS, 0, b"")


def test_challenge():
    data = build_challenge(CHALLENGE, b"aaa")
    assert data == b"\x10" + CHALLENGE + b"aaa"
    assert parse_challenge(data) == (CHALLENGE, b"aaa")


def test_response_has_49_octets_and_a_name():
    data = build_response(CHALLENGE, NT, b"carol")
    assert data == b"\x31" + CHALLENGE + bytes(8) + NT + b"\x00" + b"carol"
    assert parse_response(data) == (CHALLENGE, NT, b"carol")


@pytest.mark.parametrize("octets", ["", "09", "0109", "01090003", "0109000900", "09090004"])
def test_malformed_frame(octets):
    with pytest.raises(MalformedError):
        parse_frame(bytes.fromhex(octets))


@pytest.mark.parametrize("data", [b"", b"\x08" + CHALLENGE, b"\x10short"])
def test_malformed_challenge(data):
    with pytest.raises(MalformedError):
        parse_challenge(data)


@pytest.mark.parametrize("data", [b"", b"\x30" + bytes(49), b"\x31" + bytes(48)])
def test_malformed_response(data):
    with pytest.raises(MalformedError):
        parse_response(data)


def test_signature():
    assert signature(b"S=" + b"aB" * 20 + b" M=hello") == b"S=" + b"AB" * 20
    assert signature(b"M=hello") == signature(b"S=12") == b""


@pytest.mark.parametrize(
    ("message", "words"),
    [
        (b"E=691 R=0 C=00 V=3 M=Go \x1baway", 'wrong user name or password (E=691), "Go ?away"'),
        (b"E=648 R=1", "the password has expired (E=648)"),
        (b"E=7", "an error we do not know (E=7)"),
        (b"", "no reason given"),
    ],
)
def test_failure_in_words(message, words):
    assert failure_text(message) == words
