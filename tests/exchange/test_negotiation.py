"""Proposals, key exchange methods, cookies."""

from dataclasses import replace

import pytest
from simulation.network import Datagram
from simulation.pair import Pair

from cygnet.crypto.proposals import Protocol, parse_proposals
from cygnet.keying.config.settings import DaemonSettings


def ike(pair: Pair, whose: str, text: str) -> None:
    config = getattr(pair, f"{whose}_config")
    pair.change(whose, ike=replace(config.ike, proposals=parse_proposals(text, Protocol.IKE)))


def test_other_key_exchange_method_costs_one_round_trip() -> None:
    pair = Pair()
    ike(pair, "alice", "aes128gcm16-prfsha256-curve25519-ecp256!")
    ike(pair, "bob", "aes128gcm16-prfsha256-ecp256!")
    # I -> R  IKE_SA_INIT { SAi1, KEi (curve25519), Ni }
    # R -> I  IKE_SA_INIT { N(INVALID_KE_PAYLOAD, ecp256) }
    # I -> R  IKE_SA_INIT { SAi1, KEi (ecp256), Ni }
    pair.connect()
    assert pair.is_up()
    assert len(pair.network.travelled) == 6
    assert pair.alice.said("peer didn't accept key exchange method CURVE_25519, it requested ECP_256")
    assert pair.alice.sa.snapshot(0).proposal.endswith("ECP_256")


def test_method_that_was_not_offered_cannot_be_demanded() -> None:
    pair = Pair()
    ike(pair, "alice", "aes128gcm16-prfsha256-curve25519-ecp256!")
    ike(pair, "bob", "aes128gcm16-prfsha256-ecp256!")
    pair.network.filters.append(_demand_modp2048)
    pair.connect()
    assert not pair.alice.sas
    assert "it requests method 14" in pair.alice.finished().reason


def _demand_modp2048(datagram: Datagram) -> Datagram:
    demanded = (17).to_bytes(2, "big") + (19).to_bytes(2, "big")
    return replace(datagram, data=datagram.data.replace(demanded, demanded[:2] + b"\x00\x0e"))


def test_responder_takes_the_method_already_used_if_it_has_it() -> None:
    pair = Pair()
    ike(pair, "alice", "aes128gcm16-prfsha256-curve25519-ecp256!")
    ike(pair, "bob", "aes128gcm16-prfsha256-ecp256-curve25519!")
    pair.connect()
    assert pair.is_up()
    assert len(pair.network.travelled) == 4


def test_nothing_in_common_for_the_ike_sa_names_the_transforms() -> None:
    pair = Pair()
    ike(pair, "bob", "aes256gcm16-prfsha256-curve25519!")
    pair.connect()
    assert pair.is_clean()
    assert pair.bob.said("no acceptable ENCRYPTION_ALGORITHM found")
    assert pair.bob.said("configured proposals: IKE:AES_GCM_16_256/PRF_HMAC_SHA2_256/CURVE_25519")
    assert pair.alice.said("received NO_PROPOSAL_CHOSEN notify error")
    assert pair.alice.said("the peer accepts none of the proposals IKE:AES_GCM_16_128/")


def test_nothing_in_common_for_the_child_sa_keeps_the_ike_sa() -> None:
    pair = Pair()
    pair.change_child("bob", proposals=parse_proposals("aes256-sha256!", Protocol.ESP))
    pair.connect()
    # R -> I  IKE_AUTH { IDr, AUTH, N(NO_PROPOSAL_CHOSEN) }
    assert pair.is_up(children=0)
    assert pair.bob.said("no acceptable ENCRYPTION_ALGORITHM found")
    assert pair.alice.said("the peer accepts none of the proposals ESP:AES_GCM_16_128/")
    assert pair.alice.finished().reason == "received NO_PROPOSAL_CHOSEN notify, no CHILD_SA built"


@pytest.mark.parametrize(
    "text",
    [
        "aes128-sha256-modp2048!", "aes256-sha384-ecp384!", "chacha20poly1305-prfsha256-curve25519!",
        "aes256ctr-sha512-curve448!", "aes256gcm16-prfsha512-ecp521!", "aes128ccm12-prfsha1-modp3072!",
    ],
)  # fmt: skip
def test_every_kind_of_algorithm_protects_the_ike_sa(text: str) -> None:
    pair = Pair()
    ike(pair, "alice", text)
    ike(pair, "bob", text)
    pair.connect()
    assert pair.is_up()


@pytest.mark.parametrize(
    "text", ["aes128-sha256!", "chacha20poly1305!", "aes256gcm16-esn!", "aes256ctr-sha512!"]
)
def test_every_kind_of_algorithm_protects_the_child_sa(text: str) -> None:
    pair = Pair()
    for whose in ("alice", "bob"):
        pair.change_child(whose, proposals=parse_proposals(text, Protocol.ESP))
    pair.connect()
    assert pair.is_up()


def test_proposals_for_perfect_forward_secrecy_leave_it_out_in_ike_auth() -> None:
    pair = Pair()
    for whose in ("alice", "bob"):
        pair.change_child(whose, proposals=parse_proposals("aes128gcm16-ecp256!", Protocol.ESP))
    pair.connect()
    assert pair.is_up()


def test_default_proposals_agree() -> None:
    pair = Pair()
    for whose in ("alice", "bob"):
        ike(pair, whose, "")
        pair.change_child(whose, proposals=parse_proposals("", Protocol.ESP))
    pair.connect()
    assert pair.is_up()


def test_cookie_is_demanded_and_shown() -> None:
    pair = Pair(settings=DaemonSettings(cookie_threshold=1, cookie_threshold_ip=1))
    pair.load()
    pair.network.weather.loss = 1.0
    for number in range(2):  # first messages whose peers never come back
        pair.bob.endpoint.decide(_first_message(number), pair.alice.host, pair.bob.host, pair.network.now)
    pair.network.weather.loss = 0.0
    pair.bob.half_open = lambda address=None: 2  # type: ignore[method-assign]
    # I -> R  IKE_SA_INIT { SAi1, KEi, Ni }
    # R -> I  IKE_SA_INIT { N(COOKIE) }
    # I -> R  IKE_SA_INIT { N(COOKIE), SAi1, KEi, Ni }
    pair.connect()
    assert pair.is_up()
    assert len(pair.network.travelled) == 6
    assert pair.bob.counters == ["cookie"]


def _first_message(number: int) -> bytes:
    return bytes([number + 1]) * 8 + bytes(8) + bytes([33, 0x20, 34, 8]) + bytes(4) + (28).to_bytes(4, "big")


def test_endless_demands_end() -> None:
    pair = Pair(settings=DaemonSettings(cookie_threshold=1))
    pair.load()
    pair.bob.half_open = lambda address=None: 2  # type: ignore[method-assign]
    pair.bob.endpoint._cookies.check = lambda *_: False  # type: ignore[method-assign]
    pair.connect(30)
    assert not pair.alice.sas
    assert not pair.alice.finished().ok
    assert pair.bob.counters == ["cookie"] * 6
