"""EAP in IKE_AUTH (RFC 7296, 2.16): every method with a password, and every refusal on both sides."""

from dataclasses import replace

import pytest
from simulation.eap_pair import change_eap, eap_pair
from simulation.meddling import Meddling, instead, without
from simulation.pair import Pair

from cygnet.base.identities import Identity
from cygnet.base.secret import Secret
from cygnet.charon.encoding.exchanges import Exchange
from cygnet.charon.encoding.payloads import Authentication, AuthenticationMethod, Eap
from cygnet.charon.sa.orders import RekeyIke, TerminateIke
from cygnet.eap.packets import GTC, MD5, MSCHAPV2, EapType
from cygnet.eap.ports import UserSecret
from cygnet.keying.config.records import AuthClass
from cygnet.keying.sa.credentials import User

WRONG = UserSecret(Secret(b"another"))


@pytest.mark.parametrize(("method", "messages"), [(MSCHAPV2, 12), (MD5, 10), (GTC, 10)])
def test_user_with_password_gets_a_child_sa(method: EapType, messages: int) -> None:
    pair = eap_pair(method)
    # I -> R  IKE_SA_INIT { SAi1, KEi, Ni }
    # R -> I  IKE_SA_INIT { SAr1, KEr, Nr }
    # I -> R  IKE_AUTH { IDi, IDr, SAi2, TSi, TSr }
    # R -> I  IKE_AUTH { IDr, AUTH, EAP/REQ/ID }
    # I -> R  IKE_AUTH { EAP/RES/ID }
    # R -> I  IKE_AUTH { EAP/REQ/MD5 }
    # I -> R  IKE_AUTH { EAP/RES/MD5 }
    # R -> I  IKE_AUTH { EAP/SUCC }
    # I -> R  IKE_AUTH { AUTH }
    # R -> I  IKE_AUTH { AUTH, SAr2, TSi, TSr }
    pair.connect()
    assert pair.is_up(), pair.bob.log
    assert len(pair.network.travelled) == messages
    assert pair.alice.finished().ok
    assert eap_user(pair) == "carol"
    key = "MSK established" if method == MSCHAPV2 else "no MSK established"
    for peer in (pair.alice, pair.bob):
        assert peer.said(f"succeeded, {key}")
        assert peer.said("with EAP successful")


def test_lost_messages_are_sent_again() -> None:
    pair = eap_pair(MSCHAPV2)
    lost = iter([False, False, True, True, False, True, False, False, True])
    pair.network.filters.append(lambda datagram: None if next(lost, False) else datagram)
    pair.connect(120)
    assert pair.is_up()


def test_user_of_a_rekeyed_ike_sa_stays_known() -> None:
    pair = eap_pair(MSCHAPV2)
    sa = pair.connect()
    pair.alice.order(sa, RekeyIke(ticket=2))
    pair.network.run()
    assert pair.is_up()
    assert eap_user(pair) == "carol"
    pair.alice.order(next(iter(pair.alice.sas.values())), TerminateIke(ticket=3))
    pair.network.run()
    assert pair.is_clean()


def test_responder_without_eap_identity_takes_the_ike_identity() -> None:
    pair = eap_pair(MSCHAPV2, user="alice.test")
    change_eap(pair, "alice", eap_identity=None)
    change_eap(pair, "bob", eap_identity=None)
    # R -> I  IKE_AUTH { IDr, AUTH, EAP/REQ/MSCHAPV2 }
    pair.connect()
    assert pair.is_up()
    assert eap_user(pair) == "alice.test"
    assert not pair.bob.said("initiating EAP_IDENTITY")


def test_claiming_another_ike_identity_than_the_user_is_refused() -> None:
    pair = eap_pair(MSCHAPV2)
    change_eap(pair, "bob", eap_identity=None)
    # I -> R  IKE_AUTH { EAP/RES/MSCHAPV2 }  (carol, who has a password, under alice's IDi)
    # R -> I  IKE_AUTH { N(AUTHENTICATION_FAILED) }
    pair.connect()
    assert_refused(pair, "EAP identity 'alice.test' required, peer is 'carol'")


