"""IKEv1 aggressive mode, hybrid authentication, XAUTH and mode config."""

from dataclasses import replace
from ipaddress import IPv4Address, ip_address

import pytest
from simulation.ikev1 import ALICE, NAME_SERVER, POOL, Pair
from simulation.network import SourceNat, Weather

from cygnet.base.addresses import Host
from cygnet.base.secret import Secret
from cygnet.base.selectors import TrafficSelector
from cygnet.crypto.proposals import Protocol, parse_proposals
from cygnet.keying.config.records import AuthClass
from cygnet.pluto.config.records import Fragmentation, Method
from cygnet.pluto.config.settings import DaemonSettings
from cygnet.pluto.encoding.attributes import Attribute
from cygnet.pluto.sa.events import Configured, IkeEstablished, Reestablish, Unconfigured
from cygnet.pluto.sa.orders import Initiate, RekeyChild, RekeyIke, TerminateIke
from cygnet.pluto.sa.states import IkeState

PERMITTED = DaemonSettings(aggressive_psk=True)


def said(peer, text):
    return [line for line in peer.log if text in line]


# Aggressive mode


def test_aggressive_mode_with_a_pre_shared_key():
    # I -> R  SA, KE, Ni, IDii, V
    # I <- R  SA, KE, Nr, IDir, HASH_R, V, NAT-D, NAT-D
    # I -> R  { HASH_I, NAT-D, NAT-D, N(INITIAL_CONTACT) }
    pair = Pair(settings=PERMITTED)
    pair.change(aggressive=True)
    pair.connect()
    assert pair.is_up()
    assert len(pair.network.travelled) == 6


@pytest.mark.parametrize("kind", ["rsa", "ec256"])
def test_aggressive_mode_with_signatures_needs_no_permission(kind):
    # I -> R  SA, KE, Ni, IDii, CERTREQ, V
    # I <- R  SA, KE, Nr, IDir, CERT, SIG_R, CERTREQ, V, NAT-D, NAT-D
    # I -> R  { CERT, SIG_I, NAT-D, NAT-D }
    pair = Pair()
    pair.certify(kind)
    pair.change(aggressive=True)
    pair.connect()
    assert pair.is_up()


def test_aggressive_mode_with_a_secret_is_refused_and_the_reason_is_told():
    pair = Pair()
    pair.change(aggressive=True)
    pair.connect()
    assert "i_dont_care_about_security_and_use_aggressive_mode_psk" in pair.alice.outcome().reason
    assert not pair.network.travelled


def test_responder_refuses_aggressive_mode_with_a_secret():
    # I -> R  SA, KE, Ni, IDii
    # I <- R  N(NO_PROPOSAL_CHOSEN)
    pair = Pair(settings=PERMITTED)
    pair.change(aggressive=True)
    pair.bob.forbid_aggressive_psk()
    pair.connect()
    assert "NO_PROPOSAL_CHOSEN" in pair.alice.outcome().reason
    assert said(pair.bob, "Aggressive Mode PSK disabled for security reasons")
    assert pair.is_clean()


def test_wrong_secret_in_aggressive_mode_is_named():
    pair = Pair(settings=PERMITTED)
    pair.change(aggressive=True)
    pair.bob.store.secrets[:] = [(None, Secret(b"another secret"))]
    pair.connect()
    assert "wrong pre-shared key" in pair.alice.outcome().reason
    pair.network.run(100)
    assert pair.is_clean()


def test_modes_do_not_mix():
    pair = Pair(settings=PERMITTED)
    pair.change("alice", aggressive=True)
    pair.connect()
    assert "NO_PROPOSAL_CHOSEN" in pair.alice.outcome().reason


def test_aggressive_mode_through_a_nat():
    pair = Pair(settings=PERMITTED)
    pair.network.filters.append(SourceNat(Host.of(ALICE), Host.of("203.0.113.1")))
    pair.change(aggressive=True)
    pair.connect()
    assert pair.alice.outcome().ok
    assert pair.bob.sa.local.port == 4500


@pytest.mark.parametrize("seed", range(6))
def test_aggressive_mode_in_bad_weather(seed):
    settings = DaemonSettings(aggressive_psk=True, half_open_timeout_s=100)
    pair = Pair(seed, settings, Weather(loss=0.2, copies=0.2, jitter_s=0.2))
    pair.change(aggressive=True)
    pair.connect(100)
    assert pair.is_up()


