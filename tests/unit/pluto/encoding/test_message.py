"""cygnet.pluto.encoding.message"""

import pytest

from cygnet.base.errors import MalformedError
from cygnet.pluto.encoding.message import (
    MAX_PAYLOADS,
    Envelope,
    build_message,
    chain,
    parse_message,
    read_payloads,
    with_hash,
)
from cygnet.pluto.encoding.payloads import HashPayload, KeyExchange, Nonce, Notification, VendorId

ENVELOPE = Envelope(b"initiate", b"responde", 2, 0)
PAYLOADS = (KeyExchange(b"public"), Nonce(bytes(16)), Notification(24578, b"", 1, bytes(16)))


def built(payloads=PAYLOADS, envelope=ENVELOPE):
    written = chain(payloads)
    return build_message(envelope, written.first, written.octets)


def read(data):
    parsed = parse_message(data)
    return read_payloads(parsed, parsed.body)


def test_message_says_what_it_carries():
    message = read(built())
    assert message.payloads == PAYLOADS
    assert message.first(Nonce) == PAYLOADS[1]
    assert message.all(VendorId) == () and message.first(VendorId) is None
    assert message.body_of(KeyExchange) == b"public"
    assert message.notify(24578) == PAYLOADS[2] and message.notify(1) is None
    assert message.describe(False) == "ID_PROT request 0 [ KE No N(INITIAL_CONTACT) ]"


def test_hash_covers_what_follows_it_without_the_padding():
    """RFC 2409, 5.5: the entire message after HASH with generic headers, without padding."""
    covered = chain(PAYLOADS)
    whole = with_hash(covered, b"digest")
    message = read(build_message(ENVELOPE, whole.first, whole.octets + bytes(5)))
    assert message.first(HashPayload) == HashPayload(b"digest")
    assert message.rest == covered.octets


def test_flags_tell_encryption():
    envelope = Envelope(b"initiate", b"responde", 32, 7, True)
    parsed = parse_message(build_message(envelope, 8, b"sealed"))
    assert (parsed.encrypted, parsed.fragmented, parsed.body) == (True, False, b"sealed")
    assert parsed.header.message_id == 7 and parsed.header.major == 1


@pytest.mark.parametrize(
    ("at", "octets"),
    [
        (28 + 2, b"\0\3"),  # a length below the header's own
        (28 + 2, b"\xff\xff"),  # beyond the message
        (28 + 1, b"\1"),  # reserved
        (28 + 10 + 20 + 2, b"\xff"),  # the last one beyond the message
        (28 + 10 + 20, b"\x0d"),  # one payload more than octets
    ],
)
def test_chain_that_lies_is_refused(at, octets):
    data = built()
    with pytest.raises(MalformedError):
        read(data[:at] + octets + data[at + len(octets) :])


def test_payloads_are_limited_in_number():
    vendor = VendorId(b"v")
    assert len(read(built((vendor,) * MAX_PAYLOADS)).payloads) == MAX_PAYLOADS
    with pytest.raises(MalformedError):
        read(built((vendor,) * (MAX_PAYLOADS + 1)))
