"""A peer loses, gets or changes addresses (RFC 4555, 3.5, 3.6)."""


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
    hosts,
    move,
    roaming_pair,
    sent,
    ways,
)
from simulation.network import Cut
from simulation.pair import Pair, selector

from cygnet.charon.sa.events import IkeClosed
from cygnet.charon.sa.orders import RekeyChild, RekeyIke, TerminateIke
from cygnet.kernel.port import Lifetime, Usage
from cygnet.keying.config.records import Action
from cygnet.keying.config.settings import DaemonSettings
from cygnet.keying.sa.endings import Cause

LINGER_S = 7
"""After which nothing is left of a CHILD_SA that was rekeyed."""
UPDATE = "request [ N(UPD_SA_ADDR) N(NATD_S_IP) N(NATD_D_IP) N(COOKIE2)"


def test_initiator_goes_on_from_its_other_address() -> None:
    pair = roaming_pair()
    pair.connect()
    move(pair.alice, ALICE)
    pair.network.run()
    # I -> R  INFORMATIONAL { } along the new path
    # R -> I  INFORMATIONAL { }
    # I -> R  INFORMATIONAL { N(UPDATE_SA_ADDRESSES), N(NATD_S), N(NATD_D), N(COOKIE2), N(ADDITIONAL_*) }
    assert heard(pair.bob)[:2] == ["request [ ]", f"{UPDATE} N(ADD_6_ADDR) ]"]
    # R -> I  INFORMATIONAL { N(NATD_S), N(NATD_D), N(COOKIE2) }
    assert sent(pair.bob)[1] == "response [ N(NATD_S_IP) N(NATD_D_IP) N(COOKIE2) ]"
    # R -> I  INFORMATIONAL { N(COOKIE2) }
    # I -> R  INFORMATIONAL { N(COOKIE2) }
    assert sent(pair.bob)[2] == "request [ N(COOKIE2) ]"
    assert heard(pair.bob)[2] == "response [ N(COOKIE2) ]"
    assert are_on(pair, ALICE_2, BOB)


def test_counters_and_keys_survive_the_move() -> None:
    pair = roaming_pair()
    pair.connect()
    (child,) = pair.children(pair.alice)
    pair.alice.kernel.carry(child.outbound, 1000, 10)
    keys = {spec.encryption for spec in pair.alice.kernel.sas.values()}
    move(pair.alice, ALICE)
    pair.network.run()
    (moved,) = pair.children(pair.alice)
    assert (moved.unique_id, moved.outbound.spi) == (child.unique_id, child.outbound.spi)
    assert pair.alice.kernel.query_sa(moved.outbound) == Usage(1000, 10, 0.0)
    assert {spec.encryption for spec in pair.alice.kernel.sas.values()} == keys


def test_move_takes_three_round_trips() -> None:
    pair = roaming_pair()
    pair.connect()
    move(pair.alice, ALICE)
    pair.network.run(0.061)
    assert are_on(pair, ALICE_2, BOB)


def test_another_address_on_the_same_link() -> None:
    pair = Pair()
    pair.connect()
    move(pair.alice, ALICE, "192.0.2.77")
    pair.network.run()
    assert are_on(pair, "192.0.2.77", BOB)


def test_from_ipv4_to_ipv6_and_back() -> None:
    pair = roaming_pair()
    pair.connect()
    pair.alice.home.lose(ALICE_2)
    move(pair.alice, ALICE)
    pair.network.run()
    assert are_on(pair, ALICE_6, BOB_6)
    move(pair.alice, ALICE_6, ALICE)
    pair.network.run()
    assert are_on(pair, ALICE, BOB)


def test_host_without_any_address_waits_for_one_for_hours() -> None:
    pair = Pair()
    pair.change("alice", dpd_delay_s=30, ike_lifetime_s=0)
    pair.connect()
    move(pair.alice, ALICE)
    pair.network.run(7200)
    assert pair.alice.is_established()
    count = len(pair.network.travelled)
    pair.alice.home.gain("198.51.100.9")
    pair.alice.roam()
    pair.network.run(1)
    assert are_on(pair, "198.51.100.9", BOB)
    assert len(pair.network.travelled) - count < 10


def test_host_without_any_address_notices_one_that_nobody_told_of() -> None:
    pair = Pair()
    pair.connect()
    move(pair.alice, ALICE)
    pair.network.run(60)
    pair.alice.home.gain("198.51.100.9")
    pair.network.run(10.5)
    assert are_on(pair, "198.51.100.9", BOB)