# XAUTH


@pytest.mark.parametrize("method", [Method.XAUTH_PSK, Method.XAUTH_PUBKEY])
@pytest.mark.parametrize("aggressive", [False, True])
def test_user_proves_herself(method, aggressive):
    # S -> C  { HASH, ATTR(REQUEST: name, password) }
    # S <- C  { HASH, ATTR(REPLY: name, password) }
    # S -> C  { HASH, ATTR(SET: status OK) }
    # S <- C  { HASH, ATTR(ACK) }
    pair = Pair(settings=PERMITTED)
    if method is Method.XAUTH_PUBKEY:
        pair.certify()
    pair.with_xauth(method)
    pair.change(aggressive=aggressive)
    pair.connect()
    assert pair.is_up()
    assert pair.bob.sa.snapshot(0).user == "carol"


def test_server_may_be_the_initiator():
    pair = Pair()
    pair.with_xauth()
    pair.load()
    pair.bob.initiate(pair.bob_config, pair.bob_config.children[0], ALICE)
    pair.network.run(2)
    assert pair.is_up()
    assert pair.bob.sa.snapshot(0).user == "carol"


def test_wrong_password_ends_the_isakmp_sa():
    # S -> C  { HASH, ATTR(SET: status FAIL) }
    # S <- C  { HASH, ATTR(ACK) }
    pair = Pair()
    pair.with_xauth(password="wrong")
    pair.connect()
    assert "XAuth" in pair.alice.outcome().reason
    assert pair.is_clean()
    assert not pair.bob.of(IkeEstablished)


def test_user_without_a_password_is_told():
    pair = Pair()
    pair.with_xauth()
    pair.alice.users.own = None
    pair.connect()
    assert "no XAuth user or password found" in pair.alice.outcome().reason
    pair.network.run(200)
    assert pair.is_clean()


def test_user_must_be_the_configured_one():
    pair = Pair()
    pair.with_xauth()
    pair.change("bob", xauth=replace(pair.bob_config.xauth, user="dave"))
    pair.connect()
    assert not pair.alice.outcome().ok


def test_quick_mode_before_xauth_is_over_makes_nothing():
    pair = Pair()
    pair.with_xauth()
    pair.bob.users.known = {"carol": "right"}
    pair.network.filters.append(lambda one: None if one.data[18] == 6 else one)
    pair.connect(20)
    assert not pair.bob.children and not pair.bob.kernel.sas
    pair.network.run(300)
    assert pair.is_clean()


def test_peer_that_does_not_do_xauth_is_refused():
    pair = Pair()
    pair.with_xauth()
    pair.change("alice", method=Method.PSK)
    pair.connect()
    assert "NO_PROPOSAL_CHOSEN" in pair.alice.outcome().reason


def test_hybrid_authentication():
    # I -> R  { IDii, HASH_I }
    # I <- R  { IDir, CERT, SIG_R }
    # then XAUTH
    pair = Pair()
    pair.certify()
    pair.alice.store.keys.clear()
    pair.with_xauth(Method.HYBRID)
    pair.change("bob", remote=replace(pair.bob_config.remote, auth=AuthClass.ANY))
    pair.connect()
    assert pair.is_up()


@pytest.mark.parametrize("seed", range(6))
def test_xauth_in_bad_weather(seed):
    pair = Pair(seed, DaemonSettings(half_open_timeout_s=100), Weather(loss=0.15, copies=0.2, jitter_s=0.2))
    pair.with_xauth()
    pair.connect(100)
    assert pair.is_up()


# Mode config


def road_warrior(*, push=False):
    pair = Pair()
    pair.with_xauth()
    pair.change("alice", virtual_ips=(IPv4Address(0),), push=push)
    pair.change("bob", pools=("pool",), push=push)
    pair.change_child("alice", local_ts=(TrafficSelector.of("dynamic"),))
    pair.change_child("bob", remote_ts=(TrafficSelector.of("dynamic"),))
    return pair


