"""IKE_FOLLOWUP_KE: additional key exchanges after CREATE_CHILD_SA (RFC 9370, 2.2.4)."""

import pytest
from simulation.hybrid import HYBRID_ESP, HYBRID_IKE, hybrid_pair, propose
from simulation.misbehaviour import misbehave
from simulation.network import Weather
from simulation.pair import Pair, another
from simulation.post import Post
from simulation.traffic import Traffic

from cygnet.charon.encoding.exchanges import Exchange
from cygnet.charon.encoding.notify import NotifyType
from cygnet.charon.encoding.payloads import KeyExchange, Notify
from cygnet.charon.sa.events import IkeClosed
from cygnet.charon.sa.orders import Initiate, KernelExpire, RekeyChild, RekeyIke, TerminateChild
from cygnet.charon.sa.states import IkeState
from cygnet.charon.sa.tasks.task import Draft
from cygnet.keying.config.settings import DaemonSettings
from cygnet.keying.sa.child_states import ChildState
from cygnet.keying.sa.endings import Cause
from cygnet.keying.sa.events import ChildDown, ChildUp

CREATE, FOLLOWUP, INFORMATIONAL = (
    Exchange.CREATE_CHILD_SA, Exchange.IKE_FOLLOWUP_KE, Exchange.INFORMATIONAL,
)  # fmt: skip
THREE = "aes128gcm16-x25519-ke1_mlkem768-ke2_x448-ke4_mlkem1024!"


def connected(pair: Pair) -> Pair:
    pair.connect()
    assert pair.is_up()
    return pair


def test_further_child_sa_by_three_additional_key_exchanges() -> None:
    pair = connected(hybrid_pair(esp=THREE))
    post = Post(pair)
    # I -> R  CREATE_CHILD_SA { SA, Ni, KEi, TSi, TSr }
    # R -> I  CREATE_CHILD_SA { SA, Nr, KEr, TSi, TSr, N(ADDITIONAL_KEY_EXCHANGE)(link1) }
    # I -> R  IKE_FOLLOWUP_KE { KEi(1), N(ADDITIONAL_KEY_EXCHANGE)(link1) }
    # R -> I  IKE_FOLLOWUP_KE { KEr(1), N(ADDITIONAL_KEY_EXCHANGE)(link2) }
    # I -> R  IKE_FOLLOWUP_KE { KEi(2), N(ADDITIONAL_KEY_EXCHANGE)(link2) }
    # R -> I  IKE_FOLLOWUP_KE { KEr(2), N(ADDITIONAL_KEY_EXCHANGE)(link3) }
    # I -> R  IKE_FOLLOWUP_KE { KEi(3), N(ADDITIONAL_KEY_EXCHANGE)(link3) }
    # R -> I  IKE_FOLLOWUP_KE { KEr(3) }
    pair.alice.order(pair.alice.sa, Initiate(another(pair.alice_config), ticket=7))
    pair.network.run()
    assert pair.is_up(children=2)
    assert pair.alice.finished(7).ok
    assert "alice IKE_FOLLOWUP_KE request 6" in post.lines
    assert "bob IKE_FOLLOWUP_KE response 6" in post.lines
    assert pair.alice.said("generating IKE_FOLLOWUP_KE request 6 [ KE N(ADD_KE) ]")
    assert pair.bob.said("generating IKE_FOLLOWUP_KE response 6 [ KE ]")
    assert pair.bob.said("selected proposal: ESP:AES_GCM_16_128/CURVE_25519/KE1_ML_KEM_768/KE2_CURVE_448")


def test_child_sa_of_ike_auth_has_no_key_exchange_of_its_own() -> None:
    pair = hybrid_pair(ike="", esp=THREE)
    post = Post(pair)
    pair.connect()
    assert pair.is_up()
    assert len(post.lines) == 4
    assert pair.bob.said("selected proposal: ESP:AES_GCM_16_128/NO_EXT_SEQ")


