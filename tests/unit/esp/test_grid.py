"""Rows and columns of packets in one memory."""

from cygnet.esp.grid import MAX_ROWS, Grid


def test_rows_columns_and_words_look_at_the_same_octets():
    layout = Grid().load(bytes(range(24)), 8)
    assert bytes(layout.slices(2, 4, 3)[1]) == bytes((10, 11))
    assert layout.field(4, ">u4")[:3].tolist() == [0x04050607, 0x0C0D0E0F, 0x14151617]
    assert layout.words(0, 4)[1].tolist() == [0x0908, 0x0B0A]
    layout.field(0, ">u2")[1] = 0xAABB
    assert bytes(layout.slices(0, 2, 2)[1]) == layout.matrix[1, :2].tobytes() == b"\xaa\xbb"


def test_room_is_limited_by_memory_and_by_number():
    assert Grid(100).layout(30).count == 3
    assert Grid().layout(1).count == MAX_ROWS


def test_layouts_of_any_number_of_lengths_share_the_memory():
    grid = Grid(1000)
    for length in range(1, 200):
        assert grid.load(bytes((length,)) * length, length).matrix[0, -1] == length
    assert grid.layout(1).matrix[0, 0] == 199
