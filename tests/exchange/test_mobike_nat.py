"""NATs that come, go and forget, in front of peers that may move (RFC 4555, 2.3, 3.5, 3.8)."""

from dataclasses import replace
from ipaddress import ip_address

import pytest
from simulation.moves import (
    ALICE,
    ALICE_2,
    ALICE_6,
    BOB,
    BOB_6,
    are_on,
    heard,
    hosts,
    move,
    roaming_pair,
    sent,
)
from simulation.network import Cut, SourceNat, StaticNat
from simulation.pair import Pair
from simulation.peer import Peer

from cygnet.base.addresses import Host
from cygnet.charon.sa.orders import MappingChange, RekeyIke
from cygnet.kernel.port import Encapsulation, Usage
from cygnet.keying.config.settings import DaemonSettings

PUBLIC, BOBS_PUBLIC = "203.0.113.9", "203.0.113.88"
UPDATE = "request [ N(UPD_SA_ADDR) N(NATD_S_IP) N(NATD_D_IP) N(COOKIE2)"


def natted(settings: DaemonSettings | None = None) -> tuple[Pair, SourceNat]:
    """Alice behind a NAT, asking every 30 s."""
    pair = roaming_pair(settings)
    pair.change("alice", dpd_delay_s=30)
    nat = SourceNat(pair.alice.host, Host.of(PUBLIC))
    pair.network.filters.append(nat)
    return pair, nat


def in_udp(peer: Peer) -> set[Encapsulation | None]:
    return {spec.encapsulation for spec in peer.kernel.sas.values() if not spec.inbound}


def updates(peer: Peer) -> int:
    return sum("N(UPD_SA_ADDR)" in line for line in sent(peer))


def test_nat_that_comes_is_noticed_and_passed() -> None:
    pair, nat = natted()
    nat.on = False
    pair.connect()
    assert in_udp(pair.alice) == {None}
    nat.on = True
    # I -> R  INFORMATIONAL { N(NATD_S), N(NATD_D) }
    # R -> I  INFORMATIONAL { N(NATD_S), N(NATD_D) } with another hash of the initiator's address
    # I -> R  INFORMATIONAL { N(UPDATE_SA_ADDRESSES), N(NATD_S), N(NATD_D), N(COOKIE2) }
    pair.network.run(31)
    assert heard(pair.bob)[:2] == ["request [ N(NATD_S_IP) N(NATD_D_IP) ]", f"{UPDATE} ]"]
    assert hosts(pair.alice) == (ALICE, BOB) and hosts(pair.bob) == (BOB, PUBLIC)
    assert in_udp(pair.alice) == {Encapsulation(4500, 4500)}
    assert in_udp(pair.bob) == {Encapsulation(4500, pair.bob.sa.remote.port)}
    assert pair.bob.keep_alives == 0
    pair.network.run(25)
    assert pair.bob.keep_alives == 1


def test_nat_that_goes_is_noticed() -> None:
    pair, nat = natted()
    pair.connect()
    assert in_udp(pair.alice) == {Encapsulation(4500, 4500)}
    nat.on = False
    pair.network.run(35)
    assert are_on(pair, ALICE, BOB)
    assert in_udp(pair.alice) == in_udp(pair.bob) == {None}
    before = pair.bob.keep_alives
    pair.network.run(60)
    assert pair.bob.keep_alives == before


def test_nat_that_has_forgotten_is_told_anew() -> None:
    pair, nat = natted()
    pair.connect()
    pair.network.run(35)
    port = pair.bob.sa.remote.port
    nat.forget()
    pair.network.run(35)
    assert pair.bob.sa.remote.port != port
    assert in_udp(pair.bob) == {Encapsulation(4500, pair.bob.sa.remote.port)}


def test_steady_mapping_is_told_once_only() -> None:
    """The first hash is that of port 500, so that the first comparison differs (3.8)."""
    pair, _ = natted()
    pair.connect()
    pair.network.run(300)
    assert updates(pair.alice) == 1


def test_rekeying_costs_one_update_more() -> None:
    pair, _ = natted()
    pair.connect()
    pair.network.run(100)
    pair.alice.order(pair.alice.sa, RekeyIke())
    pair.network.run(200)
    assert updates(pair.alice) == 2


def test_without_a_nat_there_is_nothing_to_tell() -> None:
    pair = roaming_pair()
    pair.change("alice", dpd_delay_s=30)
    pair.connect()
    pair.network.run(300)
    assert updates(pair.alice) == 0 and len(sent(pair.alice)) == 10


