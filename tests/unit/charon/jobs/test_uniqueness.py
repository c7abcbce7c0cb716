"""What becomes of other IKE_SAs between the same identities."""

from dataclasses import replace

import pytest
from simulation.recording import HERE, MOON, PEER, SUN, THERE, Shell, ike_sa

from cygnet.base.addresses import Host
from cygnet.charon.jobs.uniqueness import REAUTHENTICATION_S, Uniqueness
from cygnet.charon.sa.events import IkeClosed, IkeEstablished
from cygnet.charon.sa.orders import TerminateIke
from cygnet.keying.config.records import Unique
from cygnet.keying.sa.endings import Cause

ELSEWHERE = Host.of("192.0.2.9", 500)


def judged(*sas, unique=Unique.REPLACE, initiator=False, **more):
    """IKE_SA 2 has just been established."""
    config = replace(PEER, unique=unique)
    changed = (replace(sa, config=config if sa.config is PEER else sa.config) for sa in sas)
    shell = Shell(sas={sa.unique_id: sa for sa in changed})
    Uniqueness(shell.place)(IkeEstablished(2, config, HERE, THERE, MOON, SUN, initiator, **more))
    return shell


def ended(shell):
    return [number for number, order in shell.ordered if isinstance(order, TerminateIke)]


@pytest.mark.parametrize("unique", list(Unique))
def test_initial_contact_ends_all_others_unless_never(unique):
    shell = judged(ike_sa(1, config=None), ike_sa(2), unique=unique, initial_contact=True)
    assert ended(shell) == ([] if unique is Unique.NEVER else [1])
    assert all(order.force and order.successor == 2 for _, order in shell.ordered)


@pytest.mark.parametrize("unique", list(Unique))
def test_replace_ends_the_older_one_elsewhere_at_once(unique):
    shell = judged(ike_sa(1, remote=ELSEWHERE), ike_sa(2), unique=unique)
    assert ended(shell) == ([1] if unique is Unique.REPLACE else [])


def test_replace_leaves_one_of_the_same_host_time_to_be_taken_over():
    shell = judged(ike_sa(1), ike_sa(2))
    assert ended(shell) == []
    assert shell.later() == [REAUTHENTICATION_S]
    assert ended(shell) == [1]


@pytest.mark.parametrize("change", [{"state": "DELETING"}, {"config": replace(PEER, fuzz_percent=7)}])
def test_older_one_stays_where_the_newer_is_not_its_like_any_more(change):
    shell = judged(ike_sa(1), ike_sa(2))
    shell.sas[2] = replace(shell.sas[2], **change)
    shell.later()
    assert ended(shell) == []


def test_initiator_replaces_nothing():
    shell = judged(ike_sa(1), ike_sa(2), initiator=True)
    assert ended(shell) == [] and not shell.events


def test_other_connections_are_left_alone():
    shell = judged(ike_sa(1, config=replace(PEER, fuzz_percent=7), remote=ELSEWHERE), ike_sa(2))
    assert ended(shell) == []


def test_rekeyed_one_ends_nobody():
    assert ended(judged(ike_sa(1), ike_sa(2), replaces=1, initial_contact=True)) == []


def test_successor_leaves_its_predecessor_to_the_reauthentication():
    assert ended(judged(ike_sa(1), ike_sa(2), succeeds=1)) == []


def crossing(ours, theirs, **more):
    mine = ike_sa(2, spi_i=ours, created_at=20.0, established_at=21.0)
    other = ike_sa(1, spi_i=theirs, initiator=False, created_at=20.5, established_at=20.9)
    return judged(mine, other, initiator=True, **more)


@pytest.mark.parametrize("unique", [Unique.REPLACE, Unique.KEEP])
@pytest.mark.parametrize(("ours", "theirs", "loser"), [(b"\x01", b"\x02", 1), (b"\x02", b"\x01", 2)])
def test_of_two_that_crossed_the_one_with_the_higher_spi_ends(ours, theirs, loser, unique):
    assert ended(crossing(ours, theirs, unique=unique)) == [loser]


def test_initial_contact_says_nothing_of_one_that_crossed():
    shell = crossing(b"\x01", b"\x02", initial_contact=True)
    assert ended(shell) == [1] and not shell.ordered[0][1].force


def test_rekeying_crosses_nothing():
    mine = ike_sa(2, created_at=20.0, established_at=21.0)
    rekeyed = ike_sa(1, initiator=False, created_at=20.5, established_at=20.5)
    assert ended(judged(mine, rekeyed, initiator=True)) == []


def with_a_loser():
    """IKE_SA 2 has crossed IKE_SA 1, whose initiator SPI is the higher one."""
    sas = (
        ike_sa(1, initiator=True, spi_i=bytes([9] * 8), created_at=1.0, established_at=5.0),
        ike_sa(2, initiator=False, spi_i=bytes([2] * 8), created_at=2.0, established_at=6.0),
    )
    shell = Shell(sas={sa.unique_id: sa for sa in sas})
    jobs = Uniqueness(shell.place)
    jobs(IkeEstablished(2, PEER, HERE, THERE, MOON, SUN, False))
    assert ended(shell) == [1]
    return jobs


@pytest.mark.parametrize("cause", [Cause.REPLACED, Cause.CLOSED])
def test_end_of_one_that_crossed_is_told_from_others_whoever_deletes_it(cause):
    jobs = with_a_loser()
    event = IkeClosed(1, PEER, (), cause, False)
    assert jobs.closed(event) == replace(event, cause=Cause.CROSSED, initiator=True)
    assert jobs.closed(event) == event


def test_one_that_crossed_and_was_rekeyed_is_still_known():
    jobs = with_a_loser()
    jobs.moved(1, 3)
    jobs.moved(7, 8)
    assert jobs.closed(IkeClosed(3, PEER, (), Cause.REPLACED, True)).cause is Cause.CROSSED


def test_keep_ends_an_own_one_that_came_late():
    shell = judged(ike_sa(1, initiator=False), ike_sa(2), unique=Unique.KEEP, initiator=True)
    assert ended(shell) == [2]


@pytest.mark.parametrize("unique", [Unique.KEEP, Unique.REPLACE])
def test_own_successor_is_not_late(unique):
    sas = (ike_sa(1, initiator=False), ike_sa(2), ike_sa(3, config=None))
    assert ended(judged(*sas, unique=unique, initiator=True, succeeds=3)) == []
