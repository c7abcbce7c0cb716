"""IKE_INTERMEDIATE and additional key exchanges of a new IKE_SA (RFC 9242; RFC 9370, 2.2.1 to 2.2.3)."""

from dataclasses import replace

import pytest
from simulation.certified import certified_pair
from simulation.hybrid import HYBRID_IKE, hybrid_pair, propose
from simulation.misbehaviour import misbehave, without_notify
from simulation.network import Datagram, SourceNat, Weather
from simulation.pair import Pair
from simulation.post import Post

from cygnet.base.addresses import Host
from cygnet.charon.encoding.exchanges import Exchange
from cygnet.charon.encoding.message import build_protected, open_message, parse_message
from cygnet.charon.encoding.notify import NotifyType
from cygnet.charon.encoding.payloads import Nonce, SecurityAssociation
from cygnet.charon.sa.tasks.task import Draft
from cygnet.crypto.proposals import Transform
from cygnet.crypto.tables import TransformType
from cygnet.keying.config.settings import DaemonSettings

INTERMEDIATE = Exchange.IKE_INTERMEDIATE
SUPPORTED = NotifyType.INTERMEDIATE_EXCHANGE_SUPPORTED
IN_ONE = DaemonSettings(fragment_size=1400)
"""ML-KEM-768 in one datagram; on port 4500 it is just too long for 1280 octets."""


def test_one_additional_key_exchange_takes_one_round_trip() -> None:
    pair = hybrid_pair(settings=IN_ONE)
    post = Post(pair)
    # I -> R  IKE_SA_INIT { SAi1 (.. ADDKE1 ..), KEi, Ni, N(INTERMEDIATE_EXCHANGE_SUPPORTED) }
    # R -> I  IKE_SA_INIT { SAr1 (.. ADDKE1 ..), KEr, Nr, N(INTERMEDIATE_EXCHANGE_SUPPORTED) }
    # I -> R  IKE_INTERMEDIATE { KEi(1) }          message ID 1
    # R -> I  IKE_INTERMEDIATE { KEr(1) }
    # I -> R  IKE_AUTH { IDi, AUTH, SAi2, TSi, TSr }
    # R -> I  IKE_AUTH { IDr, AUTH, SAr2, TSi, TSr }
    pair.connect()
    assert pair.is_up()
    assert post.lines == [
        "alice IKE_SA_INIT request 0", "bob IKE_SA_INIT response 0",
        "alice IKE_INTERMEDIATE request 1", "bob IKE_INTERMEDIATE response 1",
        "alice IKE_AUTH request 2", "bob IKE_AUTH response 2",
    ]  # fmt: skip
    for peer in (pair.alice, pair.bob):
        assert peer.sa.snapshot(0).proposal == (
            "AES_GCM_16_256/PRF_HMAC_SHA2_384/CURVE_25519/KE1_ML_KEM_768"
        )
        assert peer.said("additional key exchange 1 of 1 done, keys updated")


def test_all_seven_take_place_in_the_order_of_their_types() -> None:
    words = "ke3_ecp384-ke1_mlkem768-ke2_mlkem1024-ke7_ecp521-ke6_x448-ke5_modp2048-ke4_ecp256bp"
    pair = hybrid_pair(ike=f"aes128gcm16-prfsha256-x25519-{words}!")
    post = Post(pair)
    pair.connect()
    assert pair.is_up()
    assert pair.bob.sa.snapshot(0).proposal == (
        "AES_GCM_16_128/PRF_HMAC_SHA2_256/CURVE_25519/KE1_ML_KEM_768/KE2_ML_KEM_1024/KE3_ECP_384/"
        "KE4_ECP_256_BP/KE5_MODP_2048/KE6_CURVE_448/KE7_ECP_521"
    )
    assert "alice IKE_INTERMEDIATE request 7" in post.lines
    assert "alice IKE_AUTH request 8" in post.lines


