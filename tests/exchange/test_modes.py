"""Transport mode and BEET (RFC 7296, 1.3.1, 2.23.1), with what the kernels are told."""

from dataclasses import replace
from ipaddress import ip_address

import pytest
from simulation.meddling import Meddling
from simulation.network import SourceNat
from simulation.pair import ALICE, BOB, Pair, selector

from cygnet.base.addresses import Host
from cygnet.base.selectors import TrafficSelector
from cygnet.charon.encoding.exchanges import Exchange
from cygnet.charon.encoding.message import AnyPayload
from cygnet.charon.encoding.notify import NotifyType
from cygnet.charon.encoding.payloads import Notify
from cygnet.charon.sa.orders import RekeyChild
from cygnet.crypto.proposals import Protocol, parse_proposals
from cygnet.kernel.port import Direction, Mode, SaSpec

DYNAMIC = (selector("dynamic"),)
OUTSIDE = "203.0.113.9"


def hosts(mode: Mode = Mode.TRANSPORT, **bob: object) -> Pair:
    """A pair whose CHILD_SA is between the two hosts; ``bob`` are other values of Bob's child."""
    pair = Pair()
    for whose in ("alice", "bob"):
        pair.change_child(whose, mode=mode, local_ts=DYNAMIC, remote_ts=DYNAMIC)
    pair.change_child("bob", **bob)
    return pair


def modes(pair: Pair) -> set[Mode]:
    """The modes of all SAs and protecting policies in both kernels."""
    kernels = (pair.alice.kernel, pair.bob.kernel)
    return {spec.mode for kernel in kernels for spec in kernel.sas.values()} | {
        policy.action for kernel in kernels for policy in kernel.policies
    }


def inbound(pair: Pair, whose: str) -> SaSpec:
    kernel = getattr(pair, whose).kernel
    return next(spec for spec in kernel.sas.values() if spec.inbound)


def test_transport_mode_is_used_where_both_want_it() -> None:
    pair = hosts()
    # I -> R  IKE_AUTH { IDi, AUTH, N(USE_TRANSPORT_MODE), SA, TSi (192.0.2.1), TSr (192.0.2.2) }
    # R -> I  IKE_AUTH { IDr, AUTH, N(USE_TRANSPORT_MODE), SA, TSi, TSr }
    pair.connect()
    assert pair.is_up()
    assert modes(pair) == {Mode.TRANSPORT}
    assert {policy.direction for policy in pair.bob.kernel.policies} == {Direction.IN, Direction.OUT}
    assert inbound(pair, "bob").original is None


@pytest.mark.parametrize("whose", ["alice", "bob"])
@pytest.mark.parametrize("mode", [Mode.TRANSPORT, Mode.BEET])
def test_rekeying_keeps_the_mode(mode: Mode, whose: str) -> None:
    pair = hosts(mode)
    pair.connect()
    peer = getattr(pair, whose)
    # whose -> other  CREATE_CHILD_SA { N(REKEY_SA), N(USE_TRANSPORT_MODE), SA, Ni, TSi, TSr }
    peer.order(peer.sa, RekeyChild(name="net-net"))
    pair.network.run()
    assert pair.is_up()
    assert modes(pair) == {mode}


def test_responder_that_wants_a_tunnel_gets_one() -> None:
    pair = hosts(mode=Mode.TRANSPORT)
    pair.change_child("bob", mode=Mode.TUNNEL)
    # R -> I  IKE_AUTH { IDr, AUTH, SA, TSi, TSr }        without N(USE_TRANSPORT_MODE)
    pair.connect()
    assert pair.is_up()
    assert modes(pair) == {Mode.TUNNEL}
    assert pair.bob.said("transport mode requested by the peer is unacceptable, using tunnel mode")
    assert pair.alice.said("peer declined transport mode, using tunnel mode")