def test_responder_installs_nothing_before_the_last_key_exchange() -> None:
    pair = connected(hybrid_pair())
    post = Post(pair)
    post.hold(pair.alice, FOLLOWUP)
    pair.alice.order(pair.alice.sa, Initiate(another(pair.alice_config)))
    pair.network.run(1)
    assert len(pair.bob.kernel.sas) == 2
    assert [one.state for one in pair.children(pair.bob)] == [ChildState.INSTALLED, ChildState.CREATED]
    post.release()
    pair.network.run()
    assert pair.is_up(children=2)


@pytest.mark.parametrize("whose", ["alice", "bob"])
def test_child_sa_is_rekeyed_by_either_side_without_a_lost_packet(whose: str) -> None:
    pair = connected(hybrid_pair(esp=THREE))
    peer = getattr(pair, whose)
    traffic = Traffic(pair)
    # whose -> other  CREATE_CHILD_SA { N(REKEY_SA), SA, Ni, KEi, TSi, TSr }
    # other -> whose  CREATE_CHILD_SA { SA, Nr, KEr, TSi, TSr, N(ADDITIONAL_KEY_EXCHANGE)(link1) }
    #   three IKE_FOLLOWUP_KE exchanges
    # whose -> other  INFORMATIONAL { D }
    # other -> whose  INFORMATIONAL { D }
    peer.order(peer.sa, RekeyChild(name="net-net", ticket=3))
    pair.network.run(10)
    traffic.stop()
    pair.network.run()
    assert pair.is_up()
    assert peer.finished(3).ok
    assert not traffic.lost and traffic.carried > 1000
    for one in (pair.alice, pair.bob):
        assert one.of(ChildUp)[-1].replaces == 1
        assert one.of(ChildDown)[-1].rekeyed
        assert len(one.kernel.sas) == 2  # what lingered is gone
        assert one.numbers.users == {1: 1}


@pytest.mark.parametrize("whose", ["alice", "bob"])
def test_ike_sa_is_rekeyed_by_either_side(whose: str) -> None:
    pair = connected(hybrid_pair(ike="aes256gcm16-prfsha384-x25519-ke1_mlkem1024-ke5_x448!"))
    peer = getattr(pair, whose)
    old = peer.sa
    # whose -> other  CREATE_CHILD_SA { SA (IKE), Ni, KEi }
    # other -> whose  CREATE_CHILD_SA { SA (IKE), Nr, KEr, N(ADDITIONAL_KEY_EXCHANGE)(link1) }
    #   two IKE_FOLLOWUP_KE exchanges
    # whose -> other  INFORMATIONAL { D }              on the old IKE_SA
    peer.order(old, RekeyIke(ticket=3))
    pair.network.run()
    assert pair.is_up()
    assert peer.finished(3).ok
    assert peer.sa.spi_local != old.spi_local
    assert peer.sa.snapshot(0).proposal.endswith("KE1_ML_KEM_1024/KE5_CURVE_448")
    peer.order(peer.sa, RekeyChild(name="net-net"))  # the new keys are the same on both sides
    pair.network.run()
    assert pair.is_up()


@pytest.mark.parametrize(
    ("alice", "bob", "followups", "chosen"),
    [
        # PFS off on both, on one, wanted by one and left open by the other
        ("aes128gcm16!", "aes128gcm16!", 0, "ESP:AES_GCM_16_128/NO_EXT_SEQ"),
        ("aes128gcm16-x25519-none!", "aes128gcm16!", 0, "ESP:AES_GCM_16_128/NONE/NO_EXT_SEQ"),
        ("aes128gcm16-none-x25519!", "aes128gcm16-x25519!", 0, "ESP:AES_GCM_16_128/CURVE_25519/"),
        # further key exchanges that are optional for one side, or in another proposal
        (HYBRID_ESP, "aes256gcm16-x25519-ke1_mlkem768-ke1_none!", 1, "CURVE_25519/KE1_ML_KEM_768"),
        ("aes128gcm16-x25519-ke1_mlkem768-ke1_none!", "aes128gcm16-x25519!", 0, "CURVE_25519/KE1_NONE"),
        ("aes128gcm16-x25519-ke1_mlkem768,aes128gcm16-x25519!", "aes128gcm16-x25519!", 0, "/CURVE_25519/NO"),
        ("aes128gcm16-x25519!", "aes128gcm16-x25519-ke1_mlkem768,aes128gcm16-x25519!", 0, "/CURVE_25519/NO"),
    ],
)  # fmt: skip
def test_rekeying_with_and_without_key_exchanges(alice: str, bob: str, followups: int, chosen: str) -> None:
    pair = Pair()
    propose(pair, esp=alice, whose=("alice",))
    propose(pair, esp=bob, whose=("bob",))
    connected(pair)
    post = Post(pair)
    pair.alice.order(pair.alice.sa, RekeyChild(name="net-net", ticket=3))
    pair.network.run()
    assert pair.is_up()
    assert pair.alice.finished(3).ok
    assert post.count("alice", FOLLOWUP) == followups
    assert any("selected proposal" in line and chosen in line for line in pair.bob.log)


