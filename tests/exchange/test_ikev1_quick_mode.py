"""IKEv1 quick mode: what is agreed on, how it is refused, lifetimes and rekeying."""

from dataclasses import replace

import pytest
from simulation.ikev1 import ALICE, BOB, ESP_PFS, Pair
from simulation.network import Weather
from simulation.traffic import newest_outbound

from cygnet.base.selectors import TrafficSelector
from cygnet.crypto.proposals import Protocol, parse_proposals
from cygnet.kernel.port import IpProtocol, Lifetime, Mode
from cygnet.keying.config.records import Action
from cygnet.keying.sa.child_states import ChildState
from cygnet.keying.sa.events import ChildDown, ChildUp
from cygnet.pluto.config.settings import DaemonSettings
from cygnet.pluto.encoding.notify import NotifyType
from cygnet.pluto.sa.events import ChildClosed
from cygnet.pluto.sa.orders import (
    Acquire,
    Initiate,
    KernelExpire,
    KernelReset,
    RekeyChild,
    RekeyIke,
    TerminateChild,
    UpdateConfig,
)

TS = TrafficSelector.of


def test_quick_mode_with_perfect_forward_secrecy():
    # I -> R  { HASH(1), SA, Ni, KE, IDci, IDcr }
    # I <- R  { HASH(2), SA, Nr, KE, IDci, IDcr }
    # I -> R  { HASH(3) }
    pair = Pair()
    pair.change_child(proposals=ESP_PFS)
    pair.connect()
    assert pair.is_up()
    assert any("[ HASH SA No KE ID ID ]" in line for line in pair.bob.log)


def test_group_of_phase_1_where_perfect_forward_secrecy_names_none():
    # I -> R  { HASH(1), SA, Ni, KE, IDci, IDcr }
    # I <- R  { HASH(2), SA, Nr, KE, IDci, IDcr }
    # I -> R  { HASH(3) }
    pair = Pair()
    pair.change(pfs=True)
    pair.connect()
    assert pair.is_up()
    assert any("[ HASH SA No KE ID ID ]" in line for line in pair.bob.log)
    sa = pair.alice.sa.snapshot(0)
    assert sa.children[0].proposal.rpartition("/")[2] == sa.proposal.rpartition("/")[2]


def test_perfect_forward_secrecy_on_one_side_only_is_refused():
    # I -> R  { HASH(1), SA, Ni, IDci, IDcr }
    # I <- R  { HASH(1), N(NO_PROPOSAL_CHOSEN) }
    pair = Pair()
    pair.change_child("bob", proposals=ESP_PFS)
    pair.connect()
    assert "NO_PROPOSAL_CHOSEN" in pair.alice.outcome().reason
    assert pair.alice.outcome().notify == NotifyType.NO_PROPOSAL_CHOSEN
    assert any("no acceptable KEY_EXCHANGE_METHOD found" in line for line in pair.bob.log)
    assert pair.is_up(children=0)


def test_selectors_of_another_connection_with_the_same_peer_are_its_own():
    # I -> R  { HASH(1), SA, Ni, IDci = 10.1.0.0/16, IDcr = 10.9.0.0/16 }, on the ISAKMP SA of the first
    pair = Pair()
    sa = pair.connect()
    net = (TS("10.9.0.0/16"),)
    others = {}
    for whose, ts in (("alice", "remote_ts"), ("bob", "local_ts")):
        config = getattr(pair, f"{whose}_config")
        child = replace(config.children[0], name="other", **{ts: net})
        others[whose] = replace(config, name="other", children=(child,))
    pair.bob.connections.configs.append(others["bob"])
    pair.alice.order(sa, Initiate(others["alice"].children[0], ticket=7))
    pair.network.run(2)
    assert pair.is_up(children=2)
    assert {event.config.name for event in pair.bob.of(ChildUp)} == {"net-net", "other"}


@pytest.mark.parametrize("esp", ["aes256gcm16!", "aes256-sha512!", "chacha20poly1305!", "aes128-sha256-esn!"])
def test_algorithms(esp):
    pair = Pair()
    pair.change_child(proposals=parse_proposals(esp, Protocol.ESP))
    pair.connect()
    assert pair.is_up()