def test_initiator_that_wants_a_tunnel_gets_one() -> None:
    pair = hosts()
    pair.change_child("alice", mode=Mode.TUNNEL)
    pair.connect()
    assert pair.is_up()
    assert modes(pair) == {Mode.TUNNEL}


@pytest.mark.parametrize("mode", [Mode.TRANSPORT, Mode.BEET])
def test_networks_need_a_tunnel(mode: Mode) -> None:
    pair = Pair()
    for whose in ("alice", "bob"):
        pair.change_child(whose, mode=mode)
    pair.connect()
    assert pair.is_up()
    assert modes(pair) == {Mode.TUNNEL}
    name = "BEET" if mode is Mode.BEET else "transport"
    assert pair.alice.said(f"not using {name} mode, not host-to-host")


@pytest.mark.parametrize("whose", ["alice", "bob"])
def test_kernel_without_transport_mode_makes_it_a_tunnel(whose: str) -> None:
    pair = hosts()
    kernel = getattr(pair, whose).kernel
    kernel.features = replace(kernel.features, modes=frozenset({Mode.TUNNEL}))
    pair.connect()
    assert pair.is_up()
    assert modes(pair) == {Mode.TUNNEL}


def test_protocols_and_ports_narrow_transport_mode_too() -> None:
    pair = hosts(local_ts=(TrafficSelector.of("dynamic", 6, (80, 80)), TrafficSelector.of("dynamic", 17)))
    pair.connect()
    assert pair.is_up()
    assert modes(pair) == {Mode.TRANSPORT}
    (child,) = pair.children(pair.alice)
    assert list(map(str, child.remote_ts)) == ["192.0.2.2/32[tcp/http]", "192.0.2.2/32[udp]"]


@pytest.mark.parametrize("asked", [Mode.TUNNEL, Mode.BEET])
def test_answer_in_a_mode_nobody_asked_for_is_refused(asked: Mode) -> None:
    pair = hosts(asked)
    # R -> I  IKE_AUTH { IDr, AUTH, N(USE_TRANSPORT_MODE), SA, TSi, TSr }
    Meddling(pair, "bob", Exchange.IKE_AUTH, swapping_mode)
    pair.connect(5)
    assert not pair.alice.finished().ok
    assert pair.alice.said("TRANSPORT mode requested by responder is unacceptable")
    assert pair.is_up(children=0)


def swapping_mode(payloads: tuple[AnyPayload, ...]) -> tuple[AnyPayload, ...]:
    kept = [one for one in payloads if getattr(one, "type", 0) != NotifyType.USE_BEET_MODE]
    return (*kept, Notify(NotifyType.USE_TRANSPORT_MODE))


def test_beet_has_inner_addresses_of_its_own() -> None:
    pair = Pair()
    one, other = selector("10.1.0.1"), selector("fd02::1")
    six = selector("fd01::1")
    pair.change_child("alice", mode=Mode.BEET, local_ts=(six,), remote_ts=(other,))
    pair.change_child("bob", mode=Mode.BEET, local_ts=(other,), remote_ts=(one, six))
    # I -> R  IKE_AUTH { …, N(USE_BEET_MODE), SA, TSi (fd01::1), TSr (fd02::1) }
    # R -> I  IKE_AUTH { …, N(USE_BEET_MODE), SA, TSi, TSr }
    pair.connect()
    assert pair.is_up()
    assert modes(pair) == {Mode.BEET}
    assert inbound(pair, "bob").remote_ts == (six,)
    assert inbound(pair, "bob").id.source == ip_address(ALICE)


def test_beet_between_more_than_two_hosts_is_a_tunnel() -> None:
    pair = Pair()
    one, other = selector("10.1.0.0/31"), selector("10.2.0.1")
    pair.change_child("alice", mode=Mode.BEET, local_ts=(one,), remote_ts=(other,))
    pair.change_child("bob", mode=Mode.BEET, local_ts=(other,), remote_ts=(one,))
    pair.connect()
    assert pair.is_up()
    assert modes(pair) == {Mode.TUNNEL}