@pytest.mark.parametrize("order", [RekeyChild(name="net-net", ticket=3), RekeyIke(ticket=3)])
def test_other_first_method_costs_one_round_trip(order: RekeyChild | RekeyIke) -> None:
    esp = "aes128gcm16-x25519-ecp256-ke1_mlkem768!"
    ike = f"aes128gcm16-prfsha256-{esp.partition('-')[2]}"
    pair = propose(Pair(), ike, esp, whose=("alice",))
    propose(pair, ike.replace("x25519-", ""), esp.replace("x25519-", ""), whose=("bob",))
    connected(pair)
    post = Post(pair)
    # I -> R  CREATE_CHILD_SA { .., KEi (x25519) }
    # R -> I  CREATE_CHILD_SA { N(INVALID_KE_PAYLOAD, ecp256) }
    # I -> R  CREATE_CHILD_SA { .., KEi (ecp256) }
    pair.alice.order(pair.alice.sa, order)
    pair.network.run()
    assert pair.is_up()
    assert pair.alice.finished(3).ok
    assert post.count("alice", CREATE) == 2
    assert pair.alice.said("peer didn't accept key exchange method CURVE_25519, it requested ECP_256")
    assert pair.bob.said("key exchange method ECP_256 is required")


@pytest.mark.parametrize("order", [RekeyChild(name="net-net", ticket=3), RekeyIke(ticket=3)])
def test_nothing_in_common_for_a_rekeying_keeps_what_there_is(order: RekeyChild | RekeyIke) -> None:
    pair = connected(hybrid_pair())
    mlkem1024 = "x25519-ke1_mlkem1024!"
    other = propose(Pair(), f"aes256gcm16-prfsha384-{mlkem1024}", f"aes256gcm16-{mlkem1024}").bob_config
    pair.bob.sa._sa.config = other
    (child,) = pair.bob.sa._sa.children.values()
    child.config = other.children[0]
    # R -> I  CREATE_CHILD_SA { N(NO_PROPOSAL_CHOSEN) }
    pair.alice.order(pair.alice.sa, order)
    pair.network.run()
    assert pair.is_up()
    assert "NO_PROPOSAL_CHOSEN" in pair.alice.finished(3).reason
    assert pair.bob.said("no acceptable ADDITIONAL_KEY_EXCHANGE_1 found (received KE1_ML_KEM_768, configured")
    assert pair.alice.said("the peer accepts none of the proposals ")
    assert [one.state for one in pair.children(pair.alice)] == [ChildState.INSTALLED]


@pytest.mark.parametrize("order", [RekeyChild(name="net-net", ticket=3), RekeyIke(ticket=3)])
@pytest.mark.parametrize("seed", range(25))
def test_series_survives_loss_copies_and_reordering(seed: int, order: RekeyChild | RekeyIke) -> None:
    pair = hybrid_pair(seed, "aes256gcm16-prfsha384-x25519-ke1_mlkem1024-ke2_x448!", THREE)
    connected(pair)
    traffic = Traffic(pair, 0.1)
    pair.network.weather = Weather(loss=0.1, copies=0.2, jitter_s=0.2)
    pair.alice.order(pair.alice.sa, order)
    pair.network.run(60)
    pair.network.weather = Weather()
    pair.network.run(400)
    traffic.stop()
    pair.network.run()
    assert pair.is_up()
    assert pair.alice.finished(3).ok
    assert not traffic.lost


