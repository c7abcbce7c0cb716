"""Netlink messages, and requests to this host's routing netlink, which everybody may ask."""

import errno
import socket
from struct import pack

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cygnet.kernel.backends.netlink import Message, Netlink, RefusedError, attribute, attributes, split

GET_ADDRESS, NEW_ADDRESS, UNKNOWN = 22, 20, 255


@given(st.binary(max_size=80))
def test_any_octets_are_survived(data):
    assert all(isinstance(message, Message) for message in split(data))
    assert all(isinstance(value, bytes) for value in attributes(data).values())


def test_messages_are_split_at_their_lengths():
    data = pack("=IHHII", 17, 20, 2, 7, 99) + b"a\0\0\0" + pack("=IHHII", 16, 3, 0, 1, 0)
    assert list(split(data)) == [Message(20, 2, 7, 99, b"a"), Message(3, 0, 1, 0, b"")]


def test_message_that_is_cut_off_is_left_out():
    data = pack("=IHHII", 16, 3, 0, 1, 0) + pack("=IHHII", 40, 20, 0, 1, 0)
    assert [message.kind for message in split(data)] == [3]


def test_attributes_are_padded_to_four_octets():
    assert attribute(5, b"abcde") == bytes.fromhex("0900 0500 6162636465 000000")
    assert attributes(attribute(5, b"abcde") + attribute(6, b"") + attribute(7, b"x")) == {
        5: b"abcde", 6: b"", 7: b"x",
    }  # fmt: skip


def test_flags_in_an_attribute_type_do_not_count():
    assert attributes(attribute(0x8000 | 5, b"1234")) == {5: b"1234"}


def test_attribute_that_is_cut_off_is_left_out():
    assert attributes(attribute(5, b"1234") + pack("=HH", 20, 6)) == {5: b"1234"}


@pytest.fixture
def route():
    netlink = Netlink(socket.NETLINK_ROUTE)
    yield netlink
    netlink.close()


def test_dump_brings_every_entry(route):
    loopback = [message for message in route.dump(GET_ADDRESS, bytes(8)) if b"lo\0" in message.body]
    assert all(message.kind == NEW_ADDRESS for message in loopback)


def test_refusal_has_the_errno_and_the_next_request_is_not_confused(route):
    for _ in range(2):
        with pytest.raises(RefusedError) as caught:
            route.ask(UNKNOWN, bytes(16))
        assert caught.value.number in (errno.EOPNOTSUPP, errno.EPERM)
    assert route.dump(GET_ADDRESS, bytes(8)) is not None


def test_refusal_is_readable():
    assert str(RefusedError(errno.ENOSYS)) == "Function not implemented"
    assert str(RefusedError(errno.ENOSYS, "Requested AUTH algorithm not found")).startswith("Requested")