def test_ike_sa_whose_lifetime_ends_while_there_is_no_path_is_over() -> None:
    pair = Pair()
    pair.change("alice", ike_lifetime_s=1000, margin_s=100)
    pair.change_child("alice", dpd_action=Action.START)
    pair.connect()
    move(pair.alice, ALICE)
    pair.network.run(1100)
    (closed,) = pair.alice.of(IkeClosed)
    assert closed.cause is Cause.DEAD and [lost.config.name for lost in closed.children] == ["net-net"]
    assert pair.alice.kernel.is_empty()


@pytest.mark.parametrize("order", [RekeyChild(name="net-net"), RekeyIke()])
def test_request_under_way_goes_along_the_new_path(order: RekeyChild | RekeyIke) -> None:
    pair = roaming_pair()
    pair.connect()
    pair.alice.home.lose(ALICE)
    # I -> R  CREATE_CHILD_SA { … } is lost
    pair.alice.order(pair.alice.sa, order)
    pair.network.run(1)
    pair.alice.roam()
    pair.network.run(LINGER_S)
    assert are_on(pair, ALICE_2, BOB)
    assert not any(line == "request [ ]" for line in sent(pair.alice))


def test_second_move_before_the_first_is_answered() -> None:
    pair = roaming_pair()
    pair.connect()
    move(pair.alice, ALICE)
    pair.network.run(0.025)  # the update is on its way
    assert sent(pair.alice)[-1].startswith(UPDATE)
    move(pair.alice, ALICE_2, "198.51.100.33")
    pair.network.run(3)
    assert are_on(pair, "198.51.100.33", BOB)


def test_moves_one_after_the_other() -> None:
    pair = roaming_pair()
    pair.connect()
    address = ALICE
    for number in range(1, 21):
        new = f"198.51.100.{100 + number}"
        move(pair.alice, address, new)
        if number == 1:
            pair.alice.home.lose(ALICE_2)
            pair.alice.home.lose(ALICE_6)
        pair.network.run(0.3 if number % 2 else 0.05)
        address = new
    pair.network.run(5)
    assert are_on(pair, address, BOB)


def test_move_over_a_network_that_loses_half_of_everything() -> None:
    for seed in range(20):
        pair = Pair(seed)
        pair.alice.home.gain(ALICE_2)
        pair.connect()
        pair.network.weather.loss = 0.5
        move(pair.alice, ALICE)
        pair.network.run(60)
        pair.network.weather.loss = 0
        pair.network.run(60)
        assert are_on(pair, ALICE_2, BOB), f"seed {seed}"


def test_path_that_falls_silent_is_left_for_another() -> None:
    """Nothing changes at either host; a router in between is dead."""
    pair = roaming_pair()
    pair.change("alice", dpd_delay_s=30)
    pair.connect()
    pair.network.filters.append(Cut(ALICE, BOB))
    pair.network.run(30 + 4 + 7.2 + 14)
    assert are_on(pair, ALICE_2, BOB) or are_on(pair, ALICE_6, BOB_6)


def test_peers_other_address_is_found_when_its_first_is_dead() -> None:
    pair = Pair()
    pair.bob.home.gain(BOB_2)
    pair.change("alice", dpd_delay_s=30)
    pair.connect()
    pair.network.filters.append(Cut(ALICE, BOB))
    pair.network.run(60)
    assert are_on(pair, ALICE, BOB_2)


def test_path_that_falls_silent_without_another_ends_as_ever() -> None:
    pair = Pair()
    pair.change("alice", dpd_delay_s=30)
    pair.connect()
    pair.network.filters.append(Cut(ALICE, BOB))
    pair.network.run(30 + 160)
    assert pair.alice.sas
    pair.network.run(10)
    assert not pair.alice.sas


def test_search_is_given_up_after_the_time_of_retransmission() -> None:
    pair = roaming_pair()
    pair.change("alice", dpd_delay_s=30)
    pair.change_child("alice", dpd_action=Action.START)
    pair.connect()
    pair.network.weather.loss = 1
    move(pair.alice, ALICE)
    pair.network.run(160)
    assert not pair.alice.of(IkeClosed)
    pair.network.run(10)
    assert [closed.cause for closed in pair.alice.of(IkeClosed)] == [Cause.DEAD]
    pair.network.weather.loss = 0
    pair.network.run(30)
    assert pair.is_up() and hosts(pair.alice) == (ALICE_2, BOB)


def test_responder_that_loses_its_address_tells_from_another() -> None:
    pair = Pair()
    pair.bob.home.gain(BOB_2)
    pair.connect()
    # R -> I  INFORMATIONAL { } from the new address, and the answer
    # R -> I  INFORMATIONAL { N(COOKIE2), N(NO_ADDITIONAL_ADDRESSES) }
    move(pair.bob, BOB)
    pair.network.run(2)
    assert sent(pair.bob)[:2] == ["request [ ]", "request [ N(COOKIE2) N(NO_ADD_ADDR) ]"]
    # I -> R  INFORMATIONAL { N(UPDATE_SA_ADDRESSES), … }
    assert any(line.startswith(UPDATE) for line in sent(pair.alice))
    assert are_on(pair, ALICE, BOB_2)