def test_what_both_may_leave_out_is_left_out() -> None:
    """RFC 9370, 2.2.1: NONE says that a key exchange is optional, an omitted type counts as NONE."""
    pair = hybrid_pair(ike="aes128gcm16-prfsha256-x25519-ke1_mlkem768-ke1_none-ke2_x448!")
    propose(pair, "aes128gcm16-prfsha256-x25519-ke2_x448!", whose=("bob",))
    post = Post(pair)
    pair.connect()
    assert pair.is_up()
    assert post.count("alice", INTERMEDIATE) == 1
    assert pair.bob.sa.snapshot(0).proposal.endswith("CURVE_25519/KE1_NONE/KE2_CURVE_448")


def test_methods_are_chosen_so_that_none_comes_twice() -> None:
    """RFC 9370, 2.2.1: the first choice of ke1 would leave nothing for ke2."""
    pair = hybrid_pair(ike="aes128gcm16-prfsha256-x25519-ke1_mlkem768-ke1_x448-ke2_mlkem768!")
    pair.connect()
    assert pair.is_up()
    assert pair.bob.sa.snapshot(0).proposal.endswith("KE1_CURVE_448/KE2_ML_KEM_768")


@pytest.mark.parametrize("without", ["alice", "bob"])
def test_proposals_with_and_without_find_the_one_that_both_have(without: str) -> None:
    pair = hybrid_pair(ike=f"{HYBRID_IKE[:-1]},aes256gcm16-prfsha384-x25519!")
    propose(pair, "aes256gcm16-prfsha384-x25519!", whose=(without,))
    post = Post(pair)
    # I -> R  IKE_SA_INIT { SAi1 (with, without), KEi, Ni, N(INTERMEDIATE_EXCHANGE_SUPPORTED) }
    # R -> I  IKE_SA_INIT { SAr1 (without), KEr, Nr }
    pair.connect()
    assert pair.is_up()
    assert post.count("alice", INTERMEDIATE) == 0
    assert pair.alice.sa.snapshot(0).proposal == "AES_GCM_16_256/PRF_HMAC_SHA2_384/CURVE_25519"


def test_nothing_is_announced_where_nothing_additional_is_proposed() -> None:
    pair = Pair()
    pair.connect()
    assert not pair.alice.said("IKE_INT_SUP") and not pair.bob.said("IKE_INT_SUP")