def test_from_behind_a_nat_to_before_it_and_back() -> None:
    pair, _ = natted()
    pair.connect()
    move(pair.alice, ALICE)
    pair.network.run(2)
    assert are_on(pair, ALICE_2, BOB)
    assert in_udp(pair.alice) == in_udp(pair.bob) == {None}
    pair.alice.home.gain(ALICE)
    move(pair.alice, ALICE_2)
    pair.network.run(2)
    assert hosts(pair.bob) == (BOB, PUBLIC)
    assert in_udp(pair.alice) == {Encapsulation(4500, 4500)}


def test_both_behind_nats() -> None:
    pair, nat = natted()
    pair.network.filters.append(StaticNat(pair.bob.host, Host.of(BOBS_PUBLIC)))
    pair.load()
    pair.alice.initiate(pair.alice_config, pair.alice_config.children[0], BOBS_PUBLIC)
    pair.network.run(2)
    assert hosts(pair.alice) == (ALICE, BOBS_PUBLIC) and hosts(pair.bob) == (BOB, PUBLIC)
    nat.forget()
    pair.network.run(65)
    move(pair.alice, ALICE)
    pair.network.run(2)
    assert hosts(pair.alice) == (ALICE_2, BOBS_PUBLIC) and hosts(pair.bob) == (BOB, ALICE_2)
    assert in_udp(pair.alice) == in_udp(pair.bob) == {Encapsulation(4500, 4500)}


def test_nat_before_the_responder_that_goes_is_noticed() -> None:
    pair = roaming_pair()
    pair.change("alice", dpd_delay_s=30)
    nat = StaticNat(pair.bob.host, Host.of(BOBS_PUBLIC))
    pair.network.filters.append(nat)
    pair.load()
    pair.alice.initiate(pair.alice_config, pair.alice_config.children[0], BOBS_PUBLIC)
    pair.network.run(2)
    assert in_udp(pair.alice) == {Encapsulation(4500, 4500)}
    pair.bob.home.gain(BOBS_PUBLIC)
    nat.on = False
    pair.network.run(35)
    assert in_udp(pair.alice) == in_udp(pair.bob) == {None}


@pytest.mark.parametrize("whose", ["alice", "bob"])
def test_forced_encapsulation_stays_forced(whose: str) -> None:
    pair = roaming_pair()
    pair.change(whose, ike=replace(getattr(pair, f"{whose}_config").ike, force_encaps=True))
    pair.connect()
    move(pair.alice, ALICE)
    pair.network.run(2)
    assert are_on(pair, ALICE_2, BOB)
    assert in_udp(pair.alice) == in_udp(pair.bob) == {Encapsulation(4500, 4500)}


def test_mapping_that_esp_shows_is_followed_behind_a_nat() -> None:
    pair, _ = natted()
    pair.connect()
    inbound = pair.children(pair.bob)[0].inbound
    pair.bob.order(pair.bob.sa, MappingChange(inbound, Host.of(PUBLIC, 5555)))
    assert in_udp(pair.bob) == {Encapsulation(4500, 5555)}


def test_mapping_that_esp_shows_is_not_followed_without_a_nat() -> None:
    pair = roaming_pair()
    pair.connect()
    inbound = pair.children(pair.bob)[0].inbound
    pair.bob.order(pair.bob.sa, MappingChange(inbound, Host.of(PUBLIC, 5555)))
    assert are_on(pair, ALICE, BOB)


def test_mapping_of_esp_does_not_overtake_an_update() -> None:
    """While the peer's new address is being checked, its traffic may come from either."""
    pair, _ = natted()
    pair.connect()
    inbound = pair.children(pair.bob)[0].inbound
    move(pair.alice, ALICE)
    pair.network.run(0.035)
    assert hosts(pair.bob) == (BOB, ALICE_2)
    pair.bob.order(pair.bob.sa, MappingChange(inbound, Host.of(PUBLIC, 5555)))
    pair.network.run(2)
    assert are_on(pair, ALICE_2, BOB)


def test_message_without_update_changes_nothing() -> None:
    """So that paths can be tested (3.8): only UPDATE_SA_ADDRESSES counts."""
    pair, nat = natted(DaemonSettings())
    pair.change("alice", dpd_delay_s=0)
    pair.connect()
    before = pair.bob.sa.remote
    nat.forget()
    pair.alice.order(pair.alice.sa, RekeyIke())
    pair.network.run(2)
    assert pair.bob.sa.remote == before
    assert pair.alice.is_established()


# Keep-alives


