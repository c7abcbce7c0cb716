"""Orders that cross what is under way already: what was asked for last holds, and nothing asked for is lost.

The stateful model test (tests/model) found each of these.
"""

from simulation.network import Weather
from simulation.pair import Pair, selector
from simulation.peer import Peer, outcome
from simulation.post import Post

from cygnet.charon.encoding.exchanges import Exchange
from cygnet.charon.sa.orders import RekeyChild, RekeyIke
from cygnet.charon.sa.states import IkeState
from cygnet.kernel.port import Acquire, Direction, Expire, KernelReset, PolicySpec, SaSpec
from cygnet.keying.config.records import Unique
from cygnet.keying.config.settings import DaemonSettings


def two(seed: int = 1, settings: DaemonSettings | None = None, **changes: object) -> Pair:
    """Two connections between the hosts; ``changes`` are to both. Nothing is up."""
    pair = Pair(seed, settings)
    pair.add_child("second", "10.3.0.0/16", "10.4.0.0/16")
    for whose in ("alice", "bob"):
        pair.change(whose, **({"name": "peer"} | changes))
    pair.load()
    return pair


def up(pair: Pair, *names: str) -> Pair:
    for name in names or ("net-net",):
        pair.alice.up(name)
        pair.network.run()
    return pair


def names(pair: Pair, peer: Peer) -> list[str]:
    return sorted(child.name for child in pair.children(peer))


def test_what_only_the_ike_sa_had_that_goes_is_made_in_the_one_that_stays() -> None:
    """Both initiate at once, each for another connection: ``up`` succeeds for both, in one IKE_SA."""
    for seed in range(20):
        pair = two(seed)
        pair.network.weather = Weather(jitter_s=0.01 * (seed % 3))
        dialogues = [pair.alice.up("net-net")]
        pair.network.run(seed % 5 / 250)
        dialogues += [pair.bob.up("second"), pair.bob.up("net-net")]
        pair.network.run(30)
        assert pair.is_up(children=2), seed
        assert all(outcome(one).ok for one in dialogues), seed


def test_up_after_down_of_an_ike_sa_that_waits_for_an_answer() -> None:
    """The deletion has not gone out yet when ``up`` comes: what is there still does not count."""
    pair = two()
    pair.alice.keep("net-net")
    pair.network.run()
    post = Post(pair)
    # I -> R  INFORMATIONAL { N(ADDITIONAL_IP4_ADDRESS) }
    # R -> I  INFORMATIONAL { } is held back
    post.hold(pair.bob, Exchange.INFORMATIONAL, response=True)
    pair.alice.home.gain("198.51.100.1")
    pair.alice.roam()
    pair.network.run()
    assert pair.alice.down("peer[*]")
    pair.network.run(0.01)
    dialogue = pair.alice.up("net-net")
    pair.network.run()
    post.release()
    # I -> R  INFORMATIONAL { D } of the IKE_SA, and another one is made
    pair.network.run(5)
    assert pair.is_up() and outcome(dialogue).ok


def test_down_of_what_is_being_made_in_an_ike_sa_that_is_there() -> None:
    pair = up(two())
    # I -> R  CREATE_CHILD_SA { SA, Ni, TSi, TSr }
    dialogue = pair.alice.up("second")
    assert pair.alice.down("second")
    pair.network.run()
    # R -> I  CREATE_CHILD_SA { SA, Nr, TSi, TSr }
    # I -> R  INFORMATIONAL { D }
    assert outcome(dialogue).ok and names(pair, pair.bob) == ["net-net"]
    assert pair.is_up()


def test_down_and_up_of_what_is_being_made_leaves_it_up() -> None:
    pair = up(two())
    pair.alice.up("second")
    assert pair.alice.down("second")
    dialogue = pair.alice.up("second")
    pair.network.run()
    assert outcome(dialogue).ok and pair.is_up(children=2)


def test_up_right_after_down_makes_it_anew() -> None:
    pair = up(two(), "net-net", "second")
    pair.alice.down("second")
    dialogue = pair.alice.up("second")
    pair.network.run()
    assert outcome(dialogue).ok and pair.is_up(children=2)