# What the responder keeps meanwhile


def test_series_that_is_not_continued_is_forgotten_and_begun_again() -> None:
    """RFC 9370, 2.2.4: after 5 to 20 seconds; STATE_NOT_FOUND is not fatal, the initiator starts over."""
    pair = connected(hybrid_pair())
    post = Post(pair)
    post.hold(pair.alice, FOLLOWUP)
    pair.alice.order(pair.alice.sa, RekeyChild(name="net-net", ticket=3))
    pair.network.run(1)
    assert pair.bob.sa.snapshot(0).tasks_passive == ("CHILD_REKEY",)
    pair.network.run(20)
    assert pair.bob.sa.snapshot(0).tasks_passive == ()
    assert [one.state for one in pair.children(pair.bob)] == [ChildState.INSTALLED]
    assert len(pair.bob.kernel.reservations) == 0
    # I -> R  IKE_FOLLOWUP_KE { KEi(1), N(ADDITIONAL_KEY_EXCHANGE)(link1) }      too late
    # R -> I  IKE_FOLLOWUP_KE { N(STATE_NOT_FOUND) }
    # I -> R  CREATE_CHILD_SA { N(REKEY_SA), SA, Ni, KEi, TSi, TSr }
    post.release()
    pair.network.run()
    assert pair.is_up()
    assert pair.alice.finished(3).ok
    assert pair.alice.said("received STATE_NOT_FOUND notify, starting over with the key exchanges")
    assert post.count("alice", CREATE) == 2


def test_responder_that_always_forgets_loses_the_ike_sa(monkeypatch: pytest.MonkeyPatch) -> None:
    """RFC 9370, 2.2.4: after several retries it is a fatal error."""
    pair = connected(hybrid_pair())

    def forget(draft: Draft) -> None:
        draft.payloads = [Notify(NotifyType.STATE_NOT_FOUND)]

    misbehave(monkeypatch, pair.bob, FOLLOWUP, forget, response=True)
    post, old = Post(pair), pair.alice.sa.unique_id
    pair.alice.order(pair.alice.sa, Initiate(another(pair.alice_config), ticket=3))
    pair.network.run(10)
    assert post.count("alice", CREATE) == 6
    assert "received STATE_NOT_FOUND notify 6 times" in pair.alice.finished(3).reason
    (closed,) = pair.alice.of(IkeClosed)
    assert (closed.ike_id, closed.cause) == (old, Cause.OUT_OF_STEP)
    assert [lost.config.name for lost in closed.children] == ["net-net"]
    assert pair.is_up(), "it is made anew at once"


def test_only_so_many_series_wait_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """An initiator that never goes on costs a bounded amount of memory, and for a bounded time."""
    settings = DaemonSettings(max_followups=3)
    pair = connected(hybrid_pair(settings=settings))

    def begin_another(draft: Draft) -> None:
        """In place of each further key exchange, one more CREATE_CHILD_SA is begun."""
        draft.exchange, draft.payloads = CREATE, list(first)

    first: list = []
    misbehave(monkeypatch, pair.alice, CREATE, lambda draft: first.extend(() if first else draft.payloads))
    misbehave(monkeypatch, pair.alice, FOLLOWUP, begin_another)
    pair.alice.order(pair.alice.sa, Initiate(another(pair.alice_config)))
    pair.network.run(2)
    for _ in range(6):
        pair.alice.order(pair.alice.sa, Initiate(another(pair.alice_config)))
        pair.network.run(2)
        assert len(pair.bob.kernel.reservations) <= 3
        assert len(pair.bob.sa.snapshot(0).tasks_passive) <= 3
    assert pair.bob.said("3 series of key exchanges are waiting already")
    pair.network.weather.loss = 1.0
    pair.network.run(30)
    assert not pair.bob.kernel.reservations
    assert pair.bob.sa.snapshot(0).tasks_passive == ()


