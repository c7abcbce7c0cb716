"""cygnet.charon.encoding.fragments"""

from dataclasses import replace
from itertools import permutations

import pytest

from cygnet.base.errors import MalformedError
from cygnet.charon.encoding.errors import InvalidFragmentError
from cygnet.charon.encoding.fragments import Reassembler, message_limit
from cygnet.charon.encoding.message import Message, build_fragments, build_protected, parse_message
from cygnet.charon.encoding.payloads import CertificatePayload, Unknown, VendorId
from cygnet.crypto.ciphers import sealer
from cygnet.crypto.errors import IntegrityError
from cygnet.crypto.proposals import Transform

AUTH = Message(35, b"initiate", b"responde", 1, False, True, (CertificatePayload(4, bytes(range(250))),))
OTHER = replace(AUTH, payloads=(CertificatePayload(4, bytes(250)),))
KEYS = sealer(Transform(1, 20, 128), None, bytes(20))


def fragments(message=AUTH, limit=160):
    return [parse_message(data) for data in build_fragments(message, KEYS, lambda: bytes(8), limit)]


def whole(message=AUTH):
    return parse_message(build_protected(message, KEYS, bytes(8)))


def forged(parsed):
    data = bytearray(parsed.raw)
    data[-1] ^= 1
    return parse_message(bytes(data))


def add_all(reassembler, parts):
    return [reassembler.add(part, KEYS) for part in parts]


def test_fragments_in_any_order_make_the_message():
    parts = fragments()
    assert len(parts) == 3
    for order in permutations(parts):
        assert add_all(Reassembler(), order) == [None, None, AUTH]


def test_message_that_is_no_fragment_is_opened_at_once():
    assert Reassembler().add(whole(), KEYS) == AUTH


def test_repeated_fragment_is_ignored():
    first, second, third = fragments()
    reassembler = Reassembler()
    assert add_all(reassembler, [first, first, second, first, second]) == [None] * 5
    assert reassembler.pending == 2
    assert reassembler.add(third, KEYS) == AUTH


def test_repeated_fragment_is_not_decrypted():
    first = fragments()[0]
    reassembler = Reassembler()
    reassembler.add(first, KEYS)
    assert reassembler.add(forged(first), KEYS) is None


def test_forged_fragment_is_dropped_and_harms_nothing():
    first, second, third = fragments()
    reassembler = Reassembler()
    reassembler.add(first, KEYS)
    for bad in (forged(second), forged(third)):
        with pytest.raises(IntegrityError):
            reassembler.add(bad, KEYS)
    assert add_all(reassembler, [second, third]) == [None, AUTH]


def test_larger_total_starts_over():
    """RFC 7383, 2.6: the peer has found a smaller path MTU."""
    reassembler = Reassembler()
    add_all(reassembler, fragments()[:2])
    smaller = fragments(limit=120)
    assert len(smaller) == 5
    assert add_all(reassembler, smaller) == [None] * 4 + [AUTH]


def test_forged_larger_total_does_not_start_over():
    reassembler = Reassembler()
    add_all(reassembler, fragments()[:2])
    with pytest.raises(IntegrityError):
        reassembler.add(forged(fragments(limit=120)[0]), KEYS)
    assert reassembler.add(fragments()[2], KEYS) == AUTH


def test_smaller_total_is_discarded():
    reassembler = Reassembler()
    smaller = fragments(limit=120)
    add_all(reassembler, smaller[:4])
    with pytest.raises(InvalidFragmentError, match="of 3 after one of 5"):
        reassembler.add(fragments()[0], KEYS)
    assert reassembler.add(smaller[4], KEYS) == AUTH


def test_whole_message_takes_the_place_of_its_fragments():
    reassembler = Reassembler()
    add_all(reassembler, fragments()[:2])
    assert reassembler.add(whole(), KEYS) == AUTH
    assert reassembler.pending == 0


