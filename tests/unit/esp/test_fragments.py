"""Fragments become the packet they were, or nothing."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cygnet.esp.checksums import checksum
from cygnet.esp.flows import is_fragment
from cygnet.esp.fragments import MAX_DATAGRAMS, MAX_FRAGMENTS, TIMEOUT_S, Reassembly

ADDRESSES = {4: b"\x0a\1\0\1\x0a\2\0\1", 6: bytes(15) + b"\1" + bytes(15) + b"\2"}


def whole(family: int, body: bytes, ident: int = 7) -> bytes:
    if family == 6:
        return bytes((0x60, 0, 0, 0)) + len(body).to_bytes(2, "big") + bytes((17, 64)) + ADDRESSES[6] + body
    return head4(len(body), ident, 0) + body


def head4(size: int, ident: int, flags: int) -> bytes:
    head = b"\x45\0" + (20 + size).to_bytes(2, "big") + ident.to_bytes(2, "big") + flags.to_bytes(2, "big")
    head += bytes((64, 17, 0, 0)) + ADDRESSES[4]
    return head[:10] + checksum(head) + head[12:]


def cut(family: int, body: bytes, size: int, ident: int = 7) -> list[bytes]:
    """The fragments of a datagram, ``size`` octets of it in each but the last."""
    made = []
    for at in range(0, len(body), size):
        data, more = body[at : at + size], at + size < len(body)
        if family == 4:
            made.append(head4(len(data), ident, at // 8 | more << 13) + data)
            continue
        extra = bytes((17, 0)) + (at | more).to_bytes(2, "big") + ident.to_bytes(4, "big")
        head = bytes((0x60, 0, 0, 0)) + (len(data) + 8).to_bytes(2, "big") + bytes((44, 64)) + ADDRESSES[6]
        made.append(head + extra + data)
    return made


@given(st.sampled_from((4, 6)), st.integers(50, 3000), st.integers(1, 40), st.randoms())
def test_fragments_in_any_order_make_the_packet(family, size, eighths, order):
    body = bytes(order.randrange(256) for _ in range(size))
    pieces = cut(family, body, max(eighths * 8, size // 60 * 8))
    if len(pieces) < 2:
        return
    assert all(map(is_fragment, pieces))
    order.shuffle(pieces)
    reassembly = Reassembly()
    *early, last = [reassembly.add(piece, 0.0) for piece in pieces]
    assert not any(early)
    assert last == (whole(family, body), pieces)


def test_datagrams_do_not_mix():
    reassembly = Reassembly()
    first, second = cut(4, b"a" * 64, 32, 1), cut(4, b"b" * 64, 32, 2)
    assert reassembly.add(first[0], 0.0) is reassembly.add(second[0], 0.0) is None
    assert reassembly.add(second[1], 0.0)[0] == whole(4, b"b" * 64, 2)
    assert reassembly.add(first[1], 0.0)[0] == whole(4, b"a" * 64, 1)


@pytest.mark.parametrize("family", [4, 6])
def test_overlaps_and_contradictions_give_the_datagram_up(family):
    pieces = cut(family, bytes(64), 32)
    bad = [
        pieces[:1] * 2,  # the same twice
        [pieces[0], cut(family, bytes(40), 16)[1]],  # overlapping
        [pieces[1], cut(family, bytes(128), 32)[3]],  # a second end
        [cut(family, bytes(128), 32)[2], pieces[1]],  # something behind the end
        [cut(family, bytes(60), 30)[0]],  # not a multiple of 8
    ]
    for fragments in bad:
        reassembly = Reassembly()
        assert [reassembly.add(one, 0.0) for one in fragments] == [None] * len(fragments)
        assert reassembly.lost == len(fragments)


def test_old_and_too_many_are_forgotten_and_counted():
    reassembly = Reassembly()
    first, last = cut(4, bytes(64), 32)
    reassembly.add(first, 0.0)
    assert reassembly.add(last, TIMEOUT_S) is None
    assert reassembly.lost == 1
    for ident in range(100, 100 + MAX_DATAGRAMS):
        reassembly.add(cut(4, bytes(64), 32, ident)[0], TIMEOUT_S)
    assert reassembly.lost == 2
    many = cut(4, bytes(8 * (MAX_FRAGMENTS + 2)), 8, 9)
    assert [reassembly.add(one, TIMEOUT_S) for one in many[: MAX_FRAGMENTS + 1]][-1] is None
    assert reassembly.lost == 2 + 1 + MAX_FRAGMENTS + 1


def test_a_ping_of_death_is_not_built():
    reassembly = Reassembly()
    random.seed(1)
    far = bytes((0x45, 0)) + (20 + 1400).to_bytes(2, "big") + bytes((0, 7, 0x1F, 0xFF, 64, 17, 0, 0))
    assert reassembly.add(far + ADDRESSES[4] + bytes(1400), 0.0) is None
    assert reassembly.lost == 1
