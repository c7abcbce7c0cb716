"""What a CHILD_SA is bound to in the kernel: interfaces, marks of VTIs, interface ids, offload."""

from simulation.network import SourceNat
from simulation.pair import Pair

from cygnet.base.addresses import Host
from cygnet.charon.sa.orders import MappingChange, RekeyChild, TerminateIke
from cygnet.kernel.port import Direction, Interface, InterfaceKind, InterfaceSpec, Mark, Offload
from cygnet.keying.config.records import Binding

OWN = Binding(InterfaceKind.AUTO, "office")


def bound(binding: Binding = OWN) -> Pair:
    pair = Pair()
    pair.change_child("alice", binding=binding)
    return pair


def test_child_has_an_interface_until_it_is_gone() -> None:
    pair = bound()
    pair.connect()
    assert pair.is_up()
    kernel = pair.alice.kernel
    assert dict(kernel.interfaces) == {Interface("net-net", "office", if_id=1): 1}
    assert {spec.if_id for spec in (*kernel.sas.values(), *kernel.policies)} == {1}
    assert pair.bob.kernel.interfaces == {}
    pair.alice.order(pair.alice.sa, TerminateIke())
    pair.network.run(5)
    assert pair.is_clean()


def test_rekeyed_child_keeps_the_interface_of_the_old_one() -> None:
    pair = bound()
    pair.connect()
    pair.alice.order(pair.alice.sa, RekeyChild(name="net-net"))
    # I -> R  CREATE_CHILD_SA { N(REKEY_SA), SA, Ni, TSi, TSr }
    pair.network.run(30)
    assert pair.is_up()
    assert dict(pair.alice.kernel.interfaces) == {Interface("net-net", "office", if_id=1): 1}


def test_refused_interface_fails_the_child_and_leaves_nothing() -> None:
    pair = bound()
    pair.alice.kernel.fail_next("open_interface", "the kernel has no XFRM interfaces")
    pair.connect()
    kernel = pair.alice.kernel
    assert not (kernel.sas or kernel.policies or kernel.reservations or kernel.interfaces)


def test_refused_sa_gives_the_interface_back() -> None:
    pair = bound()
    pair.alice.kernel.fail_next("add_sa", "the kernel lacks gcm")
    pair.connect()
    kernel = pair.alice.kernel
    assert not (kernel.sas or kernel.policies or kernel.reservations or kernel.interfaces)


def test_vti_marks_both_directions_and_follows_the_peer() -> None:
    pair, asked = Pair(), []
    pair.change_child("bob", binding=OWN)
    nat = SourceNat(pair.alice.host, Host.of("203.0.113.9"))
    pair.network.filters.append(nat)
    kernel = pair.bob.kernel

    def open_vti(spec: InterfaceSpec) -> Interface:
        asked.append(str(spec.remote))
        interface = Interface(spec.connection, "vti1", mark=Mark(7))
        kernel.interfaces[interface] += 1
        return interface

    kernel.open_interface = open_vti  # type: ignore[method-assign]
    pair.connect()
    assert {spec.mark for spec in kernel.policies} == {Mark(7)}
    assert {spec.mark for spec in kernel.sas.values() if not spec.inbound} == {Mark(7)}
    inbound = pair.children(pair.bob)[0].inbound
    pair.bob.order(pair.bob.sa, MappingChange(inbound, Host.of("203.0.113.77", 5555)))
    assert asked == ["203.0.113.9", "203.0.113.77"]
    assert list(kernel.interfaces.values()) == [1]


def test_interface_ids_output_marks_and_offload_are_those_of_the_directions() -> None:
    pair = bound(
        Binding(if_id_in=1, if_id_out=2, set_mark_in=Mark(3), set_mark_out=Mark(4), offload=Offload.AUTO)
    )
    pair.connect()
    kernel = pair.alice.kernel
    assert {(sa.inbound, sa.if_id, sa.output_mark, sa.offload) for sa in kernel.sas.values()} == {
        (True, 1, Mark(3), Offload.AUTO),
        (False, 2, Mark(4), Offload.AUTO),
    }
    assert {(policy.direction, policy.if_id) for policy in kernel.policies} == {
        (Direction.OUT, 2),
        (Direction.IN, 1),
        (Direction.FORWARD, 1),
    }
