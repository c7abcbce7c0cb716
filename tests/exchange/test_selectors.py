"""Traffic selectors: narrowing, refusal, traps (RFC 7296, 2.9)."""

from dataclasses import replace

import pytest
from simulation.meddling import Meddling, adding, instead
from simulation.pair import BOB, Pair, selector

from cygnet.base.addresses import Host
from cygnet.base.selectors import TrafficSelector
from cygnet.charon.encoding.exchanges import Exchange
from cygnet.charon.encoding.message import AnyPayload
from cygnet.charon.encoding.notify import NotifyType
from cygnet.charon.encoding.payloads import (
    Notify,
    SecurityAssociation,
    TrafficSelectorsInitiator,
    TrafficSelectorsResponder,
)
from cygnet.charon.sa.ike_sa import IkeSa
from cygnet.charon.sa.orders import Acquire, RekeyChild


def selectors(pair: Pair) -> tuple[str, str]:
    (child,) = pair.children(pair.alice)
    return " ".join(map(str, child.local_ts)), " ".join(map(str, child.remote_ts))


def test_responder_narrows() -> None:
    pair = Pair()
    pair.change_child("bob", local_ts=(selector("10.2.7.0/24"),))
    pair.connect()
    assert pair.is_up()
    assert selectors(pair) == ("10.1.0.0/16", "10.2.7.0/24")


def test_initiator_with_less_gets_less() -> None:
    pair = Pair()
    pair.change_child("alice", local_ts=(selector("10.1.1.0/24"), selector("10.1.3.0/24")))
    pair.connect()
    assert pair.is_up()
    assert selectors(pair) == ("10.1.1.0/24 10.1.3.0/24", "10.2.0.0/16")


def test_nothing_in_common_is_unacceptable() -> None:
    pair = Pair()
    pair.change_child("bob", remote_ts=(selector("10.9.0.0/16"),))
    pair.connect()
    # R -> I  IKE_AUTH { IDr, AUTH, N(TS_UNACCEPTABLE) }
    assert pair.is_up(children=0)
    assert pair.bob.said("traffic selectors 10.2.0.0/16 === 10.1.0.0/16 unacceptable")
    assert pair.bob.said("net-net: remote 10.9.0.0/16 has nothing of 10.1.0.0/16")
    refused = "the peer accepts none of 10.1.0.0/16 === 10.2.0.0/16"
    assert pair.alice.said(f"received TS_UNACCEPTABLE notify, no CHILD_SA built; {refused}")
    assert not pair.alice.finished().ok


def test_dynamic_stands_for_the_hosts() -> None:
    pair = Pair()
    for whose in ("alice", "bob"):
        pair.change_child(whose, local_ts=(selector("dynamic"),), remote_ts=(selector("dynamic"),))
    pair.connect()
    assert pair.is_up()
    assert selectors(pair) == ("192.0.2.1/32", "192.0.2.2/32")


def test_protocols_and_ports_narrow() -> None:
    pair = Pair()
    pair.change_child("bob", local_ts=(TrafficSelector.of("10.2.0.0/16", 6, (80, 80)),))
    pair.connect()
    assert pair.is_up()
    assert selectors(pair)[1] == "10.2.0.0/16[tcp/http]"


def test_packets_selectors_come_first() -> None:
    pair = Pair()
    pair.load()
    sa = IkeSa.initiator(pair.alice.ports, 1, pair.alice_config, pair.alice.host, Host.of(BOB, 500))
    pair.alice.sas[1] = sa
    source = TrafficSelector.of("10.1.0.5", 17, (1234, 1234))
    destination = TrafficSelector.of("10.2.0.6", 17, (53, 53))
    child = pair.alice_config.children[0]
    # I -> R  IKE_AUTH { …, TSi (10.1.0.5[udp/1234], 10.1.0.0/16), TSr (10.2.0.6[udp/53], 10.2.0.0/16) }
    pair.alice.order(sa, Acquire(child, 77, source, destination, ticket=1))
    pair.network.run()
    assert pair.is_up()
    assert selectors(pair) == ("10.1.0.0/16", "10.2.0.0/16")
    assert pair.children(pair.alice)[0].reqid == 77


def test_ipv6_inside_ipv4() -> None:
    pair = Pair()
    one, other = selector("2001:db8:1::/48"), selector("2001:db8:2::/48")
    pair.change_child("alice", local_ts=(one,), remote_ts=(other,))
    pair.change_child("bob", local_ts=(other,), remote_ts=(one,))
    pair.connect()
    assert pair.is_up()


