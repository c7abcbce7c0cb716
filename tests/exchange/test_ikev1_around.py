"""IKEv1 around phases 1 and 2: NAT traversal, dead peers, deletion, renewal of phase 1."""

from dataclasses import replace
from ipaddress import ip_address

import pytest
from simulation.ikev1 import ALICE, BOB, Pair
from simulation.network import Cut, SourceNat, StaticNat, Weather

from cygnet.base.addresses import Host
from cygnet.base.identities import Identity
from cygnet.base.selectors import TrafficSelector
from cygnet.crypto.proposals import Protocol, parse_proposals
from cygnet.kernel.port import Encapsulation, Mode
from cygnet.keying.config.records import Action
from cygnet.keying.sa.events import ChildDown, ChildUp
from cygnet.pluto.config.settings import DaemonSettings
from cygnet.pluto.encoding.identities import payload_of_selector
from cygnet.pluto.sa import quick_selectors
from cygnet.pluto.sa.events import ChildClosed, IkeEstablished, Reestablish
from cygnet.pluto.sa.orders import HandOver, Initiate, RekeyIke, TerminateIke
from cygnet.pluto.sa.states import IkeState

OUTSIDE = "203.0.113.1"


def behind_nat(pair):
    pair.network.filters.append(SourceNat(Host.of(ALICE), Host.of(OUTSIDE)))
    return pair


def test_nat_in_front_of_the_initiator_moves_both_to_port_4500():
    # I -> R  KE, Ni, NAT-D, NAT-D      from port 500
    # I <- R  KE, Nr, NAT-D, NAT-D
    # I -> R  { IDii, HASH_I }          from port 4500
    pair = behind_nat(Pair())
    pair.connect()
    assert [one.state for one in pair.alice.sas.values()] == [IkeState.ESTABLISHED]
    assert pair.alice.sa.local.port == pair.alice.sa.remote.port == 4500
    assert pair.bob.sa.local.port == 4500 and pair.bob.sa.remote.port == 40001
    (inbound, *_) = [one for one in pair.bob.kernel.sas.values() if one.inbound]
    assert inbound.encapsulation == Encapsulation(40001, 4500)
    assert len(pair.bob.children) == 1


def test_keep_alives_hold_the_mapping():
    pair = behind_nat(Pair())
    pair.connect()
    pair.network.run(100)
    assert pair.bob.keep_alives == 5


def test_nat_that_forgets_its_mapping_is_followed():
    pair = Pair()
    nat = SourceNat(Host.of(ALICE), Host.of(OUTSIDE))
    pair.network.filters.append(nat)
    pair.change("alice", dpd_delay_s=30)
    pair.connect()
    nat.forget()
    pair.network.run(100)
    assert pair.bob.sa.remote.port >= 41000
    (outbound,) = [one for one in pair.bob.kernel.sas.values() if not one.inbound]
    assert outbound.encapsulation.destination_port == pair.bob.sa.remote.port


def test_pretended_nat():
    pair = Pair()
    pair.change_ike("alice", force_encaps=True)
    pair.connect()
    assert pair.is_up()
    assert all(one.encapsulation for one in pair.alice.kernel.sas.values())
    assert all(one.encapsulation for one in pair.bob.kernel.sas.values())


def test_transport_mode_through_a_nat_tells_original_addresses():
    # I -> R  { HASH(1), SA, Ni, IDci, IDcr, NAT-OAi, NAT-OAr }
    # I <- R  { HASH(2), SA, Nr, IDci, IDcr, NAT-OAi, NAT-OAr }
    pair = behind_nat(Pair())
    dynamic = (TrafficSelector.of("dynamic"),)
    pair.change_child(mode=Mode.TRANSPORT, local_ts=dynamic, remote_ts=dynamic)
    pair.connect()
    (inbound,) = [one for one in pair.bob.kernel.sas.values() if one.inbound]
    assert inbound.mode is Mode.TRANSPORT
    assert inbound.original == (ip_address(ALICE), ip_address(BOB))
    assert [str(one.start) for one in pair.bob.children[0].remote_ts] == [OUTSIDE]


def answering_with(monkeypatch, host):
    """A responder that returns the initiator's ID payload under another address."""
    find = quick_selectors.find

    def changed(sa, message, terms):
        quick = find(sa, message, terms)
        told = replace(quick.remote, start=ip_address(host), end=ip_address(host))
        quick.identities = (payload_of_selector(told), quick.identities[1])
        return quick

    monkeypatch.setattr(quick_selectors, "find", changed)


