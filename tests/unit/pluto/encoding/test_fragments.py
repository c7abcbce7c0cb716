"""cygnet.pluto.encoding.fragments"""

from itertools import permutations

import pytest

from cygnet.base.errors import PeerError
from cygnet.pluto.encoding.errors import InvalidFragmentError
from cygnet.pluto.encoding.fragments import MAX_MESSAGES, Reassembler, message_limit, split
from cygnet.pluto.encoding.message import Envelope, build_message, chain, parse_message
from cygnet.pluto.encoding.payloads import Fragment, Nonce, VendorId

ENVELOPE = Envelope(b"initiate", b"responde", 2, 0)
MESSAGE = bytes(range(250))


def of(*payloads):
    written = chain(payloads)
    return parse_message(build_message(ENVELOPE, written.first, written.octets))


def parts(fragment_id=1, message=MESSAGE, limit=136):
    return [parse_message(one) for one in split(message, ENVELOPE, fragment_id, limit)]


def test_fragments_in_any_order_make_the_message():
    assert len(parts()) == 3
    assert all(len(part.raw) <= 136 and part.fragmented for part in parts())
    for order in permutations(parts()):
        reassembler = Reassembler()
        assert [reassembler.add(part) for part in order] == [None, None, MESSAGE]
        assert reassembler.pending == 0


def test_copy_of_a_fragment_changes_nothing():
    first, second, third = parts()
    reassembler = Reassembler()
    other = of(Fragment(1, 1, 0, b"forged"))
    assert [reassembler.add(one) for one in (first, other, second, first, third)][-1] == MESSAGE


def test_messages_do_not_mix():
    reassembler = Reassembler()
    pairs = zip(parts(1), parts(2, MESSAGE[::-1]), strict=True)
    made = [reassembler.add(one) for pair in pairs for one in pair]
    assert [one for one in made if one] == [MESSAGE, MESSAGE[::-1]]


@pytest.mark.parametrize("second", [Fragment(1, 1, 1, b""), Fragment(1, 3, 1, b"")])
def test_last_fragment_that_is_not_the_last_is_refused(second):
    reassembler = Reassembler()
    reassembler.add(of(Fragment(1, 2, 1, b"end")))
    with pytest.raises(InvalidFragmentError):
        reassembler.add(of(second))


def test_oldest_message_makes_room_for_another():
    reassembler = Reassembler()
    for number in range(MAX_MESSAGES + 1):
        reassembler.add(of(Fragment(number, 2, 0, b"x")))
    assert reassembler.pending == MAX_MESSAGES
    assert reassembler.add(of(Fragment(0, 1, 1, b""))) is not None  # nothing of the first one is left


def test_message_may_not_grow_without_end():
    reassembler = Reassembler(limit_octets=100)
    reassembler.add(of(Fragment(1, 1, 0, bytes(60))))
    with pytest.raises(InvalidFragmentError):
        reassembler.add(of(Fragment(1, 2, 0, bytes(60))))
    assert reassembler.pending == 0


def test_fragment_comes_alone():
    with pytest.raises(PeerError):
        Reassembler().add(of(Fragment(1, 1, 1, b""), VendorId(b"v")))
    with pytest.raises(PeerError):
        Reassembler().add(of(Nonce(bytes(8))))


def test_what_does_not_go_into_fragments_is_an_error_of_ours():
    for message, limit in ((MESSAGE, 36), (bytes(1000), 37)):
        with pytest.raises(ValueError, match="do not go into fragments"):
            split(message, ENVELOPE, 1, limit)


def test_limit_leaves_room_for_headers():
    assert message_limit(1280, 4, with_marker=False) == 1252
    assert message_limit(1280, 6, with_marker=True) == 1228