def test_down_while_it_is_rekeyed_deletes_the_new_one_too() -> None:
    for whose in ("alice", "bob"):
        pair = up(two(), "net-net", "second")
        # CREATE_CHILD_SA { N(REKEY_SA), SA, Ni, TSi, TSr } is under way, or has been answered
        for moment in (0.0, 0.015):
            getattr(pair, whose).order(getattr(pair, whose).sa, RekeyChild(name="second"))
            pair.network.run(moment)
            pair.alice.down("second")
            pair.network.run(10)
            assert pair.is_up(), (whose, moment)
            pair = up(pair, "second")


def test_down_of_the_new_one_whose_maker_does_not_have_it_yet_deletes_the_old_one_too() -> None:
    pair = up(two(), "net-net", "second")
    post = Post(pair)
    post.lose(pair.bob, Exchange.CREATE_CHILD_SA, response=True)
    pair.alice.order(pair.alice.sa, RekeyChild(name="second"))
    pair.network.run(0.1)
    # R -> I  INFORMATIONAL { D } of what the response that was lost had made
    pair.bob.down("second")
    pair.network.run(20)
    assert pair.is_up()


def test_down_while_the_ike_sa_is_reauthenticated() -> None:
    pair = up(two(reauth=True), "net-net", "second")
    pair.alice.order(pair.alice.sa, RekeyIke())
    pair.network.run(0.015)
    pair.alice.down("second")
    pair.network.run(20)
    assert pair.is_up() and names(pair, pair.alice) == ["net-net"]


def test_down_of_an_ike_sa_that_the_peer_is_rekeying() -> None:
    """The deletion has to wait for the answer to another request; meanwhile the IKE_SA becomes another."""
    for moment in (0.0, 0.005, 0.012, 0.022, 0.032):
        pair = two()
        pair.change("alice", dpd_delay_s=30)
        pair.load()
        up(pair)
        Post(pair).lose(pair.alice, Exchange.INFORMATIONAL)
        pair.network.run(30.1)
        pair.bob.order(pair.bob.sa, RekeyIke())
        pair.network.run(moment)
        pair.alice.down("peer[*]")
        pair.network.run(30)
        assert pair.is_clean(), moment


def test_what_was_taken_down_does_not_come_back_when_an_unconfirmed_deletion_times_out() -> None:
    pair = up(two(reauth=True), "net-net", "second")
    post = Post(pair)
    pair.alice.order(pair.alice.sa, RekeyIke())
    # I -> R  INFORMATIONAL { D } of the old IKE_SA is never answered
    post.lose(pair.bob, Exchange.INFORMATIONAL, response=True, count=100)
    pair.network.run(1)
    post.lose(pair.bob, Exchange.INFORMATIONAL, response=True, count=-100)
    pair.alice.down("second")
    pair.network.run(300)
    assert names(pair, pair.alice) == names(pair, pair.bob) == ["net-net"]


def test_data_plane_restarts_with_two_child_sas_and_both_come_back() -> None:
    pair = up(two(), "net-net", "second")
    pair.alice.kernel.forget()
    pair.alice.kernel.emit(KernelReset())
    pair.network.run(5)
    assert pair.is_up(children=2)


def test_data_plane_restarts_during_a_rekeying_whose_child_sa_is_good() -> None:
    pair = up(two())
    pair.alice.order(pair.alice.sa, RekeyChild(name="net-net"))
    pair.alice.kernel.forget()
    pair.alice.kernel.emit(KernelReset())
    pair.network.run(5)
    assert pair.is_up()


def test_data_plane_restarts_while_the_ike_sa_goes_and_nothing_is_made_again() -> None:
    pair = up(two())
    Post(pair).lose(pair.bob, Exchange.INFORMATIONAL, response=True)
    pair.alice.down("peer[*]")
    pair.network.run(0.1)
    pair.alice.kernel.forget()
    pair.alice.kernel.emit(KernelReset())
    pair.network.run(300)
    assert pair.is_clean()


def test_hard_lifetime_over_while_the_peer_is_dead_and_it_comes_back_with_the_peer() -> None:
    pair = up(two(dpd_delay_s=30, keying_tries=0))
    inbound = pair.children(pair.alice)[0].inbound
    pair.bob.crash()
    pair.alice.kernel.emit(Expire(inbound, hard=True))
    pair.network.run(60)
    pair.bob.boot()
    pair.network.run(600)
    assert pair.is_up()