def test_traffic_makes_keep_alives_needless() -> None:
    pair, _ = natted()
    pair.change("alice", dpd_delay_s=0)
    pair.connect()
    (child,) = pair.children(pair.alice)
    for _ in range(10):
        pair.alice.kernel.usage[child.outbound] = Usage(100, 1, 5.0)
        pair.network.run(20)
    assert pair.bob.keep_alives == 0
    pair.alice.kernel.usage[child.outbound] = Usage(100, 1, 500.0)
    pair.network.run(41)
    assert pair.bob.keep_alives in (2, 3)


@pytest.mark.parametrize(("interval", "expected"), [(5, 19), (20, 4), (0, 0)])
def test_interval_of_keep_alives(interval: float, expected: int) -> None:
    pair, _ = natted(DaemonSettings(keep_alive_s=interval))
    pair.change("alice", dpd_delay_s=0)
    pair.connect(100)
    assert pair.bob.keep_alives == expected


@pytest.mark.parametrize("margin", [0, 10])
def test_host_that_slept_asks_instead_of_keeping_alive(margin: float) -> None:
    pair, _ = natted(DaemonSettings(keep_alive_dpd_margin_s=margin))
    pair.change("alice", dpd_delay_s=0)
    pair.connect()
    pair.network.run(15)
    pair.network.sleep(300)
    pair.network.run(10)
    asked = sum(line == "request [ N(NATD_S_IP) N(NATD_D_IP) ]" for line in sent(pair.alice))
    assert asked == (1 if margin else 0)
    assert pair.bob.keep_alives == (0 if margin else 1)


# Where no NAT is allowed (3.9)


def strict() -> tuple[Pair, SourceNat]:
    pair = Pair(settings=DaemonSettings(nat_traversal=False))
    pair.alice.home.gain(ALICE_2)
    nat = SourceNat(Host.of(ALICE_2), Host.of(PUBLIC))
    nat.on = False
    pair.network.filters.append(nat)
    pair.connect()
    return pair, nat


def test_update_without_nat_traversal_forbids_nats() -> None:
    pair, _ = strict()
    move(pair.alice, ALICE)
    pair.network.run(2)
    # I -> R  INFORMATIONAL { N(UPDATE_SA_ADDRESSES), N(COOKIE2), N(NO_ADDITIONAL_…), N(NO_NATS_ALLOWED) }
    assert "request [ N(UPD_SA_ADDR) N(COOKIE2) N(NO_ADD_ADDR) N(NO_NATS) ]" in heard(pair.bob)
    assert are_on(pair, ALICE_2, BOB)
    assert in_udp(pair.alice) == {None}


def test_nat_on_the_new_path_is_refused_again_and_again() -> None:
    pair, nat = strict()
    nat.on = True
    move(pair.alice, ALICE)
    pair.network.run(5)
    # R -> I  INFORMATIONAL { N(UNEXPECTED_NAT_DETECTED), N(COOKIE2) }
    refusals = [line for line in sent(pair.bob) if "N(UNEXPECT_NAT)" in line]
    assert refusals == ["response [ N(UNEXPECT_NAT) N(COOKIE2) ]"] * 6
    assert hosts(pair.bob) == (BOB, ALICE)
    assert pair.alice.is_established()


def test_nat_that_was_there_for_a_moment_does_no_harm() -> None:
    pair, nat = strict()
    nat.on = True
    move(pair.alice, ALICE)
    pair.network.run(0.045)
    nat.on = False
    pair.network.run(5)
    assert are_on(pair, ALICE_2, BOB)


def test_update_that_the_peer_took_from_another_path_is_repeated() -> None:
    """The answer came by the path in use, but Bob had seen a copy first that came by the other one."""
    pair = Pair()
    pair.alice.home.gain(ALICE_6)
    pair.bob.home.gain(BOB_6)
    pair.change("alice", dpd_delay_s=10)
    pair.connect()
    nat, cut = SourceNat(Host.of(ALICE), Host.of(PUBLIC)), Cut(ALICE, BOB)
    lost = ip_address(BOB_6)
    pair.network.filters += [nat, lambda one: None if one.source.address == lost else one]
    while not pair.alice.said("NAT mappings changed"):
        pair.network.run(0.005)
    # I -> R  INFORMATIONAL { N(UPDATE_SA_ADDRESSES) … } is lost, then sent along both paths
    nat.on = False
    pair.network.filters.append(cut)
    while str(pair.bob.sa.remote.address) != ALICE_6:
        pair.network.run(0.005)
    cut.on = False
    pair.network.run(30)
    assert are_on(pair, ALICE, BOB)
