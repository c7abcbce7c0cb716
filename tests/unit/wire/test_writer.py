"""cygnet.wire.writer"""

from struct import Struct

from cygnet.wire.writer import counted


def test_length_counts_head_and_content():
    assert counted(Struct("!BxHB"), (3,), (7,), b"abc") == b"\x03\x00\x00\x08\x07abc"