def test_authentication_header():
    pair = Pair()
    pair.change_child(proposals=parse_proposals("sha256!", Protocol.AH))
    pair.connect()
    assert pair.is_up()
    assert {one.protocol for one in pair.alice.kernel.sas} == {IpProtocol.AH}


def test_transport_mode():
    pair = Pair()
    dynamic = (TS("dynamic"),)
    pair.change_child(mode=Mode.TRANSPORT, local_ts=dynamic, remote_ts=dynamic)
    pair.connect()
    assert pair.is_up()
    assert {child.mode for child in pair.bob.children} == {Mode.TRANSPORT}


def test_mode_must_be_the_same():
    pair = Pair()
    dynamic = (TS("dynamic"),)
    pair.change_child(local_ts=dynamic, remote_ts=dynamic)
    pair.change_child("alice", mode=Mode.TRANSPORT)
    pair.connect()
    assert "NO_PROPOSAL_CHOSEN" in pair.alice.outcome().reason
    assert pair.is_up(children=0)


def test_each_pair_of_selectors_is_an_sa():
    pair = Pair()
    nets = (TS("10.1.1.0/24"), TS("10.1.2.0/24"))
    pair.change_child("alice", local_ts=nets)
    pair.change_child("bob", remote_ts=nets)
    pair.connect()
    assert pair.is_up(children=2)
    assert pair.alice.outcome().ok
    assert {child.local_ts for child in pair.alice.children} == {(one,) for one in nets}


def test_order_for_what_is_there_finds_nothing_to_do():
    pair = Pair()
    sa = pair.connect()
    pair.alice.order(sa, Initiate(pair.alice_config.children[0], ticket=2))
    pair.network.run(2)
    assert pair.alice.outcome(2).ok and pair.is_up()


def test_protocol_and_port():
    pair = Pair()
    pair.change_child("alice", remote_ts=(TS("10.2.0.0/16", 6, (80, 80)),))
    pair.connect()
    assert pair.is_up()
    (child,) = pair.bob.children
    assert str(child.local_ts[0]) == str(pair.alice_config.children[0].remote_ts[0])


def test_selectors_outside_of_what_is_configured_are_refused():
    # I <- R  { HASH(1), N(INVALID_ID_INFORMATION) }
    pair = Pair()
    pair.change_child("alice", remote_ts=(TS("10.3.0.0/16"),))
    pair.connect()
    assert "INVALID_ID_INFORMATION" in pair.alice.outcome().reason
    assert pair.is_up(children=0)


def test_selectors_that_ikev1_cannot_say_are_an_error_of_ours():
    pair = Pair()
    pair.change_child("alice", remote_ts=(TS("10.2.0.0/16", 6, (80, 443)),))
    pair.connect()
    assert "not for ranges" in pair.alice.outcome().reason
    assert pair.is_up(children=0)


def test_acquire_makes_the_pair_that_holds_the_packet():
    pair = Pair()
    nets = (TS("10.1.1.0/24"), TS("10.1.2.0/24"))
    pair.change_child("alice", local_ts=nets)
    pair.change_child("bob", remote_ts=nets)
    pair.load()
    sa = pair.alice.initiate(pair.alice_config, None)
    child = pair.alice_config.children[0]
    packet = TS("10.1.2.9", 17, (5, 5)), TS("10.2.0.9", 17, (53, 53))
    pair.alice.order(sa, Acquire(child, 7, *packet, ticket=2))
    pair.network.run(2)
    assert pair.alice.outcome(2).ok
    assert [one.local_ts for one in pair.alice.children] == [(nets[1],)]


def test_shorter_lifetime_of_the_responder_is_told():
    # I <- R  { HASH(2), SA, Nr, IDci, IDcr, N(RESPONDER_LIFETIME) }
    pair = Pair()
    pair.change_child("bob", lifetime=Lifetime(soft_s=500, hard_s=600))
    pair.connect()
    assert pair.is_up()
    for peer in (pair.alice, pair.bob):
        (child,) = peer.children
        assert child.expire_at - child.installed_at == 600
    assert any("N(RESP_LIFETIME)" in line for line in pair.alice.log)


