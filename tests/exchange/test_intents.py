"""What connections should be against what they are: nothing is made twice, and what is wanted comes back."""

import itertools
from dataclasses import replace

import pytest
from simulation.network import Weather
from simulation.pair import Pair, config, selector
from simulation.peer import Peer, outcome

from cygnet.charon.encoding.exchanges import Exchange
from cygnet.charon.sa.orders import TerminateChild, TerminateIke
from cygnet.charon.sa.states import IkeState
from cygnet.kernel.port import Acquire
from cygnet.keying.config.records import Action, AddressSpec
from cygnet.keying.config.settings import DaemonSettings


def loaded(seed: int = 1, settings: DaemonSettings | None = None, **changes: object) -> Pair:
    """Both have their connection, nothing is up. ``changes`` are to Alice's."""
    pair = Pair(seed, settings)
    pair.change("alice", **changes)
    pair.load()
    return pair


def first_messages(peer: Peer) -> int:
    return sum(line.startswith("initiating IKE_SA") for line in peer.log)


def deaf(pair: Pair) -> None:
    pair.network.filters.append(lambda datagram: None)


# An operator's up and down


def test_up_tells_how_it_ended() -> None:
    pair = loaded()
    dialogue = pair.alice.up()
    assert outcome(dialogue) is None
    pair.network.run()
    assert outcome(dialogue).ok and pair.is_up()


def test_up_again_and_again_makes_nothing_twice() -> None:
    pair = loaded()
    dialogues = [pair.alice.up() for _ in range(3)]
    pair.network.run()
    dialogues += [pair.alice.up() for _ in range(3)]
    pair.network.run()
    assert pair.is_up() and first_messages(pair.alice) == 1
    assert all(outcome(one).ok for one in dialogues)


def test_up_of_a_second_connection_uses_the_ike_sa_that_is_there() -> None:
    pair = loaded()
    pair.add_child("second", "10.3.0.0/16", "10.4.0.0/16")
    pair.load()
    pair.alice.up()
    pair.network.run()
    # I -> R  CREATE_CHILD_SA { SA, Ni, TSi, TSr }
    # R -> I  CREATE_CHILD_SA { SA, Nr, TSi, TSr }
    dialogue = pair.alice.up("second")
    pair.network.run()
    assert outcome(dialogue).ok and pair.is_up(children=2)
    assert first_messages(pair.alice) == 1


def test_up_from_the_responder_uses_the_ike_sa_too() -> None:
    pair = loaded()
    pair.add_child("second", "10.3.0.0/16", "10.4.0.0/16")
    pair.load()
    pair.alice.up()
    pair.network.run()
    pair.bob.up("second")
    pair.network.run()
    assert pair.is_up(children=2) and not first_messages(pair.bob)


def test_without_reuse_ikesa_a_second_connection_gets_its_own() -> None:
    pair = Pair(settings=DaemonSettings(reuse_ikesa=False))
    pair.add_child("second", "10.3.0.0/16", "10.4.0.0/16")
    pair.load()
    pair.alice.up()
    pair.network.run()
    pair.alice.up("second")
    pair.network.run(2)
    assert first_messages(pair.alice) == 2
    assert len(pair.children(pair.alice)) == 2


def test_both_at_once_on_an_ike_sa_in_the_making() -> None:
    pair = loaded()
    pair.add_child("second", "10.3.0.0/16", "10.4.0.0/16")
    pair.load()
    dialogues = [pair.alice.up(), pair.alice.up("second"), pair.alice.up("second")]
    pair.network.run()
    assert pair.is_up(children=2) and first_messages(pair.alice) == 1
    assert all(outcome(one).ok for one in dialogues)


def test_what_the_peer_refuses_is_not_insisted_on() -> None:
    pair = loaded()
    pair.bob.store.secrets.clear()
    dialogue = pair.alice.up()
    pair.network.run(600)
    assert "AUTHENTICATION_FAILED" in outcome(dialogue).reason
    assert first_messages(pair.alice) == 1


@pytest.mark.parametrize("action", [Action.NONE, Action.CLEAR])
def test_what_an_operator_took_up_and_the_peer_closed_stays_closed(action: Action) -> None:
    pair = loaded()
    pair.change_child("alice", close_action=action)
    pair.load()
    pair.alice.up()
    pair.network.run()
    pair.bob.order(pair.bob.sa, TerminateIke())
    pair.network.run(600)
    assert pair.is_clean()


