"""Narrowing against a model: a small world in which every packet can be tried (RFC 7296, 2.9)."""

from ipaddress import ip_address
from itertools import product

from hypothesis import given
from hypothesis import strategies as st

from cygnet.base.addresses import Address
from cygnet.base.selectors import TrafficSelector
from cygnet.keying.config.records import ChildConfig
from cygnet.keying.sa.matching import Ends, covers, match_child, narrow

BASE = {4: int(ip_address("10.0.0.0")), 6: int(ip_address("fd00::"))}
SIZE = 4
HIDDEN = -1
"""The port of a packet whose ports cannot be seen, such as a fragment."""
PROTOCOLS = (1, 6, 17)
Packet = tuple[Address, int, int]
PACKETS: list[Packet] = [
    (ip_address(BASE[family] + at), protocol, port)
    for family, at, protocol, port in product((4, 6), range(SIZE), PROTOCOLS, (*range(SIZE), HIDDEN))
]
ranges = st.tuples(st.integers(0, SIZE - 1), st.integers(0, SIZE - 1)).map(sorted)


@st.composite
def selectors(draw: st.DrawFn) -> TrafficSelector:
    base = BASE[draw(st.sampled_from((4, 4, 6)))]
    start, end = (ip_address(base + at) for at in draw(ranges))
    ports = draw(st.one_of(st.just((0, 65535)), st.just((65535, 0)), ranges.map(tuple)))
    return TrafficSelector(start, end, draw(st.sampled_from((0, *PROTOCOLS))), *ports)


def allows(selector: TrafficSelector, packet: Packet) -> bool:
    """By the words of RFC 4301, 4.4.1.1, without what the code does."""
    address, protocol, port = packet
    if address.version != selector.family or not int(selector.start) <= int(address) <= int(selector.end):
        return False
    if selector.protocol and selector.protocol != protocol:
        return False
    ports = (selector.start_port, selector.end_port)
    if ports == (0, 65535):
        return True  # ANY includes OPAQUE
    return port == HIDDEN if ports == (65535, 0) else port != HIDDEN and ports[0] <= port <= ports[1]


def allowed(side: tuple[TrafficSelector, ...] | list[TrafficSelector]) -> set[Packet]:
    return {packet for packet in PACKETS if any(allows(one, packet) for one in side)}


lists = st.lists(selectors(), max_size=4)


@given(lists, lists)
def test_narrowed_lists_allow_exactly_what_both_allow(
    ours: list[TrafficSelector], theirs: list[TrafficSelector]
) -> None:
    both = narrow(ours, theirs)
    assert allowed(both) == allowed(ours) & allowed(theirs)
    assert not any(one is not other and one.contains(other) for one in both for other in both)


@given(selectors(), selectors())
def test_containing_means_allowing_all_of_it(one: TrafficSelector, other: TrafficSelector) -> None:
    if one.contains(other):
        assert allowed([other]) <= allowed([one])


@given(selectors(), selectors())
def test_one_selector_holds_all_that_two_share(one: TrafficSelector, other: TrafficSelector) -> None:
    both = one.narrow(other)
    assert allowed([both] if both else []) == allowed([one]) & allowed([other])
    assert other.narrow(one) == both


some = st.lists(selectors(), min_size=1, max_size=3).map(tuple)


@given(st.lists(st.tuples(some, some), min_size=1, max_size=3), some, some)
def test_chosen_child_gives_nobody_more_than_allowed_and_the_first_choice_where_it_can(
    policies: list[tuple[tuple[TrafficSelector, ...], tuple[TrafficSelector, ...]]],
    local: tuple[TrafficSelector, ...],
    remote: tuple[TrafficSelector, ...],
) -> None:
    configs = [ChildConfig(str(at), *policy) for at, policy in enumerate(policies)]
    match, reasons = match_child(configs, local, remote, Ends((PACKETS[0][0],), (PACKETS[0][0],)))
    if match is None:
        assert len(reasons) == len(configs)
        assert not any(narrow(mine, local) and narrow(theirs, remote) for mine, theirs in policies)
        return
    assert allowed(match.local) == allowed(match.config.local_ts) & allowed(local)
    assert allowed(match.remote) == allowed(match.config.remote_ts) & allowed(remote)
    first = (local[:1], remote[:1])
    if any(covers(mine, first[0]) and covers(theirs, first[1]) for mine, theirs in policies):
        whole = allowed(local) <= allowed(match.local) and allowed(remote) <= allowed(match.remote)
        assert whole or (covers(match.local, first[0]) and covers(match.remote, first[1]))