def test_shorter_lifetime_of_the_initiator_is_taken():
    pair = Pair()
    pair.change_child("alice", lifetime=Lifetime(soft_s=500, hard_s=600))
    pair.connect()
    (child,) = pair.bob.children
    assert child.expire_at - child.installed_at == 600


@pytest.mark.parametrize("whose", ["alice", "bob"])
def test_rekeying_from_either_side(whose):
    pair = Pair(settings=DaemonSettings(delete_rekeyed=True))
    pair.connect()
    before = pair.alice.children[0].unique_id
    peer = getattr(pair, whose)
    peer.order(peer.sa, RekeyChild(name="net-net", ticket=5))
    pair.network.run(2)
    assert peer.outcome(5).ok
    assert sorted(one.state for one in pair.alice.children) == [ChildState.INSTALLED, ChildState.REKEYED]
    assert [one.replaces for one in pair.alice.of(ChildUp)] == [0, before]
    pair.network.run(20)
    assert pair.is_up()
    assert [one.rekeyed for one in pair.alice.of(ChildDown)] == [True]


def way_out(peer):
    """The SPI that packets leave through."""
    return newest_outbound(peer).id.spi


@pytest.mark.parametrize("then", ["waits", "renews phase 1", "loses the old one"])
def test_initiator_that_rekeys_sends_through_the_old_one_until_the_peer_has_the_new_one(then):
    # I -> R  { HASH(3) }     which nothing confirms: a responder may install both SAs only now
    pair = Pair()
    sa = pair.connect()
    old = way_out(pair.alice)
    pair.alice.order(sa, RekeyChild(name="net-net", ticket=5))
    pair.network.run(0.5)
    assert pair.alice.outcome(5).ok and len(pair.alice.children) == 2
    assert way_out(pair.alice) == old
    assert way_out(pair.bob) == pair.alice.children[-1].inbound.spi
    if then == "renews phase 1":
        pair.alice.order(sa, RekeyIke(ticket=6))
    elif then == "loses the old one":
        pair.bob.order(pair.bob.sa, TerminateChild(pair.bob.children[0].unique_id))
    pair.network.run(0.3 if then == "loses the old one" else 3)
    assert way_out(pair.alice) == pair.bob.children[-1].inbound.spi != old


def test_kernel_asks_for_rekeying_before_expiry():
    pair = Pair()
    pair.alice.kernel.timed = pair.bob.kernel.timed = True
    pair.connect()
    pair.network.run(3 * 3600)
    assert len(pair.alice.of(ChildUp)) > 2
    assert any(one.state == ChildState.INSTALLED for one in pair.alice.children)
    assert all(one.rekeyed for one in pair.alice.of(ChildDown))


def test_rekeying_that_is_refused_leaves_the_old_one_in_use():
    # I -> R  { HASH(1), SA, Ni, IDci, IDcr }
    # I <- R  { HASH(1), N(NO_PROPOSAL_CHOSEN) }
    pair = Pair()
    sa = pair.connect()
    pair.change_child("bob", proposals=ESP_PFS)
    pair.bob.order(pair.bob.sa, UpdateConfig(pair.bob_config))
    pair.alice.order(sa, RekeyChild(name="net-net", ticket=5))
    pair.network.run(5)
    assert "NO_PROPOSAL_CHOSEN" in pair.alice.outcome(5).reason
    assert pair.is_up()
    assert [one.state for one in pair.alice.children] == [ChildState.INSTALLED]


def test_expired_child_is_deleted_on_both_sides():
    # I -> R  { HASH(1), D(ESP) }
    pair = Pair()
    sa = pair.connect()
    inbound = pair.alice.children[0].inbound
    pair.alice.order(sa, KernelExpire(inbound, hard=True))
    pair.network.run(1)
    assert pair.is_up(children=0)
    assert not pair.alice.kernel.sas


