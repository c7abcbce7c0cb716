"""Marks that tell what is ours."""

import pytest

from cygnet.kernel.backends.xfrm.owner import MAX_INDICES, Owner, load_owner, read, write


def test_everything_that_an_owner_makes_is_recognised_by_it_alone():
    owner, other = Owner(0x51B), Owner(0x51C)
    indices = [owner.index(0, 2), owner.index(MAX_INDICES - 1, 1)]
    made = [owner.reservation, owner.sequence(), owner.metric, *indices]
    assert all(map(owner.owns, made))
    assert not any(map(other.owns, made))
    assert all(value < 1 << 32 for value in made)


@pytest.mark.parametrize("value", [0, 1, 0x51B00000, 0x7FFFFFFF])
def test_what_the_kernel_counts_itself_is_nobody_s(value):
    assert not Owner(0x51B).owns(value)


def test_index_has_the_direction_in_its_low_bits():
    assert [Owner(1).index(5, direction) & 7 for direction in range(3)] == [0, 1, 2]


def test_sequence_numbers_differ():
    owner = Owner(1)
    assert len({owner.sequence() for _ in range(1000)}) == 1000


def test_tag_is_drawn_once_and_kept(tmp_path):
    file = tmp_path / "charon.xfrm"
    first = load_owner(file, list, lambda limit: 7)
    again = load_owner(file, list, lambda limit: 99)
    assert (first.tag, again.tag) == (7, 7)


def test_tag_that_stands_in_the_kernel_already_is_not_drawn(tmp_path):
    used = [Owner(0).index(3, 1), Owner(1).sequence()]
    assert load_owner(tmp_path / "charon.xfrm", lambda: used, lambda limit: 0).tag == 2


@pytest.mark.parametrize("text", ["", "xyz", "fff00"])
def test_damaged_file_is_written_anew(tmp_path, text):
    file = tmp_path / "charon.xfrm"
    file.write_text(text)
    assert load_owner(file, list, lambda limit: 3).tag == 3
    assert read(file) == (3, True)


def test_file_tells_whether_a_daemon_ended_in_order(tmp_path):
    file = tmp_path / "charon.xfrm"
    assert read(file) == (None, False)
    owner = load_owner(file, list, lambda limit: 3)
    assert read(file) == (3, True)
    write(file, owner, busy=False)
    assert read(file) == (3, False)


def test_file_that_cannot_be_written_is_an_error(tmp_path):
    with pytest.raises(OSError):
        load_owner(tmp_path / "missing" / "charon.xfrm", list, lambda limit: 3)
