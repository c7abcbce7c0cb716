"""Key exchanges that break the rules, under the right keys or none: the peer loses its own SA at most."""

from dataclasses import replace

import pytest
from simulation.hybrid import HYBRID_IKE, hybrid_pair
from simulation.misbehaviour import exchange_data, misbehave, notify_data, without_notify
from simulation.network import Datagram
from simulation.pair import Pair, another
from simulation.peer import Peer
from simulation.post import Post

from cygnet.base.effects import Counted
from cygnet.charon.encoding.exchanges import Exchange
from cygnet.charon.encoding.message import Message, build_clear
from cygnet.charon.encoding.notify import NotifyType
from cygnet.charon.encoding.payloads import (
    IdentificationInitiator,
    KeyExchange,
    Notify,
    SecurityAssociation,
)
from cygnet.charon.sa.events import IkeClosed
from cygnet.charon.sa.orders import Initiate, RekeyChild, RekeyIke
from cygnet.charon.sa.states import IkeState
from cygnet.charon.sa.tasks.task import Draft
from cygnet.crypto.proposals import Transform
from cygnet.crypto.tables import TransformType
from cygnet.keying.config.records import Unique
from cygnet.keying.config.settings import DaemonSettings
from cygnet.keying.sa.endings import Cause

INIT, INTERMEDIATE, CREATE, FOLLOWUP = (
    Exchange.IKE_SA_INIT, Exchange.IKE_INTERMEDIATE, Exchange.CREATE_CHILD_SA, Exchange.IKE_FOLLOWUP_KE,
)  # fmt: skip
LINK = NotifyType.ADDITIONAL_KEY_EXCHANGE
SIZES = [0, 1, 1183, 1185, 1088, 9000]


def connected(pair: Pair) -> Pair:
    pair.connect()
    assert pair.is_up()
    return pair


def out_of_step(pair: Pair) -> list[int]:
    """Alice's IKE_SAs that went because the two sides held different keys."""
    return [event.ike_id for event in pair.alice.of(IkeClosed) if event.cause is Cause.OUT_OF_STEP]


# Values of the wrong size, or no good


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize(
    ("ike", "exchange"), [(HYBRID_IKE, INTERMEDIATE), ("aes128gcm16-prfsha256-mlkem768!", INIT)]
)
def test_encapsulation_key_of_wrong_size_is_refused(
    monkeypatch: pytest.MonkeyPatch, size: int, ike: str, exchange: Exchange
) -> None:
    pair = hybrid_pair(ike=ike)
    misbehave(monkeypatch, pair.alice, exchange, exchange_data(bytes(size)))
    # R -> I  { N(INVALID_SYNTAX) }
    pair.connect()
    assert pair.is_clean()
    assert "INVALID_SYNTAX" in pair.alice.finished().reason
    assert pair.bob.said(f"encapsulation key has {size} octets, not 1184")


def test_encapsulation_key_beyond_the_modulus_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """FIPS 203, 7.2; draft-ietf-ipsecme-ikev2-mlkem, 2.3."""
    pair = hybrid_pair()
    misbehave(monkeypatch, pair.alice, INTERMEDIATE, exchange_data(b"\xff" * 1184))
    pair.connect()
    assert pair.is_clean()
    assert pair.bob.said("fails the modulus check")


@pytest.mark.parametrize("size", [0, 1087, 1089, 1184])
def test_ciphertext_of_wrong_size_ends_the_attempt(monkeypatch: pytest.MonkeyPatch, size: int) -> None:
    pair = hybrid_pair()
    misbehave(monkeypatch, pair.bob, INTERMEDIATE, exchange_data(bytes(size)), response=True)
    pair.connect(60)
    assert pair.is_clean()
    assert f"ciphertext has {size} octets, not 1088" in pair.alice.finished().reason


def test_spoilt_ciphertext_is_found_out_by_the_next_message(monkeypatch: pytest.MonkeyPatch) -> None:
    """Implicit rejection: both go on with other keys, so that nothing more can be read."""
    pair = hybrid_pair()
    misbehave(monkeypatch, pair.bob, INTERMEDIATE, exchange_data(bytes(1088)), response=True)
    pair.change("alice", keying_tries=1)
    pair.connect(400)
    assert pair.is_clean()
    assert Counted("not_authentic") in pair.bob.events


@pytest.mark.parametrize("order", [RekeyChild(name="net-net", ticket=3), RekeyIke(ticket=3)])
@pytest.mark.parametrize("exchange", [CREATE, FOLLOWUP])
def test_request_with_a_value_that_is_no_good_leaves_what_there_is(
    monkeypatch: pytest.MonkeyPatch, exchange: Exchange, order: RekeyChild | RekeyIke
) -> None:
    pair = connected(hybrid_pair())
    old = pair.bob.sa
    misbehave(monkeypatch, pair.alice, exchange, exchange_data(bytes(7)))
    pair.alice.order(pair.alice.sa, order)
    pair.network.run(30)
    assert not pair.alice.finished(3).ok
    assert pair.is_up()
    assert pair.bob.sa is old
    assert not pair.bob.kernel.reservations


