"""Fragments and flags of the TLS methods (RFC 5216, 2.1.5 and 3)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cygnet.base.errors import CygnetError
from cygnet.eap.tls.link import MAX_MESSAGE, TlsLink, parse_frame
from cygnet.eap.tls.options import TlsOptions

START = b"\x20"


def link(**changes):
    return TlsLink("EAP-X", TlsOptions(**{"verify": None, **changes}), versioned=True)


def started(**changes):
    """A server's link that has sent its start packet."""
    made = link(**changes)
    made.start()
    return made


def send(sender, receiver, message, answer=b""):
    """Carries one message over; what the receiver heard, and the greatest packet."""
    heard, packets = [], [sender.exchange(START, lambda _: message)]

    def hear(octets):
        heard.append(octets)
        return answer

    while not heard:
        reply = receiver.exchange(packets[-1], hear)
        if not heard:
            packets.append(sender.exchange(reply, lambda _: pytest.fail("an acknowledgement is no message")))
    return heard, packets


@given(st.integers(1, 9000), st.sampled_from([74, 100, 1024]), st.booleans())
def test_any_message_arrives(size, fragment, include):
    message = bytes(number % 251 for number in range(size))
    options = {"fragment_size": fragment, "max_messages": 1000, "include_length": include}
    heard, packets = send(link(**options), started(**options), message)
    assert heard == [message]
    assert max(map(len, packets)) <= fragment - 5


def test_length_is_in_the_first_fragment_only():
    _, packets = send(link(fragment_size=110), started(), bytes(250))
    frames = [parse_frame(packet) for packet in packets]
    assert [(frame.length, frame.more, len(frame.data)) for frame in frames] == [
        (250, True, 100),
        (None, True, 100),
        (None, False, 50),
    ]


def test_whole_message_has_a_length_if_asked_for():
    assert send(link(), started(), b"abc")[1] == [b"\x80\x00\x00\x00\x03abc"]
    assert send(link(include_length=False), started(), b"abc")[1] == [b"\x00abc"]


def test_end_is_none():
    assert started().exchange(b"\x00", lambda _: None) is None


@pytest.mark.parametrize(
    ("packets", "words"),
    [
        ([b""], "1 octets expected"),
        ([b"\x80\x00\x00"], "4 octets expected"),
        ([b"\x20"], "starts twice"),
        ([b"\x01abc"], "wants version 1"),
        ([b"\x40"], "an empty fragment says that more follow"),
        ([b"\x80\x00\x01\x00\x01x"], "65537 octets; up to"),
        ([b"\x80\x00\x00\x00\x01xy"], "longer than 1 octets"),
        ([b"\x80\x00\x00\x00\x03xy"], "2 octets instead of 3"),
        ([b"\xc0\x00\x00\x00\x04xy", b"\x80\x00\x00\x00\x05z"], "length of a TLS message changes"),
        ([b"\x40xy", b"\x80\x00\x00\x00\x03z"], "length of a TLS message changes"),
        ([b"\xc0\x00\x00\x00\x03xy", b"\x00zz"], "longer than 3 octets"),
    ],
)
def test_malformed(packets, words):
    made = started()
    with pytest.raises(CygnetError, match=words):
        for packet in packets:
            made.exchange(packet, lambda _: b"")


def test_peer_waits_for_the_start():
    with pytest.raises(CygnetError, match="does not begin with its start packet"):
        link().exchange(b"\x00", lambda _: b"")


def test_higher_version_of_a_server_is_answered_with_ours():
    assert link().exchange(b"\x21", lambda _: b"x") == b"\x80\x00\x00\x00\x01x"


def test_version_bits_are_reserved_in_eap_tls():
    made = TlsLink("EAP-TLS", TlsOptions(None), versioned=False)
    made.start()
    assert made.exchange(b"\x07", lambda _: b"") == b"\x00"


def test_data_may_not_come_where_a_fragment_is_to_be_acknowledged():
    made = link(fragment_size=74)
    made.exchange(START, lambda _: bytes(500))
    with pytest.raises(CygnetError, match="where a fragment should be acknowledged"):
        made.exchange(b"\x00data", lambda _: b"")


def test_fragments_without_a_length_have_a_limit():
    made = started(max_messages=100)
    with pytest.raises(CygnetError, match="longer than 65536"):
        for _ in range(MAX_MESSAGE // 1000 + 1):
            made.exchange(b"\x40" + bytes(1000), lambda _: b"")


def test_packets_have_a_limit():
    made = started(max_messages=3)
    for _ in range(3):
        made.exchange(b"\x00", lambda _: b"")
    with pytest.raises(CygnetError, match="more than 3 packets"):
        made.exchange(b"\x00", lambda _: b"")
