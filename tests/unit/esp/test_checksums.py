"""Checksums, whole and by difference."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cygnet.esp.checksums import checksum, readdressed

PLACES = {6: (16, 20), 17: (6, 8), 33: (6, 12), 58: (2, 8), 136: (6, 8)}
addresses = st.one_of(st.binary(min_size=8, max_size=8), st.binary(min_size=32, max_size=32))


@pytest.mark.parametrize(("data", "expected"), [
    (b"", b"\xff\xff"), (b"\0\0", b"\xff\xff"), (b"\xff\xff", b"\0\0"), (b"\0\1\xff\xfe", b"\0\0"),
    (b"\0\1\xf2\3\xf4\xf5\xf6\xf7", b"\x22\x0d"),  # RFC 1071, 3
    (b"\1", b"\xfe\xff"),
])
def test_examples(data, expected):
    assert checksum(data) == expected


def segment(protocol: int, pseudo: bytes, payload: bytes) -> bytes:
    """A transport header and payload whose checksum covers these addresses."""
    at, size = PLACES[protocol]
    body = bytes(size) + payload
    tail = len(body).to_bytes(4, "big") + bytes((0, 0, 0, protocol))
    code = checksum(pseudo + tail + body)
    if protocol == 17 and code == b"\0\0":
        code = b"\xff\xff"
    return body[:at] + code + body[at + 2 :]


def is_right(protocol: int, pseudo: bytes, body: bytes) -> bool:
    tail = len(body).to_bytes(4, "big") + bytes((0, 0, 0, protocol))
    return checksum(pseudo + tail + body) == b"\0\0"


@given(st.sampled_from(sorted(PLACES)), addresses, st.data(), st.binary(max_size=40))
def test_checksum_follows_the_addresses(protocol, old, data, payload):
    new = data.draw(st.binary(min_size=len(old), max_size=len(old)))
    body = segment(protocol, old, payload)
    assert is_right(protocol, old, body)
    moved = readdressed(body, protocol, old, new)
    assert is_right(protocol, new, moved)
    assert len(moved) == len(body)


def test_damage_stays_visible():
    body = segment(6, bytes(8), b"payload")
    damaged = body[:-1] + b"X"
    assert not is_right(6, b"\1" * 8, readdressed(damaged, 6, bytes(8), b"\1" * 8))


def test_udp_without_a_checksum_keeps_none_and_other_protocols_have_none():
    assert readdressed(bytes(12), 17, bytes(8), b"\1" * 8) == bytes(12)
    assert readdressed(bytes(12), 47, bytes(8), b"\1" * 8) == bytes(12)
    assert readdressed(b"\1" * 7, 17, bytes(8), b"\1" * 8) == b"\1" * 7