@pytest.mark.parametrize("push", [False, True])
def test_client_gets_an_address(push):
    # C -> S  { HASH, ATTR(REQUEST: address, name server) }     or  S -> C  { HASH, ATTR(SET: address, ...) }
    # C <- S  { HASH, ATTR(REPLY: address, name server) }           S <- C  { HASH, ATTR(ACK) }
    pair = road_warrior(push=push)
    pair.connect()
    assert pair.is_up()
    (given,) = pair.alice.of(Configured)
    assert given.addresses == (POOL,) and given.banner == "welcome"
    assert [one.value for one in given.attributes if one.type == 3] == [NAME_SERVER.packed]
    assert pair.alice.children[0].local_ts == (TrafficSelector.of(str(POOL)),)


def test_address_is_given_back():
    pair = road_warrior()
    pair.connect()
    pair.alice.order(pair.alice.sa, TerminateIke())
    pair.network.run(1)
    assert pair.is_clean() and not pair.bob.pools.given
    assert [one.addresses for one in pair.alice.of(Unconfigured)] == [(POOL,)]


def test_no_address_left():
    pair = road_warrior()
    pair.bob.pools.given.append(POOL)
    pair.connect()
    assert said(pair.bob, "no virtual IP found for")
    assert pair.alice.of(Configured)[0].addresses == ()


def test_server_without_pools_gives_nothing():
    pair = Pair()
    pair.change("alice", virtual_ips=(IPv4Address(0),))
    pair.connect()
    assert pair.alice.of(Configured)[0].addresses == ()
    assert [sa.state for sa in pair.alice.sas.values()] == [IkeState.ESTABLISHED]


def test_address_survives_the_renewal_of_phase_1():
    pair = road_warrior()
    sa = pair.connect()
    pair.alice.order(sa, RekeyIke())
    pair.network.run(30)
    assert pair.is_up()
    assert pair.bob.pools.given == [POOL]


def test_user_begins_nothing_before_the_peer_can_have_the_last_word_of_xauth():
    # S -> C  { HASH, ATTR(SET: status) }
    # S <- C  { HASH, ATTR(ACK) }
    # C -> S  { HASH, SA, Ni, IDci, IDcr }, a moment later
    pair = Pair()
    pair.with_xauth()
    sa = pair.connect(0)
    while sa.state is not IkeState.ESTABLISHED and pair.network.now < 2:
        pair.network.run(0.001)
    pair.network.run(0.09)
    assert sa.state is IkeState.ESTABLISHED and not pair.alice.children
    pair.network.run(1)
    assert pair.is_up()


def test_address_is_on_this_host_while_the_sa_is_there():
    pair = road_warrior()
    pair.connect()
    assert pair.alice.kernel.virtual_addresses() == {POOL}
    pair.alice.order(pair.alice.sa, RekeyIke())
    pair.network.run(30)
    assert pair.is_up()
    assert pair.alice.kernel.virtual_addresses() == {POOL}
    pair.alice.order(pair.alice.sa, TerminateIke())
    pair.network.run(1)
    assert pair.alice.kernel.virtual_addresses() == frozenset()
    given, taken = pair.alice.of(Configured), pair.alice.of(Unconfigured)
    assert len(given) == len(taken)


def test_peer_that_did_not_ask_for_its_address_gets_no_ipsec_sa():
    # I -> R  { HASH(1), SA, Ni, IDci, IDcr }
    # I <- R  { HASH, N(INVALID_ID_INFORMATION) }
    pair = road_warrior()
    pair.change("alice", virtual_ips=())
    pair.connect()
    assert not pair.bob.children
    assert "INVALID_ID_INFORMATION" in pair.alice.outcome().reason


def test_server_leaves_the_renewal_to_its_client():
    pair = road_warrior()
    pair.connect()
    sa = pair.bob.sa
    pair.bob.order(sa, RekeyIke(ticket=7))
    pair.network.run(10)
    assert pair.is_up() and pair.bob.sa is sa
    assert "it is its client's to renew" in pair.bob.outcome(7).reason


def test_addresses_that_were_not_asked_for_are_not_taken():
    # C <- S  { HASH, ATTR(REPLY: address, address, IPv6 address) }
    pair = road_warrior()
    pair.bob.pools.more = (
        Attribute(1, bytes((10, 9, 0, 99))), Attribute(8, ip_address("fd03::1").packed),
    )  # fmt: skip
    pair.connect()
    assert pair.alice.of(Configured)[0].addresses == (POOL,)
    assert pair.alice.kernel.virtual_addresses() == {POOL}


