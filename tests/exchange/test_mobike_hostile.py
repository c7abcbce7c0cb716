"""Peers and strangers who lie about addresses (RFC 4555, 3.7, 5.1, 5.3)."""

from collections.abc import Callable
from dataclasses import replace

import pytest
from simulation.meddling import Meddling, adding, instead
from simulation.moves import ALICE, ALICE_2, BOB, are_on, heard, hosts, move, roaming_pair, sent, ways
from simulation.network import Datagram
from simulation.pair import Pair

from cygnet.base.addresses import Host
from cygnet.charon.encoding.exchanges import Exchange
from cygnet.charon.encoding.notify import NotifyType as N
from cygnet.charon.encoding.payloads import Notify
from cygnet.charon.sa.address_lists import MAX_ADDRESSES
from cygnet.charon.sa.orders import RekeyChild, RekeyIke

VICTIM = "198.51.100.66"


class Spoof:
    """A filter: what a host sends seems to come from the victim, while ``on``."""

    def __init__(self, source: str, wanted: Callable[[Datagram], bool] = lambda one: True) -> None:
        self._source, self._wanted = Host.of(source).address, wanted
        self.on = True

    def __call__(self, datagram: Datagram) -> Datagram:
        if self.on and datagram.source.address == self._source and self._wanted(datagram):
            return replace(datagram, source=Host.of(VICTIM, datagram.source.port))
        return datagram


def to_victim(pair: Pair) -> list[Datagram]:
    return [one for one in pair.network.travelled if str(one.destination.address) == VICTIM]


def claiming_the_victims_address() -> Pair:
    """Alice says in an update that she is where the victim is."""
    pair = roaming_pair()
    pair.connect()
    move(pair.alice, ALICE)
    pair.network.run(0.025)
    spoof = Spoof(ALICE_2)
    pair.network.filters.append(spoof)
    pair.network.run(0.011)
    spoof.on = False
    assert hosts(pair.bob) == (BOB, VICTIM)
    return pair


def test_traffic_does_not_go_where_the_peer_does_not_answer() -> None:
    pair = claiming_the_victims_address()
    # R -> I  INFORMATIONAL { N(COOKIE2) } to the victim, again and again
    for _ in range(200):
        pair.network.run(1)
        assert ways(pair.bob) in ({(BOB, ALICE)}, set())
    assert sum(len(one.data) for one in to_victim(pair)) < 1000
    assert not pair.bob.sas


@pytest.mark.parametrize("order", [RekeyChild(name="net-net"), RekeyIke()])
def test_nor_does_that_of_new_child_sas(order: RekeyChild | RekeyIke) -> None:
    pair = claiming_the_victims_address()
    pair.alice.order(pair.alice.sa, order)
    for _ in range(20):
        pair.network.run(1)
        assert all(way == (BOB, ALICE) for way in ways(pair.bob))


def test_the_peer_itself_can_put_it_right() -> None:
    """A NAT, or somebody on the path, has changed one message only."""
    pair = claiming_the_victims_address()
    move(pair.alice, ALICE_2, "198.51.100.7")
    pair.network.run(10)
    assert are_on(pair, "198.51.100.7", BOB)


def test_flood_of_updates_moves_the_sas_slowly() -> None:
    pair = Pair()
    pair.connect()
    began, here, there = pair.network.now, ALICE, ALICE_2
    for _ in range(400):
        move(pair.alice, here, there)
        here, there = there, here
        pair.network.run(0.061)
    updates = sum("N(UPD_SA_ADDR)" in line for line in heard(pair.bob))
    assert updates > 150
    # two SAs at most twice a second
    assert pair.bob.kernel.calls.count("update_sa") <= 2 * (2 * (pair.network.now - began) + 2)
    pair.network.run(3)
    assert are_on(pair, here, BOB)


def test_responder_cannot_lead_the_initiators_traffic_to_a_victim_either() -> None:
    """It has the victim on its list, is silent until requests go there too, then answers as the victim."""
    pair = Pair()
    pair.change("alice", dpd_delay_s=20)
    listed = Notify(N.ADDITIONAL_IP4_ADDRESS, Host.of(VICTIM).address.packed)
    Meddling(pair, "bob", Exchange.IKE_AUTH, adding(listed))
    pair.connect()
    spoof = Spoof(BOB)

    def lie(datagram: Datagram) -> Datagram | None:
        if datagram.source.address != pair.bob.host.address:
            return datagram
        return spoof(datagram) if to_victim(pair) else None

    pair.network.filters.insert(0, lie)
    for _ in range(600):
        pair.network.run(0.5)
        assert all(way[1] != VICTIM for way in ways(pair.alice))
    # I -> V  INFORMATIONAL { N(UPDATE_SA_ADDRESSES), …, N(COOKIE2) }, which the victim does not answer
    assert pair.alice.said("requesting address change using MOBIKE")