def acquired(pair: Pair, source: TrafficSelector, destination: TrafficSelector) -> Pair:
    """A packet of Alice's has met a trap."""
    pair.load()
    sa = IkeSa.initiator(pair.alice.ports, 1, pair.alice_config, pair.alice.host, Host.of(BOB, 500))
    pair.alice.sas[1] = sa
    pair.alice.order(sa, Acquire(pair.alice_config.children[0], 77, source, destination, ticket=1))
    pair.network.run(5)
    return pair


PING = (0x0800, 0x0800)
PACKET = (TrafficSelector.of("10.1.0.5", 1, PING), TrafficSelector.of("10.2.0.6", 1, PING))


class Recorded:
    """The selectors that Alice proposed last; to be used as a change that changes nothing."""

    initiator: tuple[TrafficSelector, ...] = ()
    responder: tuple[TrafficSelector, ...] = ()

    def __call__(self, payloads: tuple[AnyPayload, ...]) -> tuple[AnyPayload, ...]:
        for one in payloads:
            if isinstance(one, TrafficSelectorsInitiator):
                self.initiator = one.selectors
            if isinstance(one, TrafficSelectorsResponder):
                self.responder = one.selectors
        return payloads


def test_icmp_packet_that_met_a_trap_goes_first_with_type_and_code() -> None:
    pair, seen = Pair(), Recorded()
    Meddling(pair, "alice", Exchange.IKE_AUTH, seen, response=False)
    # I -> R  IKE_AUTH { …, TSi (10.1.0.5[icmp/8(0)], 10.1.0.0/16), TSr (10.2.0.6[icmp/8(0)], 10.2.0.0/16) }
    acquired(pair, *PACKET)
    assert pair.is_up()
    assert list(map(str, seen.initiator)) == ["10.1.0.5/32[icmp/8(0)]", "10.1.0.0/16"]
    assert list(map(str, seen.responder)) == ["10.2.0.6/32[icmp/8(0)]", "10.2.0.0/16"]


def test_packet_decides_which_of_the_responders_connections_it_is_for() -> None:
    pair = Pair()
    child = pair.bob_config.children[0]
    other = replace(child, name="other", local_ts=(selector("10.2.9.0/24"),))
    right = replace(child, name="right", local_ts=(selector("10.2.0.0/24"),))
    pair.change("bob", children=(other, right))
    # R -> I  IKE_AUTH { …, N(ADDITIONAL_TS_POSSIBLE), SA, TSi (10.1.0.0/16), TSr (10.2.0.0/24) }
    seen: list[int] = []
    Meddling(pair, "bob", Exchange.IKE_AUTH, noting(seen))
    acquired(pair, *PACKET)
    assert pair.is_up()
    assert selectors(pair)[1] == "10.2.0.0/24"
    assert [one.name for one in pair.children(pair.bob)] == ["right"]
    assert NotifyType.ADDITIONAL_TS_POSSIBLE in seen


def noting(seen: list[int]):  # type: ignore[no-untyped-def]
    def change(payloads: tuple[AnyPayload, ...]) -> tuple[AnyPayload, ...]:
        seen.extend(one.type for one in payloads if isinstance(one, Notify))
        return payloads

    return change


def test_nothing_more_is_possible_where_nothing_was_narrowed() -> None:
    pair, seen = Pair(), []
    child = pair.bob_config.children[0]
    pair.change("bob", children=(child, replace(child, name="other", local_ts=(selector("10.2.9.0/24"),))))
    Meddling(pair, "bob", Exchange.IKE_AUTH, noting(seen))
    pair.connect()
    assert pair.is_up()
    assert NotifyType.ADDITIONAL_TS_POSSIBLE not in seen


def refusing_once(payloads: tuple[AnyPayload, ...]) -> tuple[AnyPayload, ...]:
    """What a responder says that wants an SA for each pair of addresses."""
    kinds = (SecurityAssociation, TrafficSelectorsInitiator, TrafficSelectorsResponder)
    kept = [one for one in payloads if not isinstance(one, kinds)]
    return (*kept, Notify(NotifyType.SINGLE_PAIR_REQUIRED))


def test_peer_that_wants_a_single_pair_gets_the_packets() -> None:
    pair, seen = Pair(), Recorded()
    # R -> I  IKE_AUTH { IDr, AUTH, N(SINGLE_PAIR_REQUIRED) }
    Meddling(pair, "bob", Exchange.IKE_AUTH, refusing_once)
    # I -> R  CREATE_CHILD_SA { SA, Ni, TSi (10.1.0.5[icmp/8(0)], 10.1.0.5), TSr (10.2.0.6[…], 10.2.0.6) }
    Meddling(pair, "alice", Exchange.CREATE_CHILD_SA, seen, response=False)
    acquired(pair, *PACKET)
    assert list(map(str, seen.initiator)) == ["10.1.0.5/32[icmp/8(0)]", "10.1.0.5/32"]
    assert list(map(str, seen.responder)) == ["10.2.0.6/32[icmp/8(0)]", "10.2.0.6/32"]
    assert selectors(pair) == ("10.1.0.5/32", "10.2.0.6/32")
    assert pair.alice.finished().ok