def test_another_user_than_the_configured_one_is_refused() -> None:
    pair = eap_pair(MSCHAPV2)
    change_eap(pair, "bob", eap_identity=Identity.parse("dave"))
    pair.connect()
    assert_refused(pair, "EAP identity 'dave' required, peer is 'carol'")


def test_connection_of_the_user_is_chosen_once_the_user_is_known() -> None:
    pair = eap_pair(MSCHAPV2)
    pair.load()
    other = replace(pair.bob_config.remote[0], eap_identity=Identity.parse("dave"))
    pair.bob_config = replace(pair.bob_config, name="dave's", remote=(other,))
    carols = pair.bob.connections.configs[0]
    pair.alice.initiate(pair.alice_config, pair.alice_config.children[0], "192.0.2.2")
    pair.bob.connections.configs = [pair.bob_config, carols]
    pair.network.run(2)
    assert pair.is_up()
    assert [sa.snapshot(0).name for sa in pair.bob.sas.values()] == [carols.name]


@pytest.mark.parametrize("method", [MSCHAPV2, MD5, GTC])
def test_wrong_password_fails_and_both_say_why(method: EapType) -> None:
    pair = eap_pair(method)
    pair.bob.store.passwords["carol"] = WRONG
    # R -> I  IKE_AUTH { EAP/FAIL }
    pair.connect()
    assert pair.is_clean()
    assert pair.bob.said("EAP authentication failed: EAP-"), pair.bob.log
    assert pair.alice.said("received EAP_FAILURE, EAP authentication failed"), pair.alice.log
    assert not pair.alice.finished().ok


def test_unknown_user_is_told_apart_only_in_the_log() -> None:
    pair = eap_pair(MSCHAPV2)
    pair.bob.store.passwords.clear()
    pair.connect()
    assert pair.is_clean()
    assert pair.bob.said("carol")
    assert pair.alice.said("received EAP_FAILURE")


def test_user_without_a_secret_says_so_and_tells_the_responder() -> None:
    pair = eap_pair(MSCHAPV2)
    pair.alice.store.passwords.clear()
    # I -> R  INFORMATIONAL { N(AUTHENTICATION_FAILED) }
    # R -> I  INFORMATIONAL { }
    pair.connect()
    assert pair.is_clean()
    assert "EAP-MSCHAPv2 needs an EAP secret for 'carol'" in pair.alice.finished().reason
    assert pair.bob.said("received AUTHENTICATION_FAILED notify error")


def test_name_and_password_set_by_hand_come_first() -> None:
    pair = eap_pair(MSCHAPV2)
    pair.alice.store.passwords.clear()
    pair.alice.store.login = User("dave", Secret(b"by hand"))
    pair.bob.store.passwords["dave"] = UserSecret(Secret(b"by hand"))
    pair.connect()
    assert pair.is_up()
    assert eap_user(pair) == "dave"


def test_unwanted_method_is_refused_with_both_sides_naming_theirs() -> None:
    pair = eap_pair(MSCHAPV2)
    change_eap(pair, "bob", eap_methods=(MD5,))
    # R -> I  IKE_AUTH { EAP/REQ/MD5 }
    # I -> R  IKE_AUTH { EAP/RES/NAK }
    # R -> I  IKE_AUTH { EAP/FAIL }
    pair.connect()
    assert pair.is_clean()
    assert pair.bob.said("the peer refuses EAP-MD5 and wants EAP-MSCHAPv2; allowed here: EAP-MD5")
    assert "the server wants EAP-MD5, allowed here: EAP-MSCHAPv2" in pair.alice.finished().reason


def test_second_choice_is_taken_where_the_first_is_refused() -> None:
    pair = eap_pair(MSCHAPV2)
    change_eap(pair, "bob", eap_methods=(MD5, MSCHAPV2))
    pair.connect()
    assert pair.is_up()


def test_eap_where_none_is_wanted_is_refused() -> None:
    pair = eap_pair(MSCHAPV2)
    change_eap(pair, "bob", auth=AuthClass.PSK)
    pair.connect()
    problem = "peer requested EAP, config unacceptable: 'net-net' requires pre-shared key authentication"
    assert_refused(pair, problem)