@pytest.mark.parametrize(
    ("host", "mode", "ok"),
    [
        (OUTSIDE, Mode.TRANSPORT, True),
        ("203.0.113.77", Mode.TRANSPORT, False),
        (OUTSIDE, Mode.TUNNEL, False),
    ],
)
def test_responder_may_return_hosts_as_it_sees_them_in_transport_mode_only(monkeypatch, host, mode, ok):
    # I <- R  { HASH(2), SA, Nr, IDci', IDcr, NAT-OAi, NAT-OAr }
    answering_with(monkeypatch, host)
    pair = behind_nat(Pair())
    dynamic = (TrafficSelector.of("dynamic"),)
    pair.change_child(mode=mode, local_ts=dynamic, remote_ts=dynamic)
    if mode is Mode.TUNNEL:
        pair.change_child("bob", remote_ts=(TrafficSelector.of(ALICE),))
    pair.connect()
    assert pair.alice.outcome().ok is ok
    if ok:
        assert [str(one.start) for one in pair.alice.children[0].local_ts] == [ALICE]
    else:
        assert "the responder changed the traffic selectors" in pair.alice.outcome().reason


def test_authentication_header_does_not_pass_a_nat():
    pair = behind_nat(Pair())
    pair.change_child(proposals=parse_proposals("sha256!", Protocol.AH))
    pair.connect()
    assert "AH cannot pass a NAT" in pair.alice.outcome().reason


def test_static_nat_in_front_of_the_responder():
    pair = Pair()
    pair.network.filters.append(StaticNat(Host.of(BOB), Host.of(OUTSIDE)))
    pair.connect(remote=OUTSIDE)
    assert pair.alice.outcome().ok
    assert pair.bob.sa.snapshot(0).local.port == 4500


# Dead peers


def test_silent_peer_is_asked_and_answers():
    # I -> R  { HASH(1), N(R_U_THERE) }
    # I <- R  { HASH(1), N(R_U_THERE_ACK) }
    pair = Pair()
    pair.change("alice", dpd_delay_s=30)
    pair.connect()
    travelled = len(pair.network.travelled)
    pair.network.run(100)
    assert len(pair.network.travelled) == travelled + 6
    assert pair.is_up()


def test_both_sides_ask():
    pair = Pair()
    pair.change(dpd_delay_s=30)
    pair.connect()
    pair.network.run(1000)
    assert pair.is_up()


@pytest.mark.parametrize("action", [Action.NONE, Action.START])
def test_dead_peer_is_given_up(action):
    pair = Pair()
    pair.change("alice", dpd_delay_s=30, dpd_timeout_s=100)
    pair.change_child("alice", dpd_action=action)
    pair.connect()
    pair.network.filters.append(Cut(ALICE, BOB))
    pair.network.run(95)
    assert pair.alice.sas
    pair.network.run(10)
    assert not pair.alice.sas and pair.alice.kernel.is_empty()
    again = pair.alice.of(Reestablish)
    assert [one.children for one in again] == [pair.alice_config.children] * (action is Action.START)


# Deletion


@pytest.mark.parametrize("whose", ["alice", "bob"])
def test_delete_of_both_phases(whose):
    # -> { HASH(1), D(ESP) }
    # -> { HASH(1), D(ISAKMP) }
    pair = Pair()
    pair.connect()
    peer = getattr(pair, whose)
    peer.order(peer.sa, TerminateIke(ticket=9))
    pair.network.run(1)
    assert peer.outcome(9).ok and pair.is_clean()
    assert len(pair.alice.of(ChildDown)) == len(pair.bob.of(ChildDown)) == 1


def test_delete_while_phase_1_goes_on():
    pair = Pair()
    sa = pair.connect(0.015)
    pair.alice.order(sa, TerminateIke(ticket=9))
    pair.network.run(60)
    assert not pair.alice.outcome().ok and pair.alice.outcome(9).ok
    assert pair.is_clean()


def test_peer_that_deletes_is_connected_again_if_configured():
    pair = Pair()
    pair.change_child("alice", close_action=Action.START)
    pair.connect()
    pair.bob.order(pair.bob.sa, TerminateIke())
    pair.network.run(1)
    assert pair.is_clean()


def test_replayed_delete_does_nothing():
    pair = Pair()
    pair.connect()
    pair.bob.order(pair.bob.sa, TerminateIke())
    pair.network.run(1)
    old = [one for one in pair.network.travelled if one.data[18] == 5]
    pair.connect()
    for one in old:
        pair.network.send(one)
    pair.network.run(1)
    assert pair.is_up()


# Renewal of phase 1


