"""Whole messages: round trips in the clear, sealed and in fragments, and hostile octets."""

from contextlib import suppress
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cygnet.base.errors import PeerError
from cygnet.charon.encoding.exchanges import EXCHANGES, check
from cygnet.charon.encoding.fragments import Reassembler
from cygnet.charon.encoding.message import (
    Message,
    build_clear,
    build_fragments,
    build_protected,
    open_message,
    parse_message,
)
from cygnet.charon.encoding.payloads import (
    CertificatePayload,
    Delete,
    KeyExchange,
    Nonce,
    Notify,
    Unknown,
    VendorId,
)
from cygnet.crypto.ciphers import sealer
from cygnet.crypto.proposals import Transform
from cygnet.wire.header import Header

KEYS = (
    sealer(Transform(1, 20, 256), None, bytes(36)),
    sealer(Transform(1, 12, 128), Transform(3, 12), bytes(16), bytes(32)),
    sealer(Transform(1, 28), None, bytes(36)),
)

u8, u16 = st.integers(0, 0xFF), st.integers(0, 0xFFFF)
spis = st.binary(min_size=8, max_size=8)
octets = st.binary(max_size=300)
payloads = st.one_of(
    st.builds(KeyExchange, u16, octets),
    st.builds(CertificatePayload, u8, octets),
    st.builds(Nonce, st.binary(min_size=16, max_size=256)),
    st.builds(Notify, u16, octets, u8, st.binary(max_size=8)),
    st.just(Delete(3, (b"abcd",))),
    st.builds(VendorId, octets),
    st.builds(Unknown, st.integers(128, 255), st.just(False), octets),
)
messages = st.builds(
    Message, u8, spis, spis, st.integers(0, 2**32 - 1), st.booleans(), st.booleans(),
    st.lists(payloads, max_size=8).map(tuple), st.integers(0, 15),
)  # fmt: skip


@given(message=messages)
def test_clear_message_survives(message):
    assert parse_message(build_clear(message)).message == message


@given(message=messages, keys=st.sampled_from(KEYS))
def test_protected_message_survives(message, keys):
    data = build_protected(message, keys, bytes(keys.iv_size))
    assert open_message(parse_message(data), keys) == message


@given(message=messages, keys=st.sampled_from(KEYS), limit=st.integers(120, 1500), data=st.data())
def test_fragments_arrive_in_any_order_and_more_than_once(message, keys, limit, data):
    parts = build_fragments(message, keys, lambda: bytes(keys.iv_size), limit)
    assert all(len(part) <= limit for part in parts)
    reassembler = Reassembler()
    arrived = data.draw(st.permutations(parts + parts[:3]))
    made = [one for one in (reassembler.add(parse_message(part), keys) for part in arrived) if one]
    assert made[0] == message


@given(data=st.binary(max_size=400))
def test_any_datagram_is_a_message_or_a_peer_error(data):
    _receive(data)


@given(message=messages, keys=st.sampled_from(KEYS), data=st.data())
def test_changed_datagram_is_a_message_or_a_peer_error(message, keys, data):
    iv = bytes(keys.iv_size)
    built = data.draw(st.sampled_from([build_clear(message), build_protected(message, keys, iv)]))
    changed = bytearray(built)
    for _ in range(data.draw(st.integers(1, 4))):
        changed[data.draw(st.integers(0, len(changed) - 1))] = data.draw(u8)
    _receive(bytes(changed))


@given(first=st.one_of(st.integers(33, 53), u8), content=st.binary(max_size=300))
def test_any_content_inside_is_a_message_or_a_peer_error(first, content):
    """What a peer that holds the keys can do: any octets behind a good integrity check."""
    content += b"\0"
    size = 4 + 8 + len(content) + 16
    head = Header(bytes(8), bytes(8), 46, 2, 0, 35, 8, 1, 28 + size).build()
    aad = head + bytes([first, 0]) + size.to_bytes(2, "big")
    keys = KEYS[0]
    try:
        opened = open_message(parse_message(aad + bytes(8) + keys.seal(bytes(8), content, aad)), keys)
    except PeerError:
        return
    assert opened.describe().isprintable()


@pytest.mark.parametrize("row", EXCHANGES, ids=lambda row: f"{row.exchange.name}-{row.response}")
@given(message=messages)
def test_check_passes_or_raises_a_peer_error(row, message):
    with suppress(PeerError):
        check(replace(message, exchange=row.exchange, response=row.response), row.protected)


def _receive(data):
    with suppress(PeerError):
        parsed = parse_message(data)
        assert parsed.describe().isprintable()
        if parsed.encrypted is not None:
            Reassembler().add(parsed, KEYS[0])
        else:
            check(parsed.message, protected=False)