def test_secret_where_eap_is_wanted_is_refused() -> None:
    pair = eap_pair(MSCHAPV2)
    change_eap(pair, "alice", auth=AuthClass.PSK)
    pair.connect()
    assert_refused(pair, "requires EAP authentication, but peer used pre-shared key authentication")


def test_responder_that_only_wants_eap_is_not_trusted() -> None:
    pair = eap_pair(MSCHAPV2)
    Meddling(pair, "bob", Exchange.IKE_AUTH, without(Authentication))
    # R -> I  IKE_AUTH { IDr, EAP/REQ/ID }
    pair.connect()
    assert pair.is_clean()
    assert "'bob.test' wants EAP without proving itself" in pair.alice.finished().reason
    assert not pair.alice.said("sending 'carol'")


@pytest.mark.parametrize("octets", [b"\x01\x07\0\x05\x1a", b"\x02\0\0\x06\x1a\x02", b"\x09\x09\0\x04"])
@pytest.mark.parametrize("whose", ["alice", "bob"])
def test_garbage_ends_that_one_ike_sa(octets: bytes, whose: str) -> None:
    pair = eap_pair(MSCHAPV2)
    response = whose == "bob"

    def spoil(payloads):  # type: ignore[no-untyped-def]
        return tuple(Eap(octets) if isinstance(one, Eap) else one for one in payloads)

    Meddling(pair, whose, Exchange.IKE_AUTH, spoil, response=response)
    pair.connect()
    assert pair.is_clean()
    assert not pair.alice.finished().ok


@pytest.mark.parametrize("whose", ["alice", "bob"])
def test_eap_payload_that_is_missing_ends_it(whose: str) -> None:
    pair = eap_pair(MSCHAPV2)
    auth = Authentication(AuthenticationMethod.SHARED_KEY, bytes(32))

    def spoil(payloads):  # type: ignore[no-untyped-def]
        return (auth,) if len(payloads) == 1 and isinstance(payloads[0], Eap) else payloads

    Meddling(pair, whose, Exchange.IKE_AUTH, spoil, response=whose == "bob")
    pair.connect()
    assert pair.is_clean()
    reader = pair.alice if whose == "bob" else pair.bob
    assert reader.said(f"EAP payload of the {'responder' if whose == 'bob' else 'initiator'} missing")


@pytest.mark.parametrize("whose", ["alice", "bob"])
def test_wrong_auth_after_eap_is_refused(whose: str) -> None:
    pair = eap_pair(MSCHAPV2)
    wrong = Authentication(AuthenticationMethod.SHARED_KEY, bytes(32))

    def spoil(payloads):  # type: ignore[no-untyped-def]
        has_auth = any(isinstance(one, Authentication) for one in payloads)
        return payloads if not has_auth or any(isinstance(one, Eap) for one in payloads) else change(payloads)

    change = instead(wrong)
    Meddling(pair, whose, Exchange.IKE_AUTH, spoil, response=whose == "bob")
    pair.connect()
    assert pair.is_clean()
    reader, name = (pair.alice, "bob.test") if whose == "bob" else (pair.bob, "alice.test")
    assert reader.said(f"verification of AUTH payload of '{name}' with EAP failed"), reader.log


def test_child_sa_that_is_refused_leaves_the_ike_sa() -> None:
    pair = eap_pair(MSCHAPV2)
    other = pair.alice_config.children[0].local_ts
    pair.change_child("alice", remote_ts=other)
    # R -> I  IKE_AUTH { AUTH, N(TS_UNACCEPTABLE) }
    pair.connect()
    assert pair.is_up(children=0)
    assert pair.bob.said("traffic selectors")


def assert_refused(pair: Pair, reason: str) -> None:
    """By Bob, for this reason; Alice has his notify."""
    assert pair.is_clean()
    assert pair.bob.said(reason), pair.bob.log
    assert pair.alice.finished().reason == "received AUTHENTICATION_FAILED notify error"


def eap_user(pair: Pair) -> str:
    """Whom Bob knows Alice as."""
    (sa,) = pair.bob.sas.values()
    return str(sa.snapshot(pair.network.now).remote_eap_id)