@pytest.mark.parametrize("order", [RekeyChild(name="net-net", ticket=3), RekeyIke(ticket=3)])
@pytest.mark.parametrize("exchange", [CREATE, FOLLOWUP])
def test_response_with_a_value_that_is_no_good_ends_the_ike_sa(
    monkeypatch: pytest.MonkeyPatch, exchange: Exchange, order: RekeyChild | RekeyIke
) -> None:
    """draft-ietf-ipsecme-ikev2-mlkem, 2.3: the initiator MUST delete the IKE_SA."""
    pair = connected(hybrid_pair())
    old = pair.alice.sa.unique_id
    misbehave(monkeypatch, pair.bob, exchange, exchange_data(bytes(7)), response=True)
    # I -> R  INFORMATIONAL { D }
    pair.alice.order(pair.alice.sa, order)
    pair.network.run(400)
    assert not pair.alice.finished(3).ok
    assert out_of_step(pair) == [old]
    assert pair.is_up(), "it is made anew at once"


@pytest.mark.parametrize(
    ("order", "reason"),
    [
        (RekeyChild(name="net-net", ticket=3), "the peer chose a proposal that was not offered"),
        (RekeyIke(ticket=3), "the peer chose what was not offered for the new IKE_SA"),
    ],
)
def test_choice_that_was_not_offered_is_not_used(
    monkeypatch: pytest.MonkeyPatch, order: RekeyChild | RekeyIke, reason: str
) -> None:
    """A CHILD_SA is deleted again; of an IKE_SA the peer holds the only half, so all is made anew."""
    pair = connected(hybrid_pair())

    def choose(draft: Draft) -> None:
        for place, payload in enumerate(draft.payloads):
            if isinstance(payload, SecurityAssociation):
                (chosen,) = payload.proposals
                kept = tuple(one for one in chosen.transforms if one.type != TransformType.ADDKE1)
                changed = replace(chosen, transforms=(*kept, Transform(TransformType.ADDKE1, 37)))
                draft.payloads[place] = SecurityAssociation((changed,))

    misbehave(monkeypatch, pair.bob, CREATE, choose, response=True)
    old = pair.alice.sa.unique_id
    pair.alice.order(pair.alice.sa, order)
    pair.network.run(30)
    assert reason in pair.alice.finished(3).reason
    assert "received KE1_ML_KEM_1024, configured KE1_ML_KEM_768" in pair.alice.finished(3).reason
    assert pair.is_up()
    assert out_of_step(pair) == ([] if isinstance(order, RekeyChild) else [old])


# IKE_INTERMEDIATE where it has no place


