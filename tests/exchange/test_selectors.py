"""Traffic selectors: narrowing, refusal, traps (RFC 7296, 2.9)."""

from simulation.pair import BOB, Pair, selector

from cygnet.base.addresses import Host
from cygnet.base.selectors import TrafficSelector
from cygnet.charon.sa.ike_sa import IkeSa
from cygnet.charon.sa.orders import Acquire


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
    assert pair.alice.said("the peer accepts nothing of the traffic selectors 10.1.0.0/16 === 10.2.0.0/16")
    assert pair.alice.said("received TS_UNACCEPTABLE notify, no CHILD_SA built")
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