def test_responder_must_not_choose_addresses() -> None:
    pair = roaming_pair()
    pair.connect()
    Meddling(pair, "bob", Exchange.INFORMATIONAL, adding(Notify(N.UPDATE_SA_ADDRESSES)), response=False)
    pair.network.filters.append(Spoof(BOB))
    # R -> I  INFORMATIONAL { …, N(UPDATE_SA_ADDRESSES) } from elsewhere
    pair.bob.home.gain("203.0.113.5")
    pair.bob.roam()
    pair.network.run(0.5)
    # I -> R  INFORMATIONAL { N(UNACCEPTABLE_ADDRESSES) }
    assert sent(pair.alice)[-1] == "response [ N(UNACCEPT_ADDR) ]"
    assert hosts(pair.alice) == (ALICE, BOB) and ways(pair.alice) == {(ALICE, BOB)}


@pytest.mark.parametrize("source", ["0.0.0.0", "224.0.0.1", "127.0.0.1", "255.255.255.255", "::", "ff02::1"])
def test_update_from_an_impossible_address_is_refused(source: str) -> None:
    pair = roaming_pair()
    pair.connect()
    pair.alice.home.lose(ALICE_2)

    def impossible(datagram: Datagram) -> Datagram:
        update = datagram.source.address in pair.alice.home.usable() and updating(pair)
        return replace(datagram, source=Host.of(source, 4500)) if update else datagram

    pair.network.filters.append(impossible)
    move(pair.alice, ALICE)
    pair.network.run(1)
    assert "response [ N(UNACCEPT_ADDR) N(COOKIE2) ]" in sent(pair.bob)
    assert ways(pair.bob) == {(BOB, ALICE)}


def updating(pair: Pair) -> bool:
    return any("N(UPD_SA_ADDR)" in line for line in sent(pair.alice))


def test_refused_update_leaves_things_as_they_were() -> None:
    """Alice could still use her first address; the kernel only prefers another one."""
    pair = roaming_pair()
    pair.connect()
    answers = Meddling(
        pair, "bob", Exchange.INFORMATIONAL, adding(Notify(N.UNACCEPTABLE_ADDRESSES)), response=True
    )
    pair.alice.home.unroute(ALICE, BOB)
    pair.alice.roam()
    pair.network.run(3)
    assert answers.seen > 1
    assert pair.alice.is_established()
    assert ways(pair.alice) == {(ALICE, BOB)}


def test_other_cookie_closes_the_ike_sa() -> None:
    pair = roaming_pair()
    pair.connect()
    Meddling(pair, "bob", Exchange.INFORMATIONAL, instead(Notify(N.COOKIE2, b"another one")))
    move(pair.alice, ALICE)
    pair.network.run(1)
    assert not pair.alice.sas and pair.alice.kernel.is_empty()
    assert "COOKIE2 mismatch, closing IKE_SA" in pair.alice.retired


def test_missing_cookie_closes_the_ike_sa() -> None:
    pair = roaming_pair()
    pair.connect()

    def forget(payloads):  # type: ignore[no-untyped-def]
        return tuple(one for one in payloads if getattr(one, "type", 0) != N.COOKIE2)

    Meddling(pair, "alice", Exchange.INFORMATIONAL, forget)
    move(pair.alice, ALICE)
    pair.network.run(1)
    assert not pair.bob.sas


@pytest.mark.parametrize("size", [0, 7, 65])
def test_cookie_of_an_impossible_size_is_invalid_syntax(size: int) -> None:
    pair = roaming_pair()
    pair.connect()
    Meddling(pair, "alice", Exchange.INFORMATIONAL, adding(Notify(N.COOKIE2, bytes(size))), response=False)
    pair.alice.home.gain("198.51.100.99")
    pair.alice.roam()
    pair.network.run(1)
    assert sent(pair.bob)[-1] == "response [ N(INVAL_SYN) ]"