def test_down_while_it_is_being_made() -> None:
    pair = loaded()
    pair.network.weather.loss = 1.0
    dialogue = pair.alice.up()
    pair.network.run(10)
    assert pair.alice.down()
    pair.network.run(0)
    assert not pair.alice.sas and not outcome(dialogue).ok
    pair.network.weather.loss = 0.0
    pair.network.run(600)
    assert pair.is_clean()


# auto=start


def test_auto_start_comes_up_and_stays_alone() -> None:
    pair = loaded()
    for _ in range(3):
        pair.alice.keep()
    pair.network.run()
    pair.alice.keep()
    pair.network.run(60)
    assert pair.is_up() and first_messages(pair.alice) == 1


def test_auto_start_comes_back_after_an_orderly_restart_of_the_peer() -> None:
    pair = loaded()
    pair.alice.keep()
    pair.network.run()
    pair.bob.order(pair.bob.sa, TerminateIke())
    pair.network.run()
    pair.bob.crash()
    pair.network.run(20)
    pair.bob.boot()
    pair.network.run(60)
    assert pair.is_up()


def test_auto_start_comes_back_when_the_peer_has_its_connections_again() -> None:
    pair = loaded()
    pair.alice.keep()
    pair.network.run()
    pair.bob.order(pair.bob.sa, TerminateIke())
    pair.bob.connections.configs = []
    pair.network.run(12)
    assert pair.alice.said("received NO_PROPOSAL_CHOSEN notify error; trying again in")
    pair.load()
    pair.network.run(30)
    assert pair.is_up()


def test_auto_start_comes_back_after_a_crash_that_dpd_found() -> None:
    pair = loaded(dpd_delay_s=30)
    pair.alice.keep()
    pair.network.run(100)
    pair.bob.crash()
    pair.network.run(100)
    pair.bob.boot()
    pair.network.run(300)
    assert pair.is_up()


def test_dpdaction_clear_is_the_end_even_of_auto_start() -> None:
    pair = loaded(dpd_delay_s=30)
    pair.change_child("alice", dpd_action=Action.CLEAR)
    pair.load()
    pair.alice.keep()
    pair.network.run(100)
    pair.bob.crash()
    pair.network.run(300)
    pair.bob.boot()
    pair.network.run(600)
    assert pair.is_clean()


def test_child_sa_that_the_peer_closed_alone_stays_closed() -> None:
    pair = loaded()
    pair.alice.keep()
    pair.network.run()
    pair.bob.order(pair.bob.sa, TerminateChild(name="net-net"))
    pair.network.run(600)
    assert pair.is_up(children=0)


def test_down_ends_what_auto_start_wanted_and_up_wants_it_again() -> None:
    pair = loaded()
    pair.alice.keep()
    pair.network.run()
    assert pair.alice.down()
    pair.network.run(600)
    assert pair.is_clean()
    pair.alice.up()
    pair.network.run()
    pair.bob.order(pair.bob.sa, TerminateIke())
    pair.network.run(60)
    assert pair.is_up()


def test_down_between_two_attempts() -> None:
    pair = loaded()
    pair.bob.connections.configs = []
    pair.alice.keep()
    pair.network.run(5)
    assert not pair.alice.sas
    assert pair.alice.down()
    assert not pair.alice.down()
    pair.load()
    pair.network.run(600)
    assert pair.is_clean()


# How long it goes on


def test_keyingtries_counts_unanswered_attempts() -> None:
    pair = loaded(keying_tries=2)
    deaf(pair)
    pair.alice.keep()
    pair.network.run(400)
    assert first_messages(pair.alice) == 2
    assert pair.alice.said("establishing 'net-net' (auto=start) failed: peer not responding; giving up")
    pair.network.filters.clear()
    pair.network.run(3000)
    assert pair.is_clean()


def test_keyingtries_counts_refused_attempts_with_growing_pauses() -> None:
    pair = loaded(keying_tries=4)
    pair.bob.connections.configs = []
    begun = []
    pair.network.filters.append(
        lambda datagram: begun.append(pair.network.now) or datagram
        if datagram.data[18] == Exchange.IKE_SA_INIT and datagram.source == pair.alice.host
        else datagram
    )
    pair.alice.keep()
    pair.network.run(3000)
    pauses = [round(later - earlier) for earlier, later in itertools.pairwise(begun)]
    assert len(begun) == 4
    assert 5 <= pauses[0] <= 7 and 10 <= pauses[1] <= 13 and 20 <= pauses[2] <= 25


def test_keyingtries_forever_never_gives_up_and_never_storms() -> None:
    pair = loaded(keying_tries=0)
    pair.bob.connections.configs = []
    pair.alice.keep()
    pair.network.run(86400)
    assert 230 <= first_messages(pair.alice) <= 300
    pair.load()
    pair.network.run(400)
    assert pair.is_up()


