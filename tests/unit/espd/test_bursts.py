"""Which datagrams one system call sends."""

from hypothesis import given
from hypothesis import strategies as st

from cygnet.espd.bursts import MAX_OCTETS, MAX_SEGMENTS, Leaving, bursts


class Road:
    """Bursts only ask whether it is the same."""


ONE, OTHER = Road(), Road()


def single(size: int, way: object = ONE, outer: int = 0) -> Leaving[object]:
    return (way, outer, bytes(size), size)


def sizes(*datagrams: Leaving[object]) -> list[list[int]]:
    return [[len(part) for part in parts] for _, _, parts, _ in bursts(datagrams)]


def test_equal_ones_go_together_and_a_shorter_one_ends_them():
    assert sizes(*map(single, (100, 100, 60, 100, 100))) == [[100, 100, 60], [100, 100]]


def test_longer_one_begins_another():
    assert sizes(*map(single, (100, 120, 120))) == [[100], [120, 120]]


def test_other_way_or_other_outer_header_begins_another():
    assert sizes(single(9), single(9, OTHER), single(9, OTHER, 1), single(9, OTHER, 1)) == [[9], [9], [9, 9]]


def test_segments_and_octets_are_limited():
    assert [len(parts) for parts in sizes(*[single(9)] * (MAX_SEGMENTS + 3))] == [MAX_SEGMENTS, 3]
    assert all(sum(parts) <= MAX_OCTETS for parts in sizes(*[single(1500)] * 100))


def test_sealed_rows_are_cut_to_what_the_kernel_takes():
    found = sizes((ONE, 0, bytes(100 * 1500 + 700), 1500), single(5))  # type: ignore[arg-type]
    assert found == [[43 * 1500], [43 * 1500], [14 * 1500 + 700], [5]]


PIECES = st.lists(
    st.tuples(st.sampled_from((ONE, OTHER)), st.integers(0, 1), st.integers(1, 9), st.integers(1, 200)),
    max_size=60,
)


@given(PIECES)
def test_all_datagrams_leave_in_order(pieces):
    sealed = [(sa, outer, bytes((at % 256,)) * octets, size if octets > size else octets)
              for at, (sa, outer, size, octets) in enumerate(pieces)]  # fmt: skip
    found = list(bursts(sealed))  # type: ignore[arg-type]
    for number in (ONE, OTHER):
        wanted = b"".join(data for sa, _, data, _ in sealed if sa is number)
        assert b"".join(bytes(part) for sa, _, parts, _ in found if sa is number for part in parts) == wanted
    for _, _, parts, size in found:
        assert all(len(part) == size for part in parts[:-1]) or len(parts) == 1
        assert sum(map(len, parts)) <= max(MAX_SEGMENTS * size, size)