def test_responder_never_asks_for_an_update() -> None:
    pair = roaming_pair()
    pair.connect()
    move(pair.bob, BOB)
    pair.network.run(2)
    assert are_on(pair, ALICE_6, BOB_6)
    assert not any("N(UPD_SA_ADDR)" in line for line in sent(pair.bob))


def test_both_move_at_once() -> None:
    pair = roaming_pair()
    pair.bob.home.gain(BOB_2)
    pair.connect()
    move(pair.alice, ALICE)
    move(pair.bob, BOB)
    pair.network.run(10)
    assert are_on(pair, ALICE_2, BOB_2) or are_on(pair, ALICE_6, BOB_6)


def test_path_that_still_works_is_kept_unless_the_best_is_preferred() -> None:
    for prefer in (False, True):
        pair = Pair(settings=DaemonSettings(prefer_best_path=prefer))
        pair.connect()
        pair.alice.home.gain(ALICE_2, first=True)
        pair.alice.roam()
        pair.network.run(3)
        assert are_on(pair, ALICE_2 if prefer else ALICE, BOB)


def test_preferred_path_that_does_not_work_is_not_taken() -> None:
    pair = Pair(settings=DaemonSettings(prefer_best_path=True))
    pair.connect()
    pair.alice.home.gain(ALICE_2, first=True)
    pair.network.filters.append(Cut(ALICE_2, BOB))
    pair.alice.roam()
    pair.network.run(5)
    assert are_on(pair, ALICE, BOB)


def test_current_path_is_checked_where_that_is_wanted() -> None:
    pair = roaming_pair(DaemonSettings(check_current_path=True))
    pair.connect()
    pair.alice.roam()
    pair.network.run()
    assert sent(pair.alice) == ["request [ N(NATD_S_IP) N(NATD_D_IP) ]"]
    assert heard(pair.alice) == ["response [ N(NATD_S_IP) N(NATD_D_IP) ]"]


def test_child_that_the_kernel_does_not_move_is_rekeyed() -> None:
    pair = roaming_pair()
    pair.connect()
    pair.alice.kernel.fail_next("update_sa", "no such thing here")
    move(pair.alice, ALICE)
    pair.network.run(LINGER_S)
    assert pair.alice.said("failed, it is rekeyed: no such thing here")
    assert are_on(pair, ALICE_2, BOB)


def test_child_of_which_the_kernel_moves_only_half_is_rekeyed() -> None:
    pair = roaming_pair()
    pair.connect()
    spis = {child.inbound.spi for child in pair.children(pair.alice)}
    kernel, calls = pair.alice.kernel, []
    update = kernel.update_sa

    def refuse_the_second(*what) -> None:  # type: ignore[no-untyped-def]
        calls.append(what)
        if len(calls) == 2:
            kernel.fail_next("update_sa", "no")
        update(*what)

    kernel.update_sa = refuse_the_second  # type: ignore[method-assign]
    move(pair.alice, ALICE)
    pair.network.run(LINGER_S)
    assert len(calls) == 3  # the inbound one went back
    assert are_on(pair, ALICE_2, BOB)
    assert {child.inbound.spi for child in pair.children(pair.alice)} != spis


def test_selectors_of_the_host_itself_follow_it_by_rekeying() -> None:
    pair = roaming_pair()
    pair.change_child("alice", local_ts=(selector("dynamic"),))
    pair.change_child("bob", remote_ts=(selector("dynamic"),))
    pair.connect()
    move(pair.alice, ALICE)
    pair.network.run(2)
    assert are_on(pair, ALICE_2, BOB)
    (child,) = pair.children(pair.bob)
    assert [str(one) for one in child.remote_ts] == [f"{ALICE_2}/32"]


def test_child_made_after_the_move_is_on_the_new_path() -> None:
    pair = roaming_pair()
    pair.change_child("alice", lifetime=Lifetime(soft_s=100, hard_s=200), margin_s=20)
    pair.connect()
    move(pair.alice, ALICE)
    pair.network.run(2)
    pair.alice.order(pair.alice.sa, RekeyChild(name="net-net"))
    pair.network.run(10)
    assert are_on(pair, ALICE_2, BOB)


def test_roaming_of_an_ike_sa_that_is_being_deleted_does_nothing() -> None:
    pair = roaming_pair()
    pair.connect()
    pair.network.weather.loss = 1
    pair.alice.order(pair.alice.sa, TerminateIke())
    move(pair.alice, ALICE)
    pair.network.run(200)
    assert not pair.alice.sas
    assert ways(pair.alice) == set()