def test_retry_initiate_interval_goes_on_after_keyingtries() -> None:
    pair = loaded(settings=DaemonSettings(retry_initiate_interval_s=60), keying_tries=1)
    deaf(pair)
    pair.alice.keep()
    pair.network.run(1000)
    assert 4 <= first_messages(pair.alice) <= 5
    pair.network.filters.clear()
    pair.network.run(230)
    assert pair.is_up()


@pytest.mark.parametrize("interval", [0, 30])
def test_name_that_cannot_be_looked_up(interval: float) -> None:
    pair = loaded(settings=DaemonSettings(retry_initiate_interval_s=interval))
    good = pair.alice_config
    nowhere = replace(good.ike, remote=AddressSpec(("nowhere.test",)))
    pair.alice.connections.configs = [replace(good, ike=nowhere)]
    dialogue = pair.alice.up()
    assert "unable to resolve nowhere.test" in outcome(dialogue).reason
    pair.network.run(100)
    pair.load()
    pair.network.run(60)
    assert pair.is_up() is bool(interval)


def test_peer_that_moved_is_followed_to_its_new_address_between_attempts() -> None:
    pair = loaded(keying_tries=0)
    deaf(pair)
    pair.alice.keep()
    pair.network.run(10)
    elsewhere = Peer(pair.network, "192.0.2.9")
    elsewhere.store.secrets, elsewhere.connections.configs = pair.bob.store.secrets, [pair.bob_config]
    pair.network.filters.clear()
    pair.network.filters.append(lambda datagram: None if pair.bob.host in _ends(datagram) else datagram)
    pair.alice._locate = lambda ike: (pair.alice.host, elsewhere.host)  # type: ignore[method-assign]
    pair.network.run(400)
    assert pair.alice.is_established() and elsewhere.is_established()


def _ends(datagram):
    return datagram.source, datagram.destination


# Restarts


def test_daemon_that_died_establishes_anew_and_the_peer_forgets_the_old() -> None:
    pair = loaded()
    pair.alice.keep()
    pair.network.run()
    for _ in range(3):
        pair.alice.crash()
        pair.alice.boot()
        pair.alice.keep()
        pair.network.run(8)
        assert pair.is_up()


@pytest.mark.parametrize("actions", [{}, {"close_action": Action.START, "dpd_action": Action.START}])
def test_both_restart_at_once_and_have_one_ike_sa(actions: dict[str, Action]) -> None:
    for seed in range(40):
        pair = Pair(seed, weather=Weather(jitter_s=0.02 * (seed % 3)))
        pair.add_child("second", "10.3.0.0/16", "10.4.0.0/16")
        for whose in ("alice", "bob"):
            old = getattr(pair, f"{whose}_config")
            children = tuple(replace(child, **actions) for child in old.children)
            pair.change(whose, children=children, dpd_delay_s=30)
        pair.load()
        for peer in (pair.alice, pair.bob):
            peer.keep()
            peer.keep("second")
            pair.network.run(seed % 7 / 100)
        pair.network.run(60)
        assert pair.is_up(children=2), seed
        for peer in (pair.alice, pair.bob):
            peer.crash()
            peer.boot()
        pair.network.run(1)
        for peer in (pair.bob, pair.alice):
            peer.keep("second")
            peer.keep()
            pair.network.run(seed % 5 / 100)
        pair.network.run(60)
        assert pair.is_up(children=2), seed


def test_both_ask_for_the_same_child_sa_at_once() -> None:
    for seed in range(30):
        pair = Pair(seed)
        pair.add_child("second", "10.3.0.0/16", "10.4.0.0/16")
        pair.load()
        pair.alice.keep()
        pair.network.run(2)
        pair.alice.keep("second")
        pair.network.run(seed / 1500)
        pair.bob.keep("second")
        pair.network.run(30)
        assert pair.is_up(children=2), seed


def test_closeaction_on_both_sides_does_not_pile_up() -> None:
    pair = Pair()
    for whose in ("alice", "bob"):
        pair.change_child(whose, close_action=Action.START, dpd_action=Action.START)
        pair.change(whose, dpd_delay_s=20)
    pair.load()
    pair.alice.up()
    pair.network.run(2)
    for peer in (pair.alice, pair.bob):
        for sa in tuple(peer.sas.values()):
            peer.order(sa, TerminateIke())
        pair.network.run(120)
        assert pair.is_up()


# Configurations that change


def test_loading_the_same_again_makes_nothing_twice() -> None:
    pair = loaded()
    pair.alice.keep()
    pair.network.run()
    for _ in range(3):
        pair.alice.reconciler.forget("net-net")
        pair.load()
        pair.alice.keep()
        pair.network.run(1)
    assert pair.is_up() and first_messages(pair.alice) == 1


