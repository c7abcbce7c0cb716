"""Successors of IKE_SAs."""

from dataclasses import replace

import pytest
from simulation.recording import CHILD, HERE, LOCAL, PEER, REMOTE, THERE, Shell, ike_sa

from cygnet.base.errors import LocalError
from cygnet.charon.jobs.reauthentications import Reauthentications
from cygnet.charon.jobs.uniqueness import Uniqueness
from cygnet.charon.sa.events import Finished, Reauthenticate, Reauthenticated, ReauthenticationFailed
from cygnet.charon.sa.orders import Initiate, ReauthFailed, TerminateIke
from cygnet.kernel.port import Mark
from cygnet.keying.config.records import AddressSpec, Unique
from cygnet.keying.config.settings import DaemonSettings
from cygnet.keying.sa.endings import Lost
from cygnet.keying.sa.marks import Marks


def reauthentications(shell):
    return Reauthentications(shell.place, Uniqueness(shell.place))


def begun(*children, ticket=9):
    shell = Shell(sas={50: ike_sa(50)})
    jobs = reauthentications(shell)
    jobs.begin(Reauthenticate(50, PEER, HERE, THERE, children, ticket))
    return shell, jobs


def test_successor_gets_an_order_for_each_child_sa_as_it_was():
    as_configured = Lost(CHILD, 1, 7, LOCAL, REMOTE)
    narrowed = Lost(CHILD, 2, 0, REMOTE, LOCAL, marks=Marks(Mark(3)))
    shell, _ = begun(as_configured, narrowed)
    (sa,) = shell.registered
    assert sa.snapshot(0).succeeds == 50 and sa.remote == THERE
    first, second = shell.orders(Initiate)
    assert (first.child, first.reqid, first.selectors) == (CHILD, 7, None)
    assert (second.child, second.reqid, second.selectors) == (CHILD, 0, (REMOTE, LOCAL))
    assert second.marks == Marks(Mark(3))


def test_without_child_sas_the_ike_sa_is_made_alone():
    shell, _ = begun()
    assert shell.orders(Initiate) == [Initiate(None)]


def test_old_one_is_deleted_once_the_successor_has_everything():
    shell, jobs = begun()
    jobs.concluded(Reauthenticated(1, 50))
    jobs.concluded(Reauthenticated(1, 50))
    (order,) = shell.orders(TerminateIke)
    assert (order.ticket, order.successor, order.reauthenticated) == (9, 1, True)


def test_old_one_is_told_of_a_failure():
    shell, jobs = begun()
    jobs.failed(ReauthenticationFailed(1, 50, "no answer"))
    assert shell.ordered[-1] == (50, ReauthFailed("no answer", 9))


def test_old_one_that_was_rekeyed_is_still_meant():
    shell, jobs = begun()
    shell.sas[51] = ike_sa(51)
    jobs.moved(50, 51)
    jobs.concluded(Reauthenticated(1, 50))
    assert shell.ordered[-1][0] == 51


def test_who_waits_is_told_where_the_old_one_is_gone():
    for tell, ok in (
        (lambda jobs: jobs.concluded(Reauthenticated(1, 50)), True),
        (lambda jobs: jobs.failed(ReauthenticationFailed(1, 50, "no")), False),
    ):
        shell, jobs = begun()
        shell.sas.clear()
        tell(jobs)
        (told,) = [event for event in shell.published if isinstance(event, Finished)]
        assert (told.ticket, told.ok) == (9, ok)


def test_ike_sa_that_is_gone_gets_no_successor():
    shell = Shell()
    reauthentications(shell).begin(Reauthenticate(50, PEER, HERE, THERE, (), 9))
    assert not shell.registered and not shell.published[0].ok


def test_limit_of_ike_sas_is_a_failure():
    shell = Shell(sas={50: ike_sa(50)})

    def refuse(sa):
        raise LocalError("too many")

    shell.place.manager.register = refuse
    reauthentications(shell).begin(Reauthenticate(50, PEER, HERE, THERE, (), 9))
    assert shell.ordered == [(50, ReauthFailed("too many", 9))]


def test_port_that_is_not_to_be_had_is_a_failure():
    """Who answered on any port is to begin from ``leftikeport``."""
    shell = Shell(sas={50: ike_sa(50)})
    peer = replace(PEER, ike=replace(PEER.ike, local=AddressSpec(port=1234)))
    reauthentications(shell).begin(Reauthenticate(50, peer, HERE, THERE, (), 9))
    assert not shell.registered
    ((number, order),) = shell.ordered
    assert number == 50 and order.ticket == 9 and "leftikeport=1234" in order.reason


@pytest.mark.parametrize(
    ("changes", "crosses"),
    [
        ({}, True),
        ({"established_at": 900.0}, False),
        ({"succeeds": 50}, False),
        ({"state": "DELETING"}, False),
        ({"config": None}, False),
        ({"config": replace(PEER, fuzz_percent=7)}, False),
    ],
)
def test_it_waits_while_the_peer_reauthenticates(changes, crosses):
    other = ike_sa(51, **({"established_at": 999.0} | changes))
    shell = Shell(sas={50: ike_sa(50, established_at=500.0), 51: other})
    reauthentications(shell).begin(Reauthenticate(50, PEER, HERE, THERE, (), 9))
    waiting = [ReauthFailed("the peer is reauthenticating", 9)]
    assert shell.orders(ReauthFailed) == (waiting if crosses else [])
    assert bool(shell.registered) is not crosses


@pytest.mark.parametrize(
    ("unique", "made_at", "reuse", "ended"),
    [
        (Unique.KEEP, 600.0, True, True),
        (Unique.KEEP, 400.0, True, False),
        (Unique.KEEP, 600.0, False, False),
        (Unique.REPLACE, 600.0, True, False),
        (Unique.NO, 600.0, True, False),
    ],
)
def test_with_keep_a_newer_one_that_is_there_is_successor_enough(unique, made_at, reuse, ended):
    peer = replace(PEER, unique=unique)
    shell = Shell(
        settings=DaemonSettings(reuse_ikesa=reuse),
        sas={
            50: ike_sa(50, config=peer, created_at=500.0, established_at=500.0),
            51: ike_sa(51, config=peer, created_at=made_at, established_at=made_at),
        },
    )
    reauthentications(shell).begin(Reauthenticate(50, peer, HERE, THERE, (), 9))
    assert bool(shell.registered) is not ended
    found = [(number, order.successor) for number, order in shell.ordered if isinstance(order, TerminateIke)]
    assert found == [(50, 51)] * ended
    assert [event.ok for event in shell.published if isinstance(event, Finished)] == [True] * ended


def test_ike_sa_knows_what_it_is_to_succeed_until_it_has():
    _, jobs = begun()
    assert (jobs.predecessor(1), jobs.predecessor(2)) == (50, 0)
    jobs.concluded(Reauthenticated(1, 50))
    assert jobs.predecessor(1) == 0