def test_server_that_never_pushes_is_given_up():
    pair = road_warrior(push=True)
    pair.change("bob", push=False)
    pair.connect(200)
    assert "has not begun mode config in time" in pair.alice.outcome().reason
    assert not pair.alice.sas


def test_name_that_would_break_lines_is_nobodys():
    pair = Pair()
    pair.with_xauth()
    pair.alice.users.own = ("carol\nforged line", "right")
    pair.bob.users.known = {"carol\nforged line": "right"}
    pair.connect()
    assert not pair.bob.sas and not any("\n" in line for line in pair.bob.log)


def test_server_does_not_begin_anew_when_the_lifetime_is_over():
    pair = road_warrior()
    pair.change("alice", rekey=False)
    pair.connect()
    pair.network.run(11000)
    assert not pair.bob.of(Reestablish)
    assert not pair.bob.sas


# Cisco Unity

UNITY = DaemonSettings(cisco_unity=True)
SPLIT = bytes((10, 2, 0, 0, 255, 255, 0, 0)) + bytes(6)


def unity_pair():
    pair = Pair(settings=UNITY)
    pair.with_xauth()
    pair.change("alice", virtual_ips=(IPv4Address(0),))
    pair.change("bob", pools=("pool",))
    pair.change_child("alice", local_ts=(TrafficSelector.of("dynamic"),), remote_ts=(ANYWHERE,))
    pair.change_child("bob", remote_ts=(TrafficSelector.of("dynamic"),))
    pair.bob.pools.more = (Attribute(28676, SPLIT), Attribute.number_of(28673, 1))
    return pair


ANYWHERE = TrafficSelector.of("0.0.0.0/0")


def test_split_networks_are_what_is_installed():
    # C -> S  { HASH(1), SA, Ni, IDci = address, IDcr = 0.0.0.0/0 }
    pair = unity_pair()
    pair.connect()
    assert pair.is_up()
    (given,) = pair.alice.of(Configured)
    assert given.split_include == ("10.2.0.0/16",) and given.save_password
    behind = (TrafficSelector.of("10.2.0.0/16"),)
    assert pair.alice.children[0].remote_ts == behind == pair.bob.children[0].local_ts


@pytest.mark.parametrize("whose", ["alice", "bob"])
def test_rekeying_with_split_networks(whose):
    pair = unity_pair()
    pair.connect()
    peer = getattr(pair, whose)
    peer.order(peer.sa, RekeyChild(peer.children[0].unique_id))
    pair.network.run(5)
    assert sorted(child.state for child in pair.alice.children) == ["INSTALLED", "REKEYED"]
    behind = (TrafficSelector.of("10.2.0.0/16"),)
    assert all(child.remote_ts == behind for child in pair.alice.children)
    assert all(child.local_ts == behind for child in pair.bob.children)


def test_initiating_again_makes_no_second_ipsec_sa():
    pair = unity_pair()
    sa = pair.connect()
    pair.alice.order(sa, Initiate(pair.alice_config.children[0], ticket=2))
    pair.network.run(2)
    assert pair.is_up() and pair.alice.outcome(2).ok


MANY = "aes128-aes192-aes256-sha256-sha384-sha512-curve25519-ecp256-ecp384!"


def test_first_messages_are_cut_where_that_is_forced():
    # I -> R  fragments of  SA, V
    pair = Pair(settings=DaemonSettings(fragment_size=300))
    pair.change_ike("alice", proposals=parse_proposals(MANY, Protocol.IKE))
    pair.change("alice", fragmentation=Fragmentation.FORCE)
    pair.connect()
    assert pair.is_up()
    assert said(pair.bob, "reassembled fragmented IKE message")
    assert len(pair.network.travelled) > 9


def test_accepting_fragments_is_not_sending_them():
    pair = Pair(settings=DaemonSettings(fragment_size=600))
    pair.certify("rsa")
    pair.change("alice", fragmentation=Fragmentation.ACCEPT)
    pair.connect()
    assert pair.is_up()
    assert not said(pair.alice, "splitting IKE message") and said(pair.bob, "splitting IKE message")
