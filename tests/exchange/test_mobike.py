"""MOBIKE is agreed on, and both sides tell of their addresses (RFC 4555, 3.2 to 3.4, 3.6)."""

from dataclasses import replace

import pytest
from simulation.moves import (
    ALICE,
    ALICE_2,
    ALICE_6,
    BOB,
    BOB_2,
    BOB_6,
    are_on,
    heard,
    move,
    roaming_pair,
    sent,
)
from simulation.network import SourceNat
from simulation.pair import Pair

from cygnet.base.addresses import Host
from cygnet.charon.sa.orders import RekeyIke
from cygnet.keying.config.settings import DaemonSettings

LISTS = ("N(ADD_4_ADDR)", "N(ADD_6_ADDR)", "N(NO_ADD_ADDR)")


def test_both_say_so_and_go_on_at_port_4500_without_a_nat() -> None:
    pair = roaming_pair()
    # I -> R  IKE_SA_INIT { SAi1, KEi, Ni, N(NATD_S), N(NATD_D) } from port 500
    pair.connect()
    # I -> R  IKE_AUTH { IDi, …, N(MOBIKE_SUPPORTED), N(ADDITIONAL_IP4_ADDRESS), N(ADDITIONAL_IP6_ADDRESS) }
    (request,) = heard(pair.bob, "IKE_AUTH")
    assert request.endswith("SA TSi TSr N(MOBIKE_SUP) N(ADD_4_ADDR) N(ADD_6_ADDR) ]")
    # R -> I  IKE_AUTH { IDr, …, N(MOBIKE_SUPPORTED), N(ADDITIONAL_IP6_ADDRESS) }
    (response,) = heard(pair.alice, "IKE_AUTH")
    assert response.endswith("SA TSi TSr N(MOBIKE_SUP) N(ADD_6_ADDR) ]")
    ports = [(one.source.port, one.destination.port) for one in pair.network.travelled]
    assert ports == [(500, 500), (500, 500), (4500, 4500), (4500, 4500)]
    assert are_on(pair, ALICE, BOB)
    assert not any(child.udp for peer in (pair.alice, pair.bob) for child in pair.children(peer))


@pytest.mark.parametrize("whose", ["alice", "bob"])
def test_one_side_without_is_enough_to_have_none(whose: str) -> None:
    pair = roaming_pair()
    pair.change(whose, mobike=False)
    pair.connect()
    assert pair.is_up()
    assert "N(MOBIKE_SUP)" not in sent(pair.bob, "IKE_AUTH")[0]
    assert not any(kind in line for line in sent(pair.bob, "IKE_AUTH") for kind in LISTS)
    assert pair.alice.sa.local.port == (500 if whose == "alice" else 4500)
    pair.alice.home.gain("198.51.100.7")
    pair.alice.roam()
    pair.network.run()
    assert sent(pair.alice) == []


def test_without_mobike_the_initiators_port_stays_500() -> None:
    pair = Pair()
    pair.change("alice", mobike=False)
    pair.connect()
    assert {one.source.port for one in pair.network.travelled} == {500}


@pytest.mark.parametrize("whose", ["alice", "bob"])
def test_new_list_replaces_the_old_one(whose: str) -> None:
    pair = roaming_pair()
    pair.connect()
    mover = getattr(pair, whose)
    # X -> Y  INFORMATIONAL { N(ADDITIONAL_IP4_ADDRESS)+, N(ADDITIONAL_IP6_ADDRESS)+ }
    mover.home.gain("198.51.100.77")
    mover.roam()
    pair.network.run()
    again = "N(ADD_4_ADDR) N(ADD_4_ADDR)" if whose == "alice" else "N(ADD_4_ADDR)"
    assert sent(mover) == [f"request [ {again} N(ADD_6_ADDR) ]"]
    assert are_on(pair, ALICE, BOB)


def test_list_that_has_become_empty_is_said_once() -> None:
    pair = roaming_pair()
    pair.connect()
    pair.bob.home.lose(BOB_6)
    # R -> I  INFORMATIONAL { N(NO_ADDITIONAL_ADDRESSES) }
    pair.bob.roam()
    pair.network.run()
    assert sent(pair.bob) == ["request [ N(NO_ADD_ADDR) ]"]
    pair.bob.roam()
    pair.network.run()
    assert len(sent(pair.bob)) == 1


def test_change_that_is_no_news_costs_no_message() -> None:
    pair = roaming_pair()
    pair.connect()
    count = len(pair.network.travelled)
    pair.alice.roam()
    pair.bob.roam()
    pair.network.run()
    assert len(pair.network.travelled) == count


def test_list_in_a_later_message_is_used() -> None:
    """Bob tells of a second address; when his first is cut off, Alice finds him there."""
    pair = roaming_pair()
    pair.connect()
    pair.bob.home.gain(BOB_2)
    pair.bob.roam()
    pair.network.run()
    pair.bob.home.lose(BOB)
    pair.alice.home.lose(ALICE_6)
    pair.alice.home.unroute(ALICE, BOB)
    pair.alice.home.unroute(ALICE_2, BOB)
    pair.alice.roam()
    pair.network.run(3)
    assert are_on(pair, ALICE, BOB_2)


@pytest.mark.parametrize("whose", ["alice", "bob"])
def test_who_decides_stays_the_same_when_the_ike_sa_is_rekeyed(whose: str) -> None:
    """Whoever rekeys becomes the new IKE_SA's initiator; Alice is that of the first (1.3)."""
    pair = roaming_pair()
    pair.connect()
    rekeying = getattr(pair, whose)
    rekeying.order(rekeying.sa, RekeyIke())
    pair.network.run(2)
    move(pair.alice, ALICE)
    pair.network.run(2)
    assert are_on(pair, ALICE_2, BOB)
    assert any("N(UPD_SA_ADDR)" in line for line in sent(pair.alice))
    assert not any("N(UPD_SA_ADDR)" in line for line in sent(pair.bob))


def test_ike_auth_of_one_that_allows_no_nats_says_between_which_hosts_it_is() -> None:
    pair = Pair(settings=DaemonSettings(nat_traversal=False))
    pair.connect()
    assert pair.is_up()
    assert heard(pair.bob, "IKE_AUTH")[0].endswith("N(MOBIKE_SUP) N(NO_NATS) ]")
    assert {one.source.port for one in pair.network.travelled} == {500}


def test_nat_before_one_that_allows_none_is_told_of_in_ike_auth() -> None:
    pair = Pair(settings=DaemonSettings(nat_traversal=False))
    pair.network.filters.append(SourceNat(pair.alice.host, Host.of("203.0.113.9")))
    # I -> R  IKE_AUTH { …, N(NO_NATS_ALLOWED) }
    # R -> I  IKE_AUTH { N(UNEXPECTED_NAT_DETECTED) }
    pair.connect()
    assert heard(pair.alice, "IKE_AUTH") == ["response [ N(UNEXPECT_NAT) ]"]
    finished = pair.alice.finished()
    assert finished is not None and not finished.ok and "UNEXPECTED_NAT_DETECTED" in finished.reason
    assert pair.is_clean()


def test_nat_traversal_off_finds_no_nat_and_uses_no_udp() -> None:
    pair = Pair()
    pair.alice.settings = replace(pair.alice.settings, nat_traversal=False)
    pair.alice.ports = replace(pair.alice.ports, settings=pair.alice.settings)
    pair.connect()
    assert pair.is_up()
    assert "N(NATD" not in "".join(sent(pair.alice, "IKE_SA_INIT"))
    assert pair.alice.sa.remote.port == 500
