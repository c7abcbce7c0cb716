"""Certificates of peers."""

from cygnet.keying.backends.seen import SeenCertificates


def test_those_seen_longest_ago_make_room() -> None:
    seen = SeenCertificates(limit=2)
    seen.add(["a", "b"])
    seen.add(["a"])
    seen.add(["c"])
    assert list(seen) == ["a", "c"]
    assert len(seen) == 2


def test_all_are_forgotten_at_once() -> None:
    seen = SeenCertificates()
    seen.add(["a", "b"])
    seen.clear()
    assert list(seen) == []


def test_going_through_them_is_not_disturbed_by_new_ones() -> None:
    seen = SeenCertificates()
    seen.add(["a", "b"])
    for one in seen:
        seen.add([one + one])
    assert len(seen) == 4
