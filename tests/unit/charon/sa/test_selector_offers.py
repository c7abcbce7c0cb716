"""Which selectors are proposed, and what is said of those refused."""

import pytest

from cygnet.base.selectors import MAX_SELECTORS, TrafficSelector
from cygnet.charon.encoding.notify import NotifyType
from cygnet.charon.sa.selector_offers import offered, single_pair, unacceptable


def ts(*texts: str) -> tuple[TrafficSelector, ...]:
    return tuple(map(TrafficSelector.of, texts))


WEB = TrafficSelector.of("10.1.0.5", 6, (443, 443))


@pytest.mark.parametrize(
    ("selectors", "packet", "first"),
    [
        (ts("10.1.0.0/16", "10.3.0.0/16"), WEB, WEB),
        (ts("10.1.0.0/16"), None, ts("10.1.0.0/16")[0]),
        (ts("10.9.0.0/16"), WEB, ts("10.9.0.0/16")[0]),  # not ours to ask for
        ((WEB, *ts("10.3.0.0/16")), WEB, WEB),
        (ts(*(f"10.1.{n}.0/24" for n in range(255))), WEB, ts("10.1.0.0/24")[0]),
    ],
)
def test_packet_goes_first_where_there_is_room(
    selectors: tuple[TrafficSelector, ...], packet: TrafficSelector | None, first: TrafficSelector
) -> None:
    found = offered(selectors, packet)
    assert found[0] == first
    assert set(found) - {packet} == set(selectors) - {packet}
    assert len(found) <= MAX_SELECTORS


def test_single_pair_keeps_what_the_connection_says_of_protocols() -> None:
    remote = (TrafficSelector.of("10.2.0.0/16", 6), TrafficSelector.of("10.2.0.0/16", 17, (53, 53)))
    packet = (WEB, TrafficSelector.of("10.2.0.6", 6, (443, 443)))
    local, far = single_pair(ts("10.1.0.0/16"), remote, packet)
    assert list(map(str, local)) == ["10.1.0.5/32"]
    assert list(map(str, far)) == ["10.2.0.6/32[tcp]", "10.2.0.6/32[udp/domain]"]


def test_only_refusals_of_selectors_name_them() -> None:
    local, remote = ts("10.1.0.0/16"), ts("10.2.0.0/16")
    assert unacceptable(NotifyType.NO_PROPOSAL_CHOSEN, local, remote) == ""
    named = "; the peer accepts none of 10.1.0.0/16 === 10.2.0.0/16"
    assert unacceptable(NotifyType.TS_UNACCEPTABLE, local, remote) == named
    assert "auto=route" in unacceptable(NotifyType.SINGLE_PAIR_REQUIRED, local, remote)


def test_long_lists_are_cut() -> None:
    many = ts(*(f"10.{number}.0.0/16" for number in range(9)))
    named = unacceptable(NotifyType.TS_UNACCEPTABLE, many, ts("10.99.0.0/16"))
    assert named.endswith("10.0.0.0/16 10.1.0.0/16 10.2.0.0/16 and 6 more === 10.99.0.0/16")
