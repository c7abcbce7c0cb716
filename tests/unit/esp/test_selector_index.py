"""Ranges found by addresses, against looking at all of them."""

from ipaddress import IPv4Address, ip_address

from hypothesis import given
from hypothesis import strategies as st

from cygnet.base.selectors import TrafficSelector
from cygnet.esp.selector_index import SelectorIndex, place_of

SMALL = st.integers(0, 63)
RANGES = st.tuples(SMALL, SMALL).map(lambda ends: TrafficSelector(*map(IPv4Address, sorted(ends))))


def inside(selector: TrafficSelector, address: IPv4Address) -> bool:
    return int(selector.start) <= int(address) <= int(selector.end)


@given(st.lists(st.tuples(RANGES, RANGES), max_size=20), SMALL.map(IPv4Address), SMALL.map(IPv4Address))
def test_everything_that_holds_both_addresses_is_near(pairs, source, destination):
    index: SelectorIndex[int] = SelectorIndex()
    for number, pair in enumerate(pairs):
        index.add(place_of(*pair), number)
    near = list(index.near(source, destination))
    wanted = {
        number
        for number, (one, other) in enumerate(pairs)
        if inside(one, source) and inside(other, destination)
    }
    assert wanted <= set(near) and len(near) == len(set(near))
    for number, pair in enumerate(pairs):
        index.remove(place_of(*pair), number)
    assert not list(index.near(source, destination))


def test_prefixes_are_found_exactly_and_families_apart():
    index: SelectorIndex[str] = SelectorIndex()
    for text in ("10.1.0.0/16", "10.1.2.0/24", "0.0.0.0/0", "::/0"):
        selector = TrafficSelector.of(text)
        index.add(place_of(selector, selector), text)
    assert set(index.near(ip_address("10.1.3.1"), ip_address("10.1.2.1"))) == {"10.1.0.0/16", "0.0.0.0/0"}
    assert set(index.near(ip_address("::1"), ip_address("::2"))) == {"::/0"}
