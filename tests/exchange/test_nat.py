"""NATs between the peers (RFC 7296, 2.23; RFC 3948)."""

from dataclasses import replace

from simulation.network import SourceNat
from simulation.pair import Pair

from cygnet.base.addresses import Host
from cygnet.charon.sa.orders import MappingChange, TerminateIke
from cygnet.kernel.port import Encapsulation


def natted() -> tuple[Pair, SourceNat]:
    pair = Pair()
    nat = SourceNat(pair.alice.host, Host.of("203.0.113.9"))
    pair.network.filters.append(nat)
    return pair, nat


def test_initiator_behind_a_nat_floats_to_4500_and_keeps_alive() -> None:
    pair, _ = natted()
    # I -> R  IKE_SA_INIT on port 500, IKE_AUTH on port 4500
    pair.connect(100)
    assert pair.alice.said("local host is behind NAT, sending keep alives")
    assert pair.bob.said("remote host is behind NAT")
    assert [sa.state.value for sa in (pair.alice.sa, pair.bob.sa)] == ["ESTABLISHED"] * 2
    assert pair.alice.sa.local.port == pair.alice.sa.remote.port == 4500
    assert pair.bob.sa.remote == Host.of("203.0.113.9", 40001)
    (child,) = pair.children(pair.bob)
    assert child.udp
    assert pair.bob.kernel.sas[child.outbound].encapsulation == Encapsulation(4500, 40001)
    assert pair.bob.keep_alives in (4, 5)
    assert pair.alice.keep_alives == 0


def test_new_mapping_is_followed_by_authenticated_messages() -> None:
    pair, nat = natted()
    pair.change("alice", dpd_delay_s=30)
    pair.connect()
    nat.forget()
    pair.network.run(40)
    assert pair.bob.sa.remote.port == 41000
    assert pair.children(pair.bob)[0].outbound in pair.bob.kernel.sas
    assert pair.bob.kernel.sas[pair.children(pair.bob)[0].outbound].encapsulation == Encapsulation(
        4500, 41000
    )


def test_new_mapping_is_followed_when_the_kernel_says_so() -> None:
    pair, _ = natted()
    pair.connect()
    inbound = pair.children(pair.bob)[0].inbound
    pair.bob.order(pair.bob.sa, MappingChange(inbound, Host.of("203.0.113.9", 5555)))
    assert pair.bob.sa.remote.port == 5555


def test_mapping_of_a_stranger_is_not_believed() -> None:
    pair = Pair()
    pair.connect()
    inbound = pair.children(pair.bob)[0].inbound
    pair.bob.order(pair.bob.sa, MappingChange(inbound, Host.of("203.0.113.9", 5555)))
    assert pair.bob.sa.remote == Host.of("192.0.2.1", 4500)


def test_responder_behind_a_nat_can_delete() -> None:
    pair, _ = natted()
    pair.connect()
    pair.bob.order(pair.bob.sa, TerminateIke())
    pair.network.run()
    assert not pair.alice.sas and not pair.bob.sas


def test_forceencaps_pretends_a_nat() -> None:
    pair = Pair()
    pair.change("alice", ike=replace(pair.alice_config.ike, force_encaps=True))
    pair.connect()
    assert pair.is_up()
    assert pair.bob.said("remote host is behind NAT")
    assert all(child.udp for peer in (pair.alice, pair.bob) for child in pair.children(peer))
    assert pair.alice.sa.local.port == pair.bob.sa.remote.port == 4500


def test_responders_forceencaps_pretends_a_nat_too() -> None:
    pair = Pair()
    pair.change("bob", ike=replace(pair.bob_config.ike, force_encaps=True))
    pair.connect()
    assert pair.is_up()
    assert all(child.udp for peer in (pair.alice, pair.bob) for child in pair.children(peer))


def test_replayed_message_from_elsewhere_moves_nothing() -> None:
    pair = Pair()
    pair.connect()
    source = pair.alice.host.with_port(4500)
    request = next(one for one in reversed(pair.network.travelled) if one.source == source)
    pair.bob.arrive(replace(request, source=Host.of("198.51.100.66", 500)))
    assert pair.bob.sa.remote == Host.of("192.0.2.1", 4500)