def behind_nat(**bob: object) -> Pair:
    """Alice is seen as 203.0.113.9."""
    pair = hosts(**bob)
    pair.network.filters.append(SourceNat(pair.alice.host, Host.of(OUTSIDE)))
    return pair


def test_transport_mode_through_a_nat_has_the_addresses_that_each_side_sees() -> None:
    pair = behind_nat()
    # I -> R  IKE_AUTH { …, N(USE_TRANSPORT_MODE), SA, TSi (192.0.2.1), TSr (192.0.2.2) }
    # R -> I  IKE_AUTH { …, N(USE_TRANSPORT_MODE), SA, TSi (203.0.113.9), TSr (192.0.2.2) }
    pair.connect()
    assert modes(pair) == {Mode.TRANSPORT}
    (ours,), (theirs,) = pair.children(pair.alice), pair.children(pair.bob)
    assert (str(ours.local_ts[0]), str(ours.remote_ts[0])) == ("192.0.2.1/32", "192.0.2.2/32")
    assert (str(theirs.local_ts[0]), str(theirs.remote_ts[0])) == ("192.0.2.2/32", f"{OUTSIDE}/32")
    assert pair.is_up()
    # what the peer's checksums cover (RFC 3948, 3.1.2)
    assert inbound(pair, "bob").original == (ip_address(ALICE), ip_address(BOB))
    assert inbound(pair, "alice").original == (ip_address(BOB), ip_address(OUTSIDE))


@pytest.mark.parametrize("whose", ["alice", "bob"])
def test_rekeying_through_a_nat_finds_the_same_addresses(whose: str) -> None:
    pair = behind_nat()
    pair.connect()
    before = {inbound(pair, one).original for one in ("alice", "bob")}
    peer = getattr(pair, whose)
    # whose -> other  CREATE_CHILD_SA { N(REKEY_SA), N(USE_TRANSPORT_MODE), SA, Ni, TSi, TSr }
    peer.order(peer.sa, RekeyChild(name="net-net", ticket=3))
    pair.network.run()
    assert peer.finished(3).ok
    assert pair.is_up()
    assert modes(pair) == {Mode.TRANSPORT}
    assert {inbound(pair, one).original for one in ("alice", "bob")} == before


def test_transport_mode_through_a_nat_keeps_protocols_and_ports() -> None:
    pair = behind_nat()
    web = TrafficSelector.of("dynamic", 6, (80, 80))
    pair.change_child("alice", remote_ts=(web,))
    pair.connect()
    (child,) = pair.children(pair.bob)
    assert list(map(str, child.local_ts)) == ["192.0.2.2/32[tcp/http]"]
    assert list(map(str, child.remote_ts)) == [f"{OUTSIDE}/32"]


def test_tunnel_is_agreed_with_the_real_addresses_where_transport_mode_is_not_allowed() -> None:
    pair = behind_nat()
    pair.change_child("bob", mode=Mode.TUNNEL, remote_ts=(selector("192.0.2.0/24"),))
    # R -> I  IKE_AUTH { …, SA, TSi (192.0.2.1), TSr (192.0.2.2) }      (RFC 7296, 2.23.1, last rule but one)
    pair.connect()
    assert pair.is_up()
    assert modes(pair) == {Mode.TUNNEL}
    (child,) = pair.children(pair.bob)
    assert str(child.remote_ts[0]) == "192.0.2.1/32"
    assert inbound(pair, "bob").original is None


def test_one_of_several_connections_is_in_the_mode_asked_for() -> None:
    pair = hosts()
    child = pair.bob_config.children[0]
    other = parse_proposals("aes256-sha512!", Protocol.ESP)
    tunnel = replace(child, name="tunnel", mode=Mode.TUNNEL, proposals=other)
    pair.change("bob", children=(tunnel, child))
    pair.connect()
    assert pair.is_up()
    assert [one.name for one in pair.children(pair.bob)] == ["net-net"]