def test_renewal_of_phase_1_keeps_the_ipsec_sas():
    pair = Pair()
    sa = pair.connect()
    pair.alice.order(sa, RekeyIke(ticket=6))
    pair.network.run(30)
    assert pair.is_up()
    assert pair.alice.sa.unique_id != sa.unique_id
    assert pair.ups() == (1, 1)
    assert [one.replaces for one in pair.alice.of(IkeEstablished)] == [0, sa.unique_id]
    assert not any(one.initial_contact for one in pair.bob.of(IkeEstablished)[1:])


def test_renewal_is_due_before_the_end():
    pair = Pair()
    pair.change("alice", ike_lifetime_s=1000, margin_s=100)
    pair.connect()
    pair.network.run(5000)
    assert pair.is_up()
    assert len(pair.alice.of(IkeEstablished)) >= 5
    assert pair.ups() == (1, 1)


def test_renewal_that_fails_leaves_the_old_one_until_its_end():
    pair = Pair()
    pair.change("alice", ike_lifetime_s=1000, margin_s=400)
    pair.connect()
    pair.network.filters.append(lambda one: None if one.data[18] == 2 else one)
    pair.network.run(900)
    assert pair.alice.children
    pair.network.run(200)
    assert [one.reason for one in pair.alice.of(Reestablish)] == ["the ISAKMP SA could not be renewed"]
    assert not pair.alice.children


def test_shorter_lifetime_of_phase_1_is_kept_by_the_responder():
    pair = Pair()
    pair.change("alice", ike_lifetime_s=1000, rekey=False)
    pair.connect()
    snapshot = pair.bob.sa.snapshot(0)
    assert snapshot.expire_at - snapshot.established_at == 1000


def test_new_sa_of_the_same_peer_inherits():
    pair = Pair()
    pair.connect()
    pair.alice.initiate(pair.alice_config, None, ticket=2, first=False)
    pair.network.run(30)
    assert pair.is_up()
    assert len(pair.bob.of(ChildUp)) == 1


@pytest.mark.parametrize("seed", range(6))
def test_renewals_in_bad_weather(seed):
    pair = Pair(seed, weather=Weather(loss=0.05, copies=0.1, jitter_s=0.1))
    pair.change(ike_lifetime_s=2000, margin_s=600)
    pair.connect(6000)
    pair.network.weather = Weather()
    pair.network.run(400)
    assert pair.alice.sas and pair.alice.children
    assert len(pair.alice.kernel.sas) == 2 * len(pair.alice.children)
    assert len(pair.bob.kernel.sas) == 2 * len(pair.bob.children)


def test_settings_of_others_do_not_matter_for_dead_peers():
    pair = Pair(settings=DaemonSettings(keep_alive_s=0))
    behind_nat(pair)
    pair.change("bob", remote=replace(pair.bob_config.remote, identity=Identity.parse("%any")))
    pair.connect()
    pair.network.run(100)
    assert pair.bob.keep_alives == 0
    assert pair.alice.children


def test_estate_without_an_heir_is_forfeited():
    pair = Pair()
    sa = pair.connect()
    pair.alice.order(sa, HandOver(heir=99))
    pair.network.run(0.1)
    assert not pair.alice.children and pair.alice.kernel.is_empty()
    assert len(pair.alice.of(ChildDown)) == 1 and not any(pair.alice.numbers.users.values())
    pair.network.run(30)
    assert not pair.alice.sas and not pair.bob.sas


def test_what_waits_goes_to_the_heir_or_is_told():
    pair = Pair()
    sa = pair.connect(0.075)
    other = Initiate(another(pair.alice_config.children[0]), ticket=4)
    pair.alice.order(sa, HandOver(heir=99))
    pair.alice.order(sa, other)
    pair.network.run(1)
    assert pair.alice.outcome(1).ok
    assert pair.alice.outcome(4).reason == "the IKE_SA is gone"


def another(child):
    return replace(child, name="another", local_ts=(TrafficSelector.of("10.1.9.0/24"),))


def test_peer_that_deletes_all_is_told_of_for_what_shall_be_up_for_good():
    # I <- R  { HASH, D(ESP) }
    # I <- R  { HASH, D(ISAKMP) }       RFC 2408, 3.15: a message for each
    pair = Pair()
    pair.connect()
    pair.bob.order(pair.bob.sa, TerminateIke())
    pair.network.run(1)
    assert [(one.action, one.config.name) for one in pair.alice.of(ChildClosed)] == [(Action.NONE, "net-net")]
    assert pair.is_clean()


def test_close_action_clear_asks_for_nothing():
    pair = Pair()
    pair.change_child("alice", close_action=Action.CLEAR)
    pair.connect()
    pair.bob.order(pair.bob.sa, TerminateIke())
    pair.network.run(1)
    assert not pair.alice.of(ChildClosed) and not pair.alice.of(Reestablish)
    assert pair.is_clean()