def test_forged_whole_message_leaves_the_fragments():
    reassembler = Reassembler()
    add_all(reassembler, fragments()[:2])
    with pytest.raises(IntegrityError):
        reassembler.add(forged(whole()), KEYS)
    assert reassembler.add(fragments()[2], KEYS) == AUTH


@pytest.mark.parametrize("change", [
    {"message_id": 2}, {"exchange": 36}, {"response": False}, {"initiator": True}, {"spi_r": b"another_"},
])  # fmt: skip
def test_fragments_of_different_messages_are_not_mixed(change):
    reassembler = Reassembler()
    add_all(reassembler, fragments(OTHER)[:2])
    changed = replace(AUTH, **change)
    assert add_all(reassembler, fragments(changed)) == [None, None, changed]


def test_next_message_can_follow():
    reassembler = Reassembler()
    for message_id in range(3):
        message = replace(AUTH, message_id=message_id)
        assert add_all(reassembler, fragments(message))[-1] == message
        assert reassembler.pending == 0


def test_forgetting_starts_over():
    reassembler = Reassembler()
    add_all(reassembler, fragments()[:2])
    reassembler.clear()
    assert reassembler.pending == 0
    assert reassembler.add(fragments()[2], KEYS) is None


def test_too_many_fragments_are_refused_unopened():
    reassembler = Reassembler(limit_fragments=2)
    with pytest.raises(InvalidFragmentError, match="at most 2"):
        reassembler.add(forged(fragments()[0]), KEYS)
    assert reassembler.pending == 0


def test_too_many_octets_are_refused_and_forgotten():
    reassembler = Reassembler(limit_octets=200)
    first, second, third = fragments()
    assert add_all(reassembler, [first, second]) == [None, None]
    with pytest.raises(InvalidFragmentError, match="200 octets"):
        reassembler.add(third, KEYS)
    assert reassembler.pending == 0


def test_single_fragment_is_a_message():
    parts = [parse_message(fragment_of(b"\0\0\0\x05x", 43, 1, 1))]
    assert add_all(Reassembler(), parts)[0].payloads == (VendorId(b"x"),)


def test_clear_payloads_of_the_first_fragment_are_kept():
    """RFC 7383, 2.5.3; the content of the first fragment may then be empty."""
    reassembler = Reassembler()
    assert reassembler.add(parse_message(fragment_of(b"\0\0\0\x05x", 0, 2, 2)), KEYS) is None
    message = reassembler.add(parse_message(fragment_of(b"", 43, 1, 2, front=b"\x35\0\0\x05a")), KEYS)
    assert message.payloads == (Unknown(99, False, b"a"), VendorId(b"x"))


def test_content_that_makes_no_payloads_is_malformed_once_complete():
    reassembler = Reassembler()
    reassembler.add(parse_message(fragment_of(b"\0\0", 43, 1, 2)), KEYS)
    with pytest.raises(MalformedError):
        reassembler.add(parse_message(fragment_of(b"\0\x09", 0, 2, 2)), KEYS)
    assert reassembler.pending == 0


@pytest.mark.parametrize(("family", "with_marker", "limit"), [
    (4, False, 1252), (4, True, 1248), (6, False, 1232), (6, True, 1228),
])  # fmt: skip
def test_message_limit_leaves_room_for_the_outer_headers(family, with_marker, limit):
    assert message_limit(1280, family, with_marker) == limit


def fragment_of(content, first, number, total, front=b""):
    size = 8 + len(content) + 1 + KEYS.icv_size
    length = 28 + len(front) + 8 + size
    head = b"initiateresponde" + bytes([99 if front else 53, 0x20, 35, 0x20]) + (1).to_bytes(4, "big")
    skf = bytes([first, 0]) + (8 + size).to_bytes(2, "big") + bytes([0, number, 0, total])
    aad = head + length.to_bytes(4, "big") + front + skf
    return aad + bytes(8) + KEYS.seal(bytes(8), content + b"\0", aad)