def test_one_intermediate_exchange_more_than_agreed_on_ends_the_ike_sa(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """RFC 9242, 5: their number is known, so that nobody can go on for ever."""
    pair = hybrid_pair()

    def one_more(draft: Draft) -> None:
        draft.exchange, draft.payloads = INTERMEDIATE, [KeyExchange(31, bytes(32))]

    misbehave(monkeypatch, pair.alice, Exchange.IKE_AUTH, one_more)
    # I -> R  IKE_INTERMEDIATE { KEi(2) }
    # R -> I  IKE_INTERMEDIATE { N(INVALID_SYNTAX) }
    pair.connect()
    assert not pair.bob.sas
    assert pair.bob.said("IKE_INTERMEDIATE although no further key exchange was agreed on")


@pytest.mark.parametrize("payloads", [[], [KeyExchange(31, bytes(32))], [Notify(40000)]])
def test_intermediate_exchange_that_was_not_negotiated_ends_the_ike_sa(
    monkeypatch: pytest.MonkeyPatch, payloads: list[KeyExchange | Notify]
) -> None:
    pair = Pair()

    def intermediate(draft: Draft) -> None:
        draft.exchange, draft.payloads = INTERMEDIATE, list(payloads)

    misbehave(monkeypatch, pair.alice, Exchange.IKE_AUTH, intermediate)
    pair.connect()
    assert not pair.bob.sas
    assert pair.bob.said("IKE_INTERMEDIATE although no further key exchange was agreed on")


def test_authentication_before_the_last_key_exchange_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """RFC 9242, 3.2: the IKE_INTERMEDIATE exchanges MUST all be completed before IKE_AUTH."""
    pair = hybrid_pair()

    def authenticate(draft: Draft) -> None:
        identity = pair.alice_config.local[0].identity
        assert identity is not None
        draft.exchange, draft.payloads = Exchange.IKE_AUTH, [IdentificationInitiator(identity)]

    misbehave(monkeypatch, pair.alice, INTERMEDIATE, authenticate)
    # R -> I  IKE_AUTH { N(INVALID_SYNTAX) }
    pair.connect()
    assert not pair.bob.sas
    assert pair.bob.said("IKE_AUTH before key exchange ML_KEM_768")


def test_methods_out_of_order_end_the_ike_sa(monkeypatch: pytest.MonkeyPatch) -> None:
    pair = hybrid_pair(ike="aes128gcm16-prfsha256-x25519-ke1_mlkem768-ke2_x448!")
    misbehave(monkeypatch, pair.alice, INTERMEDIATE, exchange_data(bytes(56), 32))
    pair.connect()
    assert not pair.bob.sas
    assert pair.bob.said("KE payload of CURVE_448, ML_KEM_768 is next")


@pytest.mark.parametrize("response", [False, True])
def test_missing_key_exchange_payload_is_named(monkeypatch: pytest.MonkeyPatch, response: bool) -> None:
    pair = hybrid_pair()
    peer = pair.bob if response else pair.alice
    misbehave(monkeypatch, peer, INTERMEDIATE, lambda draft: draft.payloads.clear(), response=response)
    pair.connect(60)
    assert pair.is_clean()
    assert (pair.alice if response else pair.bob).said("KE payload missing, ML_KEM_768 is next")


@pytest.mark.parametrize("ours", [True, False])
def test_intermediate_exchange_before_there_are_keys_is_dropped(ours: bool) -> None:
    pair = hybrid_pair()
    post = Post(pair)
    post.hold(pair.bob, INIT, response=True)
    pair.connect(0.1)
    snapshot = pair.bob.sa.snapshot(0)
    spi_r = snapshot.spi_r if ours else bytes(8)
    message = Message(INTERMEDIATE, snapshot.spi_i, spi_r, 1, True, False, (KeyExchange(36, bytes(1184)),))
    pair.bob.arrive(Datagram(pair.alice.host, pair.bob.host, build_clear(message)))
    post.release()
    pair.network.run(2)
    assert pair.is_up()


def test_intermediate_exchange_as_a_first_message_makes_nothing() -> None:
    pair = hybrid_pair()
    pair.load()
    message = Message(INTERMEDIATE, b"initiate", bytes(8), 1, True, False, (KeyExchange(36, bytes(1184)),))
    pair.bob.arrive(Datagram(pair.alice.host, pair.bob.host, build_clear(message)))
    assert not pair.bob.sas


@pytest.mark.parametrize("exchange", [INIT, INTERMEDIATE, Exchange.IKE_AUTH])
def test_exchange_of_the_handshake_on_an_established_ike_sa_is_dropped(
    monkeypatch: pytest.MonkeyPatch, exchange: Exchange
) -> None:
    pair = connected(hybrid_pair())

    def change(draft: Draft) -> None:
        draft.exchange = exchange

    misbehave(monkeypatch, pair.alice, CREATE, change)
    pair.alice.order(pair.alice.sa, RekeyChild(name="net-net", ticket=3))
    pair.network.run(1)
    assert Counted("wrong_time") in pair.bob.events or exchange == INIT
    assert pair.bob.sa.state is IkeState.ESTABLISHED


# IKE_FOLLOWUP_KE that continues nothing


@pytest.mark.parametrize(
    "change",
    [notify_data(LINK, b"wrong"), notify_data(LINK, b""), notify_data(LINK, bytes(16)), without_notify(LINK)],
)
def test_wrong_link_is_state_not_found(monkeypatch: pytest.MonkeyPatch, change: object) -> None:
    pair = connected(hybrid_pair())
    misbehave(monkeypatch, pair.alice, FOLLOWUP, change)  # type: ignore[arg-type]
    # I -> R  IKE_FOLLOWUP_KE { KEi(1), N(ADDITIONAL_KEY_EXCHANGE)(wrong) }
    # R -> I  IKE_FOLLOWUP_KE { N(STATE_NOT_FOUND) }           not fatal to the IKE_SA
    pair.alice.order(pair.alice.sa, RekeyChild(name="net-net"))
    pair.network.run(0.05)
    assert pair.bob.said("generating IKE_FOLLOWUP_KE response 5 [ N(STATE_NOT_FOUND) ]") or pair.bob.said(
        "IKE_FOLLOWUP_KE failed: no series of key exchanges waits for this one"
    )
    assert pair.bob.sa.state is IkeState.ESTABLISHED


def test_link_serves_only_once(monkeypatch: pytest.MonkeyPatch) -> None:
    pair = connected(hybrid_pair(esp="aes128gcm16-x25519-ke1_x448-ke2_mlkem768!"))
    links: list[Notify] = []

    def first_link(draft: Draft) -> None:
        links.extend(one for one in draft.payloads if isinstance(one, Notify))
        draft.payloads[1] = links[0]

    misbehave(monkeypatch, pair.alice, FOLLOWUP, first_link)
    pair.alice.order(pair.alice.sa, Initiate(another(pair.alice_config), ticket=3))
    pair.network.run(0.2)
    assert links[0].data != links[1].data
    assert pair.bob.said("IKE_FOLLOWUP_KE failed: no series of key exchanges waits for this one")
    assert pair.bob.sa.state is IkeState.ESTABLISHED


@pytest.mark.parametrize("data", [b"", b"link", bytes(5000)])
def test_follow_up_without_a_beginning_is_state_not_found(
    monkeypatch: pytest.MonkeyPatch, data: bytes
) -> None:
    pair = connected(Pair())

    def follow(draft: Draft) -> None:
        draft.exchange = FOLLOWUP
        draft.payloads = [KeyExchange(36, bytes(1184)), Notify(LINK, data)]

    misbehave(monkeypatch, pair.alice, CREATE, follow)
    pair.alice.order(pair.alice.sa, Initiate(another(pair.alice_config)))
    pair.network.run(0.05)
    assert pair.bob.said("generating IKE_FOLLOWUP_KE response 2 [ N(STATE_NOT_FOUND) ]")
    assert pair.bob.sa.state is IkeState.ESTABLISHED


def test_response_without_the_link_fails_the_series(monkeypatch: pytest.MonkeyPatch) -> None:
    pair = connected(hybrid_pair())
    misbehave(monkeypatch, pair.bob, CREATE, without_notify(LINK), response=True)
    pair.alice.order(pair.alice.sa, RekeyChild(name="net-net", ticket=3))
    pair.network.run(0.2)
    assert "no usable ADDITIONAL_KEY_EXCHANGE notify, but ML_KEM_768 is next" in "".join(pair.alice.log)
    assert not pair.alice.finished(3).ok


def test_overlong_link_is_not_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    pair = connected(hybrid_pair())
    misbehave(monkeypatch, pair.bob, CREATE, notify_data(LINK, bytes(1025)), response=True)
    pair.alice.order(pair.alice.sa, RekeyChild(name="net-net", ticket=3))
    pair.network.run(0.2)
    assert not pair.alice.finished(3).ok


def test_link_of_another_peer_is_unknown() -> None:
    """Series are an IKE_SA's own: nobody can continue another's."""
    pair = connected(hybrid_pair())
    other = Peer(pair.network, "192.0.2.3")
    other.store.secrets = pair.alice.store.secrets
    pair.bob.connections.configs = [replace(pair.bob_config, unique=Unique.NEVER)]
    other.initiate(pair.alice_config, pair.alice_config.children[0], "192.0.2.2")
    pair.network.run(2)
    post = Post(pair)
    post._names[other.host.address] = "other"
    post.hold(pair.alice, FOLLOWUP)
    pair.alice.order(pair.alice.sa, RekeyChild(name="net-net", ticket=3))
    pair.network.run(1)
    passive = [sa.snapshot(0).tasks_passive for sa in pair.bob.sas.values()]
    assert sorted(passive) == [(), ("CHILD_REKEY",)]


# Floods


def test_flood_of_unfinished_handshakes_is_bounded_and_passes() -> None:
    """Many initiators stop after IKE_SA_INIT, or in the midst of IKE_INTERMEDIATE."""
    settings = DaemonSettings(cookie_threshold=8, block_threshold=20, half_open_timeout_s=10)
    pair = hybrid_pair(settings=settings, ike="aes128gcm16-prfsha256-x25519-ke1_mlkem768-ke2_mlkem1024!")
    pair.load()
    seen = 0

    def stop_half_way(datagram: Datagram) -> Datagram | None:
        nonlocal seen
        if datagram.data[18] == INTERMEDIATE and datagram.source.address == pair.alice.host.address:
            seen += 1
            return None if seen % 3 else datagram
        return datagram

    pair.network.filters.append(stop_half_way)
    for number in range(120):
        pair.alice.initiate(pair.alice_config, None, "192.0.2.2", ticket=1000 + number)
        pair.network.run(0.02)
        assert len(pair.bob.sas) <= 20
    assert {"cookie", "blocked_source"} <= set(pair.bob.counters)
    pair.alice.sas.clear()
    pair.network.filters.clear()
    pair.network.run(15)
    assert not pair.bob.sas
    pair.connect()
    assert pair.is_up()