def test_packet_at_a_trap_crosses_the_peers_child_sa() -> None:
    pair = up(two())
    pair.alice.route("second")
    (routed,) = pair.alice.traps.installed()
    packet = Acquire(routed.reqid, selector("10.3.0.1/32"), selector("10.4.0.1/32"))
    pair.bob.up("second")
    pair.network.run(0.015)
    pair.alice.kernel.emit(packet)
    pair.network.run(5)
    assert len(pair.children(pair.alice)) == len(pair.children(pair.bob)) == 2
    old = next(child for child in pair.children(pair.alice) if child.name == "second")
    pair.alice.kernel.delete_sa(old.inbound)
    pair.alice.kernel.delete_sa(old.outbound)
    pair.alice.kernel.emit(packet)  # a kernel that asks although it should not has lost its SAs
    pair.network.run(5)
    (new,) = (child for child in pair.children(pair.alice) if child.name == "second")
    assert new.inbound != old.inbound and new.inbound in pair.alice.kernel.sas


def test_request_that_was_long_under_way_makes_no_second_child_sa() -> None:
    pair = up(two())
    post = Post(pair)
    post.lose(pair.alice, Exchange.CREATE_CHILD_SA, count=3)
    pair.alice.up("second")
    pair.network.run(5)
    pair.bob.up("second")
    pair.network.run(60)
    assert pair.is_up(children=2)


def test_with_keep_an_initiator_that_came_late_goes_with_the_ike_sa_that_was_rekeyed_since() -> None:
    pair = two(unique=Unique.KEEP)
    late = Post(pair)
    late.hold(pair.alice, Exchange.IKE_SA_INIT)
    dialogue = pair.alice.up("second")
    pair.network.run(0.1)
    pair.bob.up()
    pair.network.run(1)
    (first,) = [sa for sa in pair.alice.sas.values() if sa.state is IkeState.ESTABLISHED]
    pair.alice.order(first, RekeyIke())
    pair.network.run(1)
    late.release()
    pair.network.run(60)
    assert outcome(dialogue).ok and pair.is_up(children=2)


def test_both_reauthenticate_and_one_waits_for_the_other() -> None:
    for unique in (Unique.REPLACE, Unique.KEEP):
        pair = up(two(reauth=True, unique=unique), "net-net", "second")
        pair.alice.order(pair.alice.sa, RekeyIke())
        pair.network.run(0.035)
        pair.bob.order(max(pair.bob.sas.values(), key=lambda sa: sa.unique_id), RekeyIke())
        pair.network.run(120)
        assert pair.is_up(children=2), unique


def test_initial_contact_does_not_end_a_reauthentication_that_breaks_before_it_makes() -> None:
    """Bob's own IKE_SA comes while Alice waits for the answer to her deletion: hers are made in it."""
    pair = up(two(settings=DaemonSettings(make_before_break=False), reauth=True), "second")
    Post(pair).lose(pair.bob, Exchange.INFORMATIONAL, response=True)
    pair.alice.order(pair.alice.sa, RekeyIke())
    pair.network.run(0.1)
    pair.bob.up("net-net")
    pair.network.run(10)
    assert pair.is_up(children=2)


def test_responder_of_a_rekeying_says_which_sa_to_send_through_before_it_has_the_new_one() -> None:
    """Otherwise packets leave through what the peer, without our answer, does not know (RFC 7296, 2.8)."""
    pair = up(two())
    kernel, seen = pair.bob.kernel, list[tuple[str, bool]]()
    add_sa, add_policy = kernel.add_sa, kernel.add_policy

    def noted_policy(spec: PolicySpec) -> None:
        if spec.direction is Direction.OUT:
            seen.append(("policy", spec.next_spi == pair.children(pair.bob)[0].outbound.spi))
        add_policy(spec)

    def noted_sa(spec: SaSpec) -> None:
        seen.append(("sa", spec.inbound))
        add_sa(spec)

    kernel.add_sa, kernel.add_policy = noted_sa, noted_policy  # type: ignore[method-assign]
    pair.alice.order(pair.alice.sa, RekeyChild(name="net-net"))
    pair.network.run(0.015)
    assert seen == [("sa", True), ("policy", True), ("sa", False)]
