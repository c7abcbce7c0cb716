"""Announcements of authentication methods: the three forms, and what is none of them."""

from hypothesis import given
from hypothesis import strategies as st

from cygnet.charon.encoding.auth_methods import MAX_ANNOUNCEMENTS, Announcement, build, parse

announcements = st.one_of(
    st.builds(Announcement, st.sampled_from([1, 9, 10, 11]), st.integers(0, 255)),
    st.builds(Announcement, st.just(14), st.integers(0, 255), st.binary(min_size=1, max_size=250)),
)


@given(st.lists(announcements, max_size=8))
def test_what_is_built_is_read(several: list[Announcement]) -> None:
    assert parse(build(several)) == tuple(several)


def test_methods_without_public_keys_have_two_octets() -> None:
    assert parse(bytes.fromhex("0202 020d")) == (Announcement(2), Announcement(13))


def test_other_lengths_for_a_method_are_not_understood() -> None:
    digital, classic = "030e00", "06010030020500"[:12]
    assert parse(bytes.fromhex(digital + classic + "030100")) == (Announcement(1),)


def test_list_that_ends_too_early_is_read_as_far_as_it_goes() -> None:
    for end in ("05", "050e00", "01", "00"):
        assert parse(bytes.fromhex("030900" + end)) == (Announcement(9),)


@given(st.binary(max_size=400))
def test_no_octets_are_too_odd(data: bytes) -> None:
    assert len(parse(data)) <= MAX_ANNOUNCEMENTS
