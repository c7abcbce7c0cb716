"""Dead peer detection, kernel events, lifetimes."""

from simulation.pair import Pair

from cygnet.charon.sa.orders import KernelReset
from cygnet.kernel.port import Usage
from cygnet.keying.config.records import Action


def monitored() -> Pair:
    pair = Pair()
    pair.change("alice", dpd_delay_s=30)
    return pair


def test_silent_but_living_peer_is_asked_and_kept() -> None:
    pair = monitored()
    pair.connect(100)
    # I -> R  INFORMATIONAL { }
    # R -> I  INFORMATIONAL { }
    assert pair.is_up()
    assert pair.alice.log.count("sending DPD request") == 3


def test_traffic_is_proof_of_life() -> None:
    pair = monitored()
    pair.connect()
    inbound = pair.children(pair.alice)[0].inbound
    pair.alice.kernel.usage[inbound] = Usage(100, 1, 1.0)
    pair.network.run(100)
    assert "sending DPD request" not in pair.alice.log


def test_dead_peer_is_let_go() -> None:
    pair = monitored()
    pair.connect()
    pair.network.filters.append(lambda datagram: None)
    pair.network.run(300)
    assert not pair.alice.sas and pair.alice.kernel.is_empty()
    assert pair.alice.retired == ["peer not responding"]


def test_dpdaction_start_makes_it_again() -> None:
    pair = monitored()
    pair.change_child("alice", dpd_action=Action.START)
    pair.connect()
    pair.network.filters.append(lambda datagram: None)
    pair.network.run(220)
    pair.network.filters.clear()
    pair.network.run(60)
    assert pair.is_up()
    assert "peer not responding" in pair.alice.retired


def test_dpdaction_trap_installs_the_trap() -> None:
    pair = monitored()
    pair.change_child("alice", dpd_action=Action.TRAP)
    pair.connect()
    pair.network.filters.append(lambda datagram: None)
    pair.network.run(300)
    (routed,) = pair.alice.traps.installed()
    assert routed.name == "net-net" and not pair.alice.sas


def test_lost_data_plane_gets_new_keys() -> None:
    pair = Pair()
    sa = pair.connect()
    old = pair.children(pair.alice)[0].inbound
    pair.alice.kernel.forget()
    pair.alice.order(sa, KernelReset())
    pair.network.run()
    assert pair.is_up()
    assert pair.children(pair.alice)[0].inbound != old


def test_kernel_that_refuses_the_responder_is_told_to_the_initiator() -> None:
    pair = Pair()
    pair.bob.kernel.fail_next("add_sa", "no such cipher here")
    pair.connect()
    assert pair.is_up(children=0)
    assert pair.bob.said("no such cipher here")
    assert pair.bob.kernel.is_empty()
    assert "NO_PROPOSAL_CHOSEN" in pair.alice.finished().reason


def test_kernel_that_refuses_the_initiator_deletes_the_child_sa_again() -> None:
    pair = Pair()
    pair.alice.kernel.fail_next("add_sa", "no such cipher here")
    pair.connect()
    assert pair.is_up(children=0)
    assert pair.alice.finished().reason == "no such cipher here"
    assert pair.alice.kernel.is_empty() and pair.bob.kernel.is_empty()