def test_terminate_child():
    # I -> R  { HASH(1), D(ESP) }
    pair = Pair()
    pair.change_child("bob", close_action=Action.TRAP)
    sa = pair.connect()
    pair.alice.order(sa, TerminateChild(name="net-net", ticket=3))
    pair.network.run(1)
    assert pair.alice.outcome(3).ok and pair.is_up(children=0)
    assert [one.action for one in pair.bob.of(ChildClosed)] == [Action.TRAP]
    pair.alice.order(sa, TerminateChild(name="net-net", ticket=4))
    assert not pair.alice.outcome(4).ok


def test_data_plane_that_lost_all_gets_all_again():
    pair = Pair()
    sa = pair.connect()
    pair.alice.order(sa, KernelReset())
    pair.network.run(2)
    assert len(pair.alice.children) == 1 and len(pair.alice.kernel.sas) == 2


@pytest.mark.parametrize("seed", range(8))
def test_many_quick_modes_in_bad_weather(seed):
    pair = Pair(seed, weather=Weather(loss=0.1, copies=0.2, jitter_s=0.3))
    nets = tuple(TS(f"10.1.{number}.0/24") for number in range(6))
    pair.change_child("alice", local_ts=nets)
    pair.change_child("bob", remote_ts=nets)
    pair.connect(200)
    assert pair.is_up(children=6)


def test_hosts_themselves_without_identities():
    """RFC 2409, 5.5: without ID payloads the identities are the hosts' addresses."""
    pair = Pair()
    dynamic = (TS("dynamic"),)
    pair.change_child(local_ts=dynamic, remote_ts=dynamic)
    pair.connect()
    assert [str(one.start) for one in pair.bob.children[0].remote_ts] == [ALICE]
    assert [str(one.start) for one in pair.bob.children[0].local_ts] == [BOB]


def test_child_deleted_while_it_is_being_made():
    pair = Pair()
    sa = pair.connect(0.075)
    assert [one.state for one in pair.alice.children] == [ChildState.CREATED]
    pair.alice.order(sa, TerminateChild(name="net-net"))
    pair.network.run(200)
    assert pair.alice.outcome().reason == "deleted meanwhile"
    assert pair.is_up(children=0)


def test_both_sides_rekey_at_once_and_one_of_two_goes():
    pair = Pair()
    pair.alice.kernel.timed = pair.bob.kernel.timed = True
    pair.connect()
    for peer in (pair.alice, pair.bob):
        peer.order(peer.sa, RekeyChild(name="net-net"))
    pair.network.run(4 * 3600)
    in_use = [one for one in pair.alice.children if one.state == ChildState.INSTALLED]
    assert 1 <= len(in_use) <= 2
    assert len(pair.alice.kernel.sas) == 2 * len(pair.alice.children)


def test_number_of_ipsec_sas_is_limited():
    pair = Pair(settings=DaemonSettings(max_children=3))
    nets = tuple(TS(f"10.1.{number}.0/24") for number in range(5))
    pair.change_child("alice", local_ts=nets)
    pair.change_child("bob", remote_ts=nets)
    pair.connect()
    assert len(pair.bob.children) == 3
    assert "NO_PROPOSAL_CHOSEN" in pair.alice.outcome().reason


def test_number_of_waiting_orders_is_limited():
    pair = Pair(settings=DaemonSettings(max_queued=2))
    pair.load()
    child = pair.alice_config.children[0]
    sa = pair.alice.initiate(pair.alice_config, child)
    for ticket in range(2, 5):
        pair.alice.order(sa, Initiate(child, ticket=ticket))
    assert "waiting already" in pair.alice.outcome(4).reason
    pair.network.run(2)
    assert pair.is_up() and pair.alice.outcome(2).ok


def test_peer_that_does_not_answer_a_quick_mode_is_dead():
    pair = Pair()
    pair.change_child("alice", dpd_action=Action.START)
    sa = pair.connect()
    pair.network.weather = Weather(loss=1.0)
    pair.alice.order(sa, RekeyChild(name="net-net", ticket=5))
    pair.network.run(300)
    assert pair.alice.outcome(5).reason == "peer not responding"
    assert not pair.alice.sas and pair.alice.kernel.is_empty()