def test_cookie_of_a_peer_without_mobike_is_given_back() -> None:
    pair = Pair()
    pair.change("bob", mobike=False)
    pair.change("alice", dpd_delay_s=10)
    pair.connect()
    Meddling(pair, "alice", Exchange.INFORMATIONAL, adding(Notify(N.COOKIE2, b"12345678")), response=False)
    pair.network.run(11)
    assert sent(pair.bob) == ["response [ N(COOKIE2) ]"]


@pytest.mark.parametrize("exchange", [Exchange.IKE_AUTH, Exchange.INFORMATIONAL])
def test_list_of_nonsense_is_passed_over_and_counted(exchange: Exchange) -> None:
    nonsense = (
        Notify(N.ADDITIONAL_IP4_ADDRESS, b""),
        Notify(N.ADDITIONAL_IP4_ADDRESS, bytes(16)),
        Notify(N.ADDITIONAL_IP6_ADDRESS, bytes(4)),
        Notify(N.ADDITIONAL_IP4_ADDRESS, bytes(4)),
        Notify(N.ADDITIONAL_IP4_ADDRESS, bytes((224, 0, 0, 1))),
        Notify(N.ADDITIONAL_IP4_ADDRESS, bytes((127, 0, 0, 1))),
        Notify(N.ADDITIONAL_IP6_ADDRESS, b"\xfe\x80" + bytes(13) + b"\1"),
    )
    pair = roaming_pair()
    Meddling(pair, "alice", exchange, adding(*nonsense), response=False)
    pair.connect()
    pair.alice.home.gain("198.51.100.99")
    pair.alice.roam()
    pair.network.run(1)
    assert pair.is_up()
    assert [one.name for one in counted(pair)] == ["mobike_bad_address"] * len(nonsense)


@pytest.mark.parametrize("exchange", [Exchange.IKE_AUTH, Exchange.INFORMATIONAL])
def test_list_of_hundreds_is_cut_and_counted(exchange: Exchange) -> None:
    many = tuple(Notify(N.ADDITIONAL_IP4_ADDRESS, bytes((198, 51, 100, one))) for one in range(1, 251))
    pair = roaming_pair()
    meddling = Meddling(pair, "alice", exchange, adding(*many), response=False)
    pair.connect()
    pair.alice.home.gain("198.51.100.199")
    pair.alice.roam()
    pair.network.run(1)
    assert meddling.seen and pair.is_up()
    assert "mobike_too_many_addresses" in [one.name for one in counted(pair)]
    pair.network.filters.clear()
    pair.bob.home.gain("203.0.113.4")
    count = len(pair.network.travelled)
    move(pair.bob, BOB)
    pair.network.run(0.35)
    assert len(pair.network.travelled) - count <= 2 * (MAX_ADDRESSES + 1) + 10


def counted(pair: Pair) -> list:  # type: ignore[type-arg]
    from cygnet.base.effects import Counted

    return pair.bob.of(Counted)


def test_replayed_update_from_elsewhere_moves_nothing() -> None:
    pair = roaming_pair()
    pair.connect()
    move(pair.alice, ALICE)
    pair.network.run(2)
    requests = [one for one in pair.network.travelled if str(one.source.address) == ALICE_2]
    for request in requests:
        pair.bob.arrive(replace(request, source=Host.of(VICTIM, 4500)))
    pair.network.run(2)
    assert are_on(pair, ALICE_2, BOB)


def test_forged_update_moves_nothing() -> None:
    pair = roaming_pair()
    pair.connect()
    move(pair.alice, ALICE)
    pair.network.run(2)
    update = next(one for one in reversed(pair.network.travelled) if str(one.source.address) == ALICE_2)
    forged = update.data[:20] + (9).to_bytes(4, "big") + update.data[24:]
    for number in range(10):
        forged = forged[:20] + number.to_bytes(4, "big") + forged[24:]
        pair.bob.arrive(Datagram(Host.of(VICTIM, 4500), update.destination, forged))
    pair.network.run(2)
    assert are_on(pair, ALICE_2, BOB)


def test_answer_from_where_nothing_was_asked_is_no_path() -> None:
    """Somebody on the way changes the source of the probe's answer."""
    pair = roaming_pair()
    pair.connect()
    spoof = Spoof(BOB)
    pair.network.filters.append(spoof)
    move(pair.alice, ALICE)
    pair.network.run(0.1)
    assert hosts(pair.alice)[1] == BOB
    spoof.on = False
    pair.network.run(5)
    assert are_on(pair, ALICE_2, BOB)