def test_responder_skips_additional_proposals_of_a_peer_without_intermediate(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """RFC 9370, 2.2.1: their transform types count as unknown."""
    pair = hybrid_pair(ike=f"{HYBRID_IKE[:-1]},aes256gcm16-prfsha384-x25519!")
    misbehave(monkeypatch, pair.alice, Exchange.IKE_SA_INIT, without_notify(SUPPORTED))
    pair.connect()
    assert pair.is_up()
    assert "KE1" not in pair.alice.sa.snapshot(0).proposal


def test_responder_without_a_proposal_left_refuses(monkeypatch: pytest.MonkeyPatch) -> None:
    pair = hybrid_pair()
    misbehave(monkeypatch, pair.alice, Exchange.IKE_SA_INIT, without_notify(SUPPORTED))
    # R -> I  IKE_SA_INIT { N(NO_PROPOSAL_CHOSEN) }
    pair.connect()
    assert pair.is_clean()
    assert "NO_PROPOSAL_CHOSEN" in pair.alice.finished().reason
    text = "IKE:AES_GCM_16_256/PRF_HMAC_SHA2_384/CURVE_25519/KE1_ML_KEM_768"
    assert pair.bob.said(f"configured proposals: {text}")
    assert pair.alice.said(f"the peer accepts none of the proposals {text}")


def test_initiator_refuses_a_choice_that_needs_what_the_responder_does_not_announce(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    pair = hybrid_pair()
    misbehave(monkeypatch, pair.bob, Exchange.IKE_SA_INIT, without_notify(SUPPORTED), response=True)
    pair.connect()
    assert not pair.alice.sas
    assert "the peer chose a proposal that was not offered" in pair.alice.finished().reason


@pytest.mark.parametrize(
    ("transform", "reason"),
    [
        (Transform(TransformType.ADDKE1, 31), "KE1"),  # the method of the first key exchange again
        (Transform(TransformType.ADDKE1, 37), "received KE1_ML_KEM_1024, configured KE1_CURVE_25519/KE1_ML_"),
        (Transform(TransformType.ADDKE2, 36), "ADDITIONAL_KEY_EXCHANGE"),
    ],
)  # fmt: skip
def test_initiator_refuses_methods_chosen_twice_or_not_offered(
    monkeypatch: pytest.MonkeyPatch, transform: Transform, reason: str
) -> None:
    pair = hybrid_pair(ike="aes256gcm16-prfsha384-x25519-x448-ke1_x25519-ke1_mlkem768!")

    def choose(draft: Draft) -> None:
        for place, payload in enumerate(draft.payloads):
            if isinstance(payload, SecurityAssociation):
                (chosen,) = payload.proposals
                kept = tuple(one for one in chosen.transforms if one.type != TransformType.ADDKE1)
                changed = replace(chosen, transforms=(*kept, transform))
                draft.payloads[place] = SecurityAssociation((changed,))

    misbehave(monkeypatch, pair.bob, Exchange.IKE_SA_INIT, choose, response=True)
    pair.connect()
    assert not pair.alice.sas
    assert "the peer chose a proposal that was not offered" in pair.alice.finished().reason
    assert reason in pair.alice.finished().reason


def test_large_values_travel_in_fragments_and_authenticate_all_the_same() -> None:
    pair = hybrid_pair(ike="aes128-sha256-x25519-ke1_mlkem1024!")
    # I -> R  IKE_INTERMEDIATE { SKF 1/2 }, { SKF 2/2 }
    # R -> I  IKE_INTERMEDIATE { SKF 1/2 }, { SKF 2/2 }
    pair.connect()
    assert pair.is_up()
    assert max(len(one.data) for one in pair.network.travelled) <= 1280 - 28
    for peer in (pair.alice, pair.bob):
        assert peer.said("received fragment #2 of 2, reassembled fragmented IKE message")


@pytest.mark.parametrize("sizes", [(1280, 600), (400, 0)])
def test_form_in_which_a_message_travels_does_not_matter(sizes: tuple[int, int]) -> None:
    """RFC 9242, 3.3.2: IntAuth is over the whole message before fragmentation."""
    pair = hybrid_pair(ike="aes256-sha512-ecp256-ke1_mlkem1024-ke2_mlkem768!")
    for peer, size in zip((pair.alice, pair.bob), sizes, strict=True):
        peer.ports = replace(peer.ports, settings=DaemonSettings(fragment_size=size))
    pair.connect()
    assert pair.is_up()


@pytest.mark.parametrize("seed", range(60))
def test_handshake_survives_loss_copies_and_reordering(seed: int) -> None:
    weather = Weather(loss=0.1, copies=0.2, jitter_s=0.2)
    pair = hybrid_pair(seed, "aes128gcm16-prfsha256-x25519-ke1_mlkem1024-ke2_mlkem768!", weather=weather)
    pair.connect(900)
    assert pair.alice.finished() is not None
    assert pair.is_up() or not pair.alice.sas


@pytest.mark.parametrize("ike", [HYBRID_IKE, "aes256gcm16-prfsha384-x25519-ke1_mlkem1024!"])
def test_lost_response_is_repeated_although_the_keys_have_changed(ike: str) -> None:
    pair = hybrid_pair(ike=ike)
    post = Post(pair)
    post.lose(pair.bob, INTERMEDIATE, response=True, count=2)
    pair.connect(20)
    assert pair.is_up()
    assert pair.bob.said("retransmitting response")
    assert post.count("alice", Exchange.IKE_AUTH) == 1


def test_retransmission_in_another_form_is_recognised_under_the_old_keys() -> None:
    """Whole at first, then again whole but sealed anew, as a peer may do."""
    pair = hybrid_pair(settings=IN_ONE)
    post = Post(pair)
    post.lose(pair.bob, INTERMEDIATE, response=True)
    pair.connect(0.1)
    request = next(one for one in pair.network.travelled if one.data[18] == INTERMEDIATE)
    protection = pair.alice.sa._sa.sends  # still the first keys: the response has not come
    message = open_message(parse_message(request.data), protection.sealer)
    again = build_protected(message, protection.sealer, protection.iv())
    assert again != request.data
    pair.bob.arrive(Datagram(request.source, request.destination, again))
    pair.network.run(1)
    assert pair.is_up()


def test_key_exchange_retry_and_cookie_come_before_it() -> None:
    settings = DaemonSettings(cookie_threshold=1)
    pair = hybrid_pair(ike="aes128gcm16-prfsha256-x25519-ecp256-ke1_mlkem768!", settings=settings)
    propose(pair, "aes128gcm16-prfsha256-ecp256-ke1_mlkem768!", whose=("bob",))
    pair.bob.half_open = lambda address=None: 2  # type: ignore[method-assign]
    # R -> I  IKE_SA_INIT { N(COOKIE) }
    # R -> I  IKE_SA_INIT { N(INVALID_KE_PAYLOAD, ecp256) }
    pair.connect()
    assert pair.is_up()
    assert pair.bob.counters == ["cookie"]
    assert pair.alice.sa.snapshot(0).proposal.endswith("ECP_256/KE1_ML_KEM_768")


@pytest.mark.parametrize("kind", ["rsa", "ec256", "ed25519"])
def test_signatures_cover_the_intermediate_exchanges(kind: str) -> None:
    pair = certified_pair(kind, hybrid_pair())
    pair.connect()
    assert pair.is_up()


def test_ports_change_with_the_first_intermediate_exchange_behind_a_nat() -> None:
    """RFC 9242, 3.2."""
    pair = hybrid_pair()
    pair.network.filters.append(SourceNat(pair.alice.host, Host.of("203.0.113.9", 0)))
    pair.connect()
    assert len(pair.bob.sas) == len(pair.alice.sas) == 1
    intermediate = [one for one in pair.network.travelled if one.data[18] == INTERMEDIATE]
    assert {one.destination.port for one in intermediate if one.destination == pair.bob.host.with_port(4500)}
    assert all(4500 in (one.source.port, one.destination.port) for one in intermediate)
    assert pair.alice.is_established() and pair.bob.is_established()


def test_attempt_that_died_half_way_begins_anew() -> None:
    pair = hybrid_pair()
    pair.change("alice", keying_tries=2)
    post = Post(pair)
    post.lose(pair.bob, INTERMEDIATE, response=True, count=6)
    pair.connect(400)
    assert pair.is_up()
    assert pair.alice.said("trying again (2/2)")


def test_ml_kem_may_be_the_only_key_exchange() -> None:
    pair = hybrid_pair(ike="aes256gcm16-prfsha384-mlkem768!", esp="aes256gcm16-mlkem1024!")
    # I -> R  IKE_SA_INIT { SAi1, KEi (encapsulation key), Ni }
    # R -> I  IKE_SA_INIT { SAr1, KEr (ciphertext), Nr }
    pair.connect()
    assert pair.is_up()
    assert len(pair.network.travelled) == 4
    assert pair.alice.said("IKE_SA_INIT message of 1")  # larger than 1280 octets: said, not refused


def test_nonces_of_the_first_exchange_serve_all_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    """RFC 9370, 2.2.2: a nonce in IKE_INTERMEDIATE would be nobody's; it changes no key."""
    pair = hybrid_pair()
    misbehave(monkeypatch, pair.alice, INTERMEDIATE, lambda draft: draft.add(Nonce(bytes(32))))
    pair.connect()
    assert pair.is_up()