def test_peer_that_wants_a_single_pair_without_a_packet_is_told_of_what_helps() -> None:
    pair = Pair()
    Meddling(pair, "bob", Exchange.IKE_AUTH, refusing_once)
    pair.connect()
    finished = pair.alice.finished()
    assert not finished.ok
    assert "SINGLE_PAIR_REQUIRED" in finished.reason and "auto=route" in finished.reason


def test_peer_that_always_wants_a_single_pair_is_asked_once_more_only() -> None:
    pair = Pair()
    Meddling(pair, "bob", Exchange.IKE_AUTH, refusing_once)
    again = Meddling(pair, "bob", Exchange.CREATE_CHILD_SA, refusing_once)
    acquired(pair, *PACKET)
    assert again.seen == 1
    assert not pair.alice.finished().ok


@pytest.mark.parametrize(
    "wrong",
    [TrafficSelectorsInitiator((selector("10.0.0.0/8"),)),
     TrafficSelectorsResponder((selector("10.3.0.0/16"),)),
     TrafficSelectorsResponder((selector("10.2.0.0/16"), selector("10.3.0.0/16")))],
)  # fmt: skip
def test_answer_wider_than_the_offer_makes_no_child(wrong: AnyPayload) -> None:
    pair = Pair()
    # R -> I  IKE_AUTH { …, SA, TSi, TSr }        with selectors that nobody offered
    Meddling(pair, "bob", Exchange.IKE_AUTH, instead(wrong))
    pair.connect(5)
    assert pair.alice.said("the peer chose traffic selectors that were not offered")
    assert pair.is_up(children=0)


def ranged(text: str, protocol: int = 0, ports: tuple[int, int] = (0, 65535)) -> TrafficSelector:
    return TrafficSelector.of(text, protocol, ports)


@pytest.mark.parametrize(
    ("alice", "bob", "expected"),
    [
        (ranged("10.2.0.5-10.2.0.77"), ranged("10.2.0.9-10.2.1.1"), "10.2.0.9..10.2.0.77"),
        (ranged("10.2.0.0/16", 6, (1024, 65535)), ranged("10.2.0.0/16", 0, (80, 2000)),
         "10.2.0.0/16[tcp/1024-2000]"),
        (ranged("10.2.0.0/16", 1, (0x0800, 0x08FF)), ranged("10.2.0.0/16", 1), "10.2.0.0/16[icmp/8]"),
        (ranged("10.2.0.0/16", 1, (0x0300, 0x05FF)), ranged("10.2.0.0/16", 1, (0x0401, 0x0801)),
         "10.2.0.0/16[icmp/4(1)-5(255)]"),
        (ranged("10.2.0.0/16", 17, (65535, 0)), ranged("10.2.0.0/16"), "10.2.0.0/16[udp/OPAQUE]"),
    ],
)  # fmt: skip
def test_ranges_of_all_kinds_narrow(alice: TrafficSelector, bob: TrafficSelector, expected: str) -> None:
    pair = Pair()
    pair.change_child("alice", remote_ts=(alice,))
    pair.change_child("bob", local_ts=(bob,))
    pair.connect()
    assert pair.is_up()
    assert selectors(pair)[1] == expected


@pytest.mark.parametrize(
    ("alice", "bob"),
    [(ranged("10.2.0.0/16", 17, (65535, 0)), ranged("10.2.0.0/16", 17, (53, 53))),
     (ranged("10.2.0.0/16", 6), ranged("10.2.0.0/16", 17)), (ranged("10.2.0.0/16"), ranged("fd00::/8"))],
)  # fmt: skip
def test_what_only_looks_alike_is_unacceptable(alice: TrafficSelector, bob: TrafficSelector) -> None:
    pair = Pair()
    pair.change_child("alice", remote_ts=(alice,))
    pair.change_child("bob", local_ts=(bob,))
    pair.connect()
    assert pair.is_up(children=0)
    assert pair.bob.said(f"net-net: local {bob} has nothing of {alice}")
    assert pair.alice.said(f"=== {alice}")


