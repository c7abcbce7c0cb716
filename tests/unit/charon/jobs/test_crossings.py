"""Of two CHILD_SAs that crossed, both sides name the same one; others cross nothing."""

from dataclasses import replace

import pytest
from simulation.recording import CHILD, child_up

from cygnet.charon.jobs.crossings import CROSSED_S, losers
from cygnet.charon.jobs.installed import Known
from cygnet.keying.config.records import UniqueMark


def known(event, renewed=False):
    return Known(event.ike_id, event.config, event.child, event.initiated, renewed)


@pytest.mark.parametrize(("first", "loser"), [((0x1, 0x9), 2), ((0x5, 0x9), 1)])
@pytest.mark.parametrize("initiated", [True, False])
def test_the_one_whose_lower_spi_is_the_higher_goes(first, loser, initiated):
    old = known(child_up(1, spis=first, initiated=not initiated))
    new = child_up(2, spis=(0x7, 0x3), initiated=initiated)
    assert [child.unique_id for child in losers(new, (old,))] == [loser]


@pytest.mark.parametrize(
    ("old", "renewed", "new", "crossed"),
    [
        ({"initiated": False}, False, {"initiated": True, "installed_at": 9000.0}, True),
        ({"initiated": True}, True, {"initiated": True}, True),
        ({"initiated": True}, False, {"initiated": True}, False),
        ({"initiated": True}, True, {"initiated": False}, False),
        ({"initiated": True}, False, {"initiated": False, "installed_at": 1000.0 + CROSSED_S}, False),
        ({"initiated": False}, False, {"initiated": True, "ike_id": 2}, False),
        ({"initiated": False}, False, {"initiated": True, "local_ts": ()}, False),
    ],
)
def test_what_crosses(old, renewed, new, crossed):
    found = losers(child_up(2, **new), (known(child_up(1, **old), renewed), known(child_up(2, **new))))
    assert bool(list(found)) is crossed


def test_those_with_marks_of_their_own_are_meant_to_be_several():
    config = replace(CHILD, mark_in=UniqueMark())
    assert not list(losers(child_up(2, config=config, initiated=True), (known(child_up(1)),)))