def test_changed_child_configuration_takes_the_place_of_the_old() -> None:
    pair = loaded()
    pair.alice.keep()
    pair.network.run()
    pair.alice.reconciler.forget("net-net")
    narrower = pair.alice_config.children[0].local_ts[0].narrow(selector("10.1.7.0/24"))
    pair.change_child("alice", local_ts=(narrower,))
    pair.load()
    pair.alice.keep()
    pair.network.run(3)
    assert pair.is_up()
    assert pair.children(pair.alice)[0].local_ts == (narrower,)


def test_connection_that_is_gone_does_not_come_back() -> None:
    pair = loaded()
    pair.alice.keep()
    pair.network.run()
    pair.alice.reconciler.forget("net-net")
    pair.alice.connections.configs = []
    pair.bob.order(pair.bob.sa, TerminateIke())
    pair.network.run(600)
    assert pair.is_clean()


# Traps


def acquire(pair: Pair) -> None:
    (routed,) = pair.alice.traps.installed()
    pair.alice.kernel.emit(Acquire(routed.reqid, selector("10.1.0.1/32"), selector("10.2.0.1/32")))


def test_packets_at_a_trap_make_one_child_sa() -> None:
    pair = loaded()
    pair.alice.route()
    for _ in range(5):
        acquire(pair)
    pair.network.run()
    assert first_messages(pair.alice) == 1
    assert len(pair.children(pair.alice)) == 1


def test_packet_at_a_trap_does_not_wait_for_the_next_attempt() -> None:
    pair = loaded()
    pair.bob.connections.configs = []
    pair.alice.route()
    pair.alice.keep()
    pair.network.run(2)
    pair.load()
    acquire(pair)
    pair.network.run(2)
    assert len(pair.children(pair.alice)) == 1
    pair.network.run(60)
    assert len(pair.children(pair.alice)) == 1


def test_trap_that_the_close_action_installed_is_one() -> None:
    pair = loaded()
    pair.change_child("alice", close_action=Action.TRAP)
    pair.load()
    for _ in range(2):
        pair.alice.up()
        pair.network.run()
        pair.bob.order(pair.bob.sa, TerminateIke())
        pair.network.run()
    assert len(pair.alice.traps.installed()) == 1
    acquire(pair)
    pair.network.run()
    assert pair.alice.sa.state is IkeState.ESTABLISHED


# Peers that do what they may not


def test_half_open_timeout_frees_a_peer_that_goes_silent() -> None:
    pair = loaded()
    pair.network.filters.append(
        lambda datagram: None if datagram.data[18] == Exchange.IKE_AUTH else datagram
    )
    pair.alice.up()
    pair.network.run(5)
    assert pair.bob.half_open() == 1
    pair.network.run(30)
    assert not pair.bob.sas


# Three peers


def test_hub_and_two_spokes_come_back_from_anything() -> None:
    for seed in range(10):
        pair = Pair(seed)
        hub, spokes = pair.bob, (pair.alice, Peer(pair.network, "192.0.2.3"))
        spokes[1].store.secrets = hub.store.secrets
        nets = [selector(f"10.{number}.0.0/16") for number in (1, 2, 3)]
        names = ("alice.test", "bob.test", "carol.test")
        hosts = [pair.alice.address, pair.bob.address, spokes[1].address]
        hub.connections.configs = []
        for number, spoke in zip((0, 2), spokes, strict=True):
            there = config(names[number], names[1], nets[number], nets[1], hosts[1])
            here = config(names[1], names[number], nets[1], nets[number], hosts[number])
            child = replace(here.children[0], name=f"to-{names[number]}")
            spoke.connections.configs = [replace(there, dpd_delay_s=20, keying_tries=0)]
            hub.connections.configs.append(
                replace(here, name=child.name, children=(child,), dpd_delay_s=20, keying_tries=0)
            )
            spoke.keep()
            hub.keep(child.name)
        pair.network.run(60)
        victim = (hub, *spokes)[seed % 3]
        victim.crash()
        pair.network.run(seed * 20)
        victim.boot()
        for peer in config_names(victim):
            victim.keep(peer)
        pair.network.run(900)
        assert [len(peer.sas) for peer in (hub, *spokes)] == [2, 1, 1], seed
        assert [len(pair.children(peer)) for peer in (hub, *spokes)] == [2, 1, 1], seed


def config_names(peer: Peer) -> list[str]:
    return [child.name for one in peer.connections.configs for child in one.children]
