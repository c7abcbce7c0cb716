"""cygnet.wire.reader"""

from struct import Struct

import pytest

from cygnet.base.errors import MalformedError
from cygnet.wire.reader import Reader


def test_values_come_off_the_front_in_order():
    reader = Reader(b"\x01\x00\x02abcdef", "x")
    assert reader.unpack(Struct("!BH")) == (1, 2)
    assert reader.take(2) == b"ab"
    assert reader.left == 4
    assert reader.rest() == b"cdef"
    reader.finish()


@pytest.mark.parametrize("size", [5, 255])
def test_taking_more_than_is_left_is_malformed(size):
    reader = Reader(b"abcd", "the thing")
    with pytest.raises(MalformedError, match=rf"the thing: {size} octets expected, 4 left"):
        reader.take(size)


def test_layout_longer_than_the_data_is_malformed():
    with pytest.raises(MalformedError, match="4 octets expected"):
        Reader(b"abc", "x").unpack(Struct("!I"))


def test_octets_left_over_are_malformed():
    reader = Reader(b"abc", "x")
    reader.take(1)
    with pytest.raises(MalformedError, match="2 octets left over"):
        reader.finish()