def test_several_networks_each_way_and_of_both_families() -> None:
    pair = Pair()
    ours = (selector("10.1.0.0/16"), selector("10.3.0.0/16"), selector("fd01::/64"))
    theirs = (selector("10.2.0.0/16"), selector("fd02::/64"))
    pair.change_child("alice", local_ts=ours, remote_ts=theirs)
    pair.change_child("bob", local_ts=theirs, remote_ts=(*ours, selector("10.4.0.0/16")))
    pair.connect()
    assert pair.is_up()
    policies = [one for one in pair.alice.kernel.policies if one.direction == "out"]
    out = {str(one.source): str(one.destination) for one in policies}
    assert out == {"10.1.0.0/16": "10.2.0.0/16", "10.3.0.0/16": "10.2.0.0/16", "fd01::/64": "fd02::/64"}


def test_255_selectors_travel_and_a_packet_finds_no_room_beside_them() -> None:
    pair, seen = Pair(), Recorded()
    many = tuple(selector(f"10.2.{n}.0/24") for n in range(255))
    pair.change_child("alice", remote_ts=many)
    pair.change("alice", ike=replace(pair.alice_config.ike, fragmentation=False))
    Meddling(pair, "alice", Exchange.IKE_AUTH, seen, response=False)
    acquired(pair, *PACKET)
    assert pair.is_up()
    assert seen.responder == many
    assert len(seen.initiator) == 2
    assert len(pair.children(pair.bob)[0].local_ts) == 255


def test_responder_answers_with_no_more_than_255_selectors() -> None:
    pair = Pair()
    pair.change_child("bob", local_ts=tuple(selector(f"10.2.{n}.0/25") for n in range(200)))
    pair.change_child("alice", remote_ts=(ranged("10.2.0.0/16", 6), ranged("10.2.0.0/16", 17)))
    pair.connect()
    assert pair.is_up()
    assert len(pair.children(pair.alice)[0].remote_ts) == 255


@pytest.mark.parametrize("whose", ["alice", "bob"])
def test_rekeying_proposes_what_is_in_use_without_the_packet(whose: str) -> None:
    """RFC 7296, 2.9.2: not narrower, and without the selectors of a packet."""
    pair, seen = Pair(), Recorded()
    pair.change_child("bob", local_ts=(selector("10.2.0.0/24"),))
    acquired(pair, *PACKET)
    Meddling(pair, whose, Exchange.CREATE_CHILD_SA, seen, response=False)
    peer = getattr(pair, whose)
    # whose -> other  CREATE_CHILD_SA { N(REKEY_SA), SA, Ni, TSi, TSr }
    peer.order(peer.sa, RekeyChild(name="net-net"))
    pair.network.run()
    assert pair.is_up()
    proposed = [seen.initiator, seen.responder] if whose == "alice" else [seen.responder, seen.initiator]
    assert [" ".join(map(str, one)) for one in proposed] == ["10.1.0.0/16", "10.2.0.0/24"]
    assert selectors(pair) == ("10.1.0.0/16", "10.2.0.0/24")


def test_responder_never_narrows_a_rekeying_below_what_is_in_use() -> None:
    """Even where ``%dynamic`` stands for another host by now."""
    pair = Pair()
    for whose in ("alice", "bob"):
        pair.change_child(whose, local_ts=(selector("dynamic"),), remote_ts=(selector("dynamic"),))
    pair.connect()
    moved = Host.of("192.0.2.77", 500)
    pair.bob.sa._sa.remote = moved
    pair.network.stations[moved.address] = pair.alice
    pair.alice.sa._sa.local = moved
    pair.alice.order(pair.alice.sa, RekeyChild(name="net-net", ticket=5))
    pair.network.run()
    assert pair.alice.finished(5).ok
    assert selectors(pair) == ("192.0.2.1/32", "192.0.2.2/32")


@pytest.mark.parametrize("whose", ["alice", "bob"])
def test_narrower_rekeying_is_told_of_and_lived_with(whose: str) -> None:
    pair = Pair()
    pair.connect()
    kind = TrafficSelectorsResponder((selector("10.2.5.0/24"),))
    # one of both leaves the greater part out of TSr
    Meddling(pair, whose, Exchange.CREATE_CHILD_SA, instead(kind), response=whose == "bob")
    pair.alice.order(pair.alice.sa, RekeyChild(name="net-net"))
    pair.network.run()
    other = pair.bob if whose == "alice" else pair.alice
    assert other.said("to narrower traffic selectors than 10.")
    assert len(pair.children(pair.alice)) == len(pair.children(pair.bob)) == 1


def test_peer_may_say_that_more_is_possible() -> None:
    pair = Pair()
    Meddling(pair, "bob", Exchange.IKE_AUTH, adding(Notify(NotifyType.ADDITIONAL_TS_POSSIBLE)))
    pair.connect()
    assert pair.is_up()