def test_other_exchanges_go_on_between_the_key_exchanges() -> None:
    pair = connected(hybrid_pair())
    pair.bob.order(pair.bob.sa, Initiate(another(pair.bob_config), ticket=1))
    pair.network.run()
    post = Post(pair)
    post.hold(pair.alice, FOLLOWUP)
    pair.alice.order(pair.alice.sa, RekeyChild(unique_id=1, ticket=3))
    pair.network.run(1)
    # R -> I  INFORMATIONAL { D }                       another CHILD_SA, by the responder of the series
    pair.bob.order(pair.bob.sa, TerminateChild(unique_id=2, ticket=4))
    pair.network.run(1)
    assert pair.bob.finished(4).ok
    post.release()
    pair.network.run()
    assert pair.is_up()
    assert pair.alice.finished(3).ok


def test_end_of_the_ike_sa_ends_the_series() -> None:
    pair = connected(hybrid_pair())
    post = Post(pair)
    post.lose(pair.alice, FOLLOWUP, count=100)
    pair.alice.order(pair.alice.sa, Initiate(another(pair.alice_config), ticket=3))
    pair.network.run(400)
    assert not pair.alice.sas
    assert not pair.alice.finished(3).ok
    assert pair.alice.kernel.is_empty()


def test_rekeying_passively_shows_as_such_and_ends_so() -> None:
    pair = connected(hybrid_pair())
    post = Post(pair)
    post.hold(pair.alice, FOLLOWUP)
    pair.alice.order(pair.alice.sa, RekeyIke(ticket=3))
    pair.network.run(1)
    assert pair.bob.sa.state is IkeState.REKEYING
    assert pair.bob.sa.snapshot(0).tasks_passive == ("IKE_REKEY",)
    pair.network.run(20)
    assert pair.bob.sa.state is IkeState.ESTABLISHED
    post.release()
    pair.network.run(1)
    assert pair.is_up()
    assert pair.alice.finished(3).ok


def test_what_is_due_while_the_peer_rekeys_is_done_if_the_peer_gives_up() -> None:
    pair = connected(hybrid_pair())
    post = Post(pair)
    post.lose(pair.alice, FOLLOWUP, count=8)  # more than twenty seconds long
    child = pair.children(pair.bob)[0]
    pair.alice.order(pair.alice.sa, RekeyChild(name="net-net"))
    pair.network.run(1)
    pair.bob.order(pair.bob.sa, KernelExpire(child.inbound, hard=False))
    pair.network.run(19.5)
    assert pair.bob.said("the peer does not go on with its key exchanges, giving up")
    assert post.count("bob", CREATE) == 1
    pair.network.run(100)
    assert pair.is_up()
    pair = connected(hybrid_pair())
    post = Post(pair)
    post.lose(pair.alice, FOLLOWUP, count=8)
    pair.alice.order(pair.alice.sa, RekeyIke())
    pair.network.run(1)
    pair.bob.order(pair.bob.sa, RekeyIke(ticket=9))
    assert pair.bob.finished(9).ok
    pair.network.run(19.5)
    assert post.count("bob", CREATE) == 1
    pair.network.run(200)
    assert pair.is_up()


def test_method_out_of_turn_ends_the_ike_sa(monkeypatch: pytest.MonkeyPatch) -> None:
    pair = connected(hybrid_pair(ike=HYBRID_IKE, esp="aes128gcm16-x25519-ke1_mlkem768-ke2_x448!"))

    def x448_first(draft: Draft) -> None:
        draft.payloads[0] = KeyExchange(32, bytes(56))

    misbehave(monkeypatch, pair.alice, FOLLOWUP, x448_first)
    # I -> R  IKE_FOLLOWUP_KE { KEi(2), N(ADDITIONAL_KEY_EXCHANGE)(link1) }
    # R -> I  IKE_FOLLOWUP_KE { N(INVALID_SYNTAX) }             fatal (RFC 7296, 2.21.3)
    pair.alice.order(pair.alice.sa, Initiate(another(pair.alice_config), ticket=3))
    pair.network.run()
    assert not pair.bob.sas and pair.bob.kernel.is_empty()
    assert pair.bob.said("KE payload of CURVE_448, ML_KEM_768 is next")
    assert "INVALID_SYNTAX" in pair.alice.finished(3).reason
