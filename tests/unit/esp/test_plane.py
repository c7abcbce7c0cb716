"""The data plane: which packet goes where."""

from dataclasses import replace
from ipaddress import ip_address

import pytest

from cygnet.base.addresses import Host
from cygnet.base.selectors import TrafficSelector
from cygnet.crypto.ciphers import sealer
from cygnet.crypto.transforms import Transform
from cygnet.esp.acquires import ACQUIRE_S, MAX_HELD
from cygnet.esp.associations import InboundSa, OutboundSa
from cygnet.esp.outgoing import MAX_FLOWS
from cygnet.esp.plane import Datagrams, DataPlane
from cygnet.esp.records import (
    AcquireWanted,
    Action,
    Carriage,
    Drop,
    Expired,
    Limits,
    Moved,
    Policy,
    SaParameters,
)
from cygnet.esp.superpackets import split
from espkit import ALL, SPI, burst, inner, joined, planes, super_packet, wire

NEAR, FAR = TrafficSelector.of("10.1.0.0/16"), TrafficSelector.of("10.2.0.0/16")
PEER = ("192.0.2.1", 4500)
BASE = SaParameters(
    0xC0000001, ip_address("192.0.2.1"), ip_address("192.0.2.2"), reqid=1, encapsulation=(4500, 4500),
    replay_window=64, local_ts=(NEAR,), remote_ts=(FAR,),
)
PROTECT = Policy(True, NEAR, FAR, Action.PROTECT, 1)
TRAP = replace(PROTECT, trap=True, owner="charon")


def udp(source: str = "10.1.0.1", destination: str = "10.2.0.1", port: int = 53, size: int = 60,
        tos: int = 0, flags: int = 0) -> bytes:
    head = bytes((0x45, tos)) + size.to_bytes(2, "big") + bytes((0, 0, flags, 0, 64, 17, 0, 0))
    ends = ip_address(source).packed + ip_address(destination).packed
    return head + ends + bytes((4, 0)) + port.to_bytes(2, "big") + bytes(size - 24)


def own_sealer():
    return sealer(Transform(1, 20, 128), None, bytes(20))


def outbound(**changes: object) -> OutboundSa:
    return OutboundSa(replace(BASE, **changes), own_sealer(), bytes)


def sender(*policies: Policy, sas: tuple[OutboundSa, ...] = ()) -> DataPlane:
    plane = DataPlane(bytes)
    for sa in sas:
        plane.add_outbound(sa)
    for policy in policies:
        plane.add_policy(policy)
    return plane


def receiver(**changes: object) -> DataPlane:
    plane, selectors = DataPlane(bytes), {"local_ts": (FAR,), "remote_ts": (NEAR,)}
    plane.add_inbound(InboundSa(replace(BASE, **selectors | changes), own_sealer()))
    return plane


def arrived(data: bytes, outer: int = 0, peer: tuple[str, int] = PEER) -> Datagrams:
    return (data, len(data), outer, peer)


def carried(plane: DataPlane, packets: list[bytes], tos: int = 0) -> list[Datagrams]:
    return [arrived(data, tos) for _, _, data, _ in plane.send(packets, 0.0).datagrams]


def test_packets_cross_in_order():
    packets = [udp(port=port) for port in range(50)]
    got = receiver().receive(carried(sender(PROTECT, sas=(outbound(),)), packets), 0.0)
    assert got.packets == packets


def test_packets_that_come_before_their_sa_are_opened_once_it_is_there():
    plane = DataPlane(bytes)
    plane.early.expect(BASE.spi)
    early = carried(sender(PROTECT, sas=(outbound(),)), [udp(port=1), udp(port=2)])
    assert not plane.receive(early, 0.0).packets and not plane.drops
    plane.add_inbound(InboundSa(replace(BASE, local_ts=(FAR,), remote_ts=(NEAR,)), own_sealer()))
    assert plane.open_early(1.0).packets == [udp(port=1), udp(port=2)]
    assert not plane.open_early(1.0).packets
    assert not plane.receive(early, 1.0).packets
    assert plane.drops == {Drop.REPLAY: 2}


def test_packets_for_an_spi_that_nobody_has_are_dropped():
    plane = DataPlane(bytes)
    assert not plane.receive(carried(sender(PROTECT, sas=(outbound(),)), [udp()]), 0.0).packets
    assert plane.drops == {Drop.UNKNOWN_SPI: 1}


def test_tos_goes_to_the_outer_header_and_congestion_comes_back():
    plane = sender(PROTECT, sas=(outbound(),))
    [(_, tos, data, _)] = plane.send([udp(tos=0xBA)], 0.0).datagrams
    assert tos == 0xBA
    [inner] = receiver().receive([arrived(data, 0xBB)], 0.0).packets
    assert inner[1] == 0xBB


def test_congestion_on_a_packet_that_cannot_carry_it_drops_it():
    plane = receiver()
    assert not plane.receive(carried(sender(PROTECT, sas=(outbound(),)), [udp()], tos=3), 0.0).packets
    assert plane.drops == {Drop.ECN: 1}


def test_unmatched_packets_pass_in_clear_but_groups_do_not():
    plane = sender(PROTECT, sas=(outbound(),))
    sent = plane.send([udp(source="10.9.0.1"), udp(destination="224.0.0.251")], 0.0)
    assert sent.passed == [udp(source="10.9.0.1")]
    assert plane.drops == {Drop.NO_POLICY: 1}


def test_shunts_pass_and_drop():
    passing = replace(PROTECT, action=Action.PASS, destination=TrafficSelector.of("10.2.1.0/24"))
    dropping = replace(PROTECT, action=Action.DROP, destination=TrafficSelector.of("10.3.0.0/16"))
    plane = sender(PROTECT, passing, dropping, sas=(outbound(),))
    packets = [udp(destination=f"10.{net}.1.1") for net in (2, 3)]
    sent = plane.send(packets, 0.0)
    assert (sent.passed, sent.datagrams) == (packets[:1], [])
    assert plane.drops == {Drop.POLICY: 1}


def test_policy_without_sa_never_lets_a_wider_one_have_the_packet():
    wide = replace(PROTECT, destination=TrafficSelector.of("10.0.0.0/8"), reqid=2)
    other = outbound(reqid=2, spi=0xC0000002, remote_ts=(TrafficSelector.of("10.0.0.0/8"),))
    plane = sender(PROTECT, wide, sas=(other,))
    assert not plane.send([udp()], 0.0).datagrams
    assert plane.drops == {Drop.NO_SA: 1}


def test_newest_sa_carries_unless_the_policy_names_another():
    old, new = outbound(), outbound(spi=0xC0000002)
    plane = sender(PROTECT, sas=(old, new))
    assert plane.send([udp()], 0.0).datagrams[0][0] is new
    plane.add_policy(replace(PROTECT, next_spi=0xC0000001))
    assert plane.send([udp()], 0.0).datagrams[0][0] is old
    plane.remove(old)
    assert plane.send([udp()], 0.0).datagrams[0][0] is new


def test_trap_asks_once_and_sends_what_it_held():
    plane = sender(TRAP)
    packets = [udp(port=port) for port in range(3)]
    first = plane.send(packets, 0.0)
    [wanted] = first.events
    assert isinstance(wanted, AcquireWanted)
    assert (wanted.policy, str(wanted.flow)) == (TRAP, "10.1.0.1/32[udp/1024] === 10.2.0.1/32[udp/0]")
    assert not plane.send(packets[:1], ACQUIRE_S - 1).events
    plane.add_outbound(outbound())
    assert len(plane.release(1.0).datagrams) == 4
    assert not plane.release(1.0).datagrams


def test_trap_asks_again_when_nothing_came_of_it():
    plane = sender(TRAP)
    plane.send([udp()], 0.0)
    assert len(plane.send([udp()], ACQUIRE_S).events) == 1


def test_trap_asks_again_for_a_new_daemon():
    plane = sender(TRAP)
    plane.send([udp()], 0.0)
    plane.forget_acquires("charon")
    assert len(plane.send([udp()], 1.0).events) == 1


def test_trap_holds_a_limited_number():
    plane = sender(TRAP)
    plane.send([udp()] * (MAX_HELD + 5), 0.0)
    assert plane.drops == {Drop.HELD: 5}


def test_child_policy_without_sa_falls_back_to_its_trap():
    plane = sender(PROTECT, TRAP)
    assert len(plane.send([udp()], 0.0).events) == 1


def test_sa_that_was_narrowed_does_not_take_what_it_must_not():
    plane = sender(TRAP, sas=(outbound(remote_ts=(TrafficSelector.of("10.2.9.0/24"),)),))
    sent = plane.send([udp(), udp(destination="10.2.9.1")], 0.0)
    assert (len(sent.datagrams), len(sent.events)) == (1, 1)


def test_too_big_packet_is_answered_not_sent():
    sa = outbound()
    sa.learn_path_mtu(1300)
    sent = sender(PROTECT, sas=(sa,)).send([udp(size=1400, flags=0x40), udp(size=1400)], 0.0)
    assert len(sent.datagrams) == 1
    [reply] = sent.replies
    assert int.from_bytes(reply[26:28], "big") == sa.inner_mtu


def test_inner_packet_outside_the_selectors_is_dropped():
    wide = (TrafficSelector.of("0.0.0.0/0"),)
    forger = sender(replace(PROTECT, source=wide[0]), sas=(outbound(local_ts=wide),))
    plane = receiver()
    assert not plane.receive(carried(forger, [udp(source="10.2.0.9")]), 0.0).packets
    assert plane.drops == {Drop.SELECTORS: 1}
    assert next(iter(plane.inbound())).meter.packets == 0


def test_sa_without_selectors_is_checked_against_the_policy():
    plane = DataPlane(bytes)
    plane.add_inbound(InboundSa(replace(BASE, local_ts=(), remote_ts=()), own_sealer()))
    packets = carried(sender(PROTECT, sas=(outbound(),)), [udp(), udp(port=54)])
    assert not plane.receive(packets[:1], 0.0).packets
    plane.add_policy(Policy(False, NEAR, FAR, Action.PROTECT, 1))
    assert len(plane.receive(packets[1:], 0.0).packets) == 1


@pytest.mark.parametrize(("data", "reason"), [
    (b"\xff", Drop.KEEPALIVE), (bytes(32), Drop.IKE), (b"", Drop.MALFORMED), (b"\1\2\3\4\5", Drop.MALFORMED),
    (b"\1" * 40, Drop.UNKNOWN_SPI), (BASE.spi.to_bytes(4, "big") + bytes(8), Drop.MALFORMED),
])
def test_what_is_no_packet_of_ours_is_counted(data, reason):
    plane = receiver()
    assert not plane.receive([arrived(data)], 0.0).packets
    assert plane.drops == {reason: 1}


def test_new_address_is_told_once_and_only_by_new_authentic_packets():
    plane = receiver()
    packets = carried(sender(PROTECT, sas=(outbound(),)), [udp()] * 4)
    datas = [data for data, _, _, _ in packets]
    plane.receive([arrived(datas[2])], 0.0)
    elsewhere = ("198.51.100.7", 1024)
    assert not plane.receive([arrived(datas[1], 0, elsewhere), arrived(datas[1], 0, elsewhere)], 0.0).events
    [moved] = plane.receive([arrived(datas[3], 0, elsewhere)], 0.0).events
    assert isinstance(moved, Moved)
    assert moved.remote == Host.of(*elsewhere)


def test_hard_limit_takes_the_sa_away():
    plane = sender(PROTECT, sas=(outbound(limits=Limits(soft_packets=1, hard_packets=2)),))
    sent = plane.send([udp()] * 3, 0.0)
    assert [(event.inbound, event.hard) for event in sent.events if isinstance(event, Expired)] == [
        (False, False), (False, True)]
    assert len(sent.datagrams) == 2
    assert plane.drops == {Drop.NO_SA: 1}
    assert not list(plane.outbound())


def test_inbound_hard_limit_takes_the_sa_away():
    plane = receiver(limits=Limits(hard_octets=100))
    got = plane.receive(carried(sender(PROTECT, sas=(outbound(),)), [udp()] * 3), 0.0)
    assert [event.hard for event in got.events if isinstance(event, Expired)] == [True]
    assert len(got.packets) == 2
    assert plane.drops == {Drop.UNKNOWN_SPI: 1}


def test_moved_sa_is_found_under_its_new_addresses():
    sa = outbound()
    plane = sender(PROTECT, sas=(sa,))
    moved = replace(BASE, destination=ip_address("198.51.100.7"))
    plane.move(sa, moved)
    assert plane.find((moved.source, moved.destination, moved.spi)) is sa
    assert plane.find((BASE.source, BASE.destination, BASE.spi)) is None
    assert plane.send([udp()], 0.0).datagrams[0][0].parameters is moved


def test_flow_cache_is_limited_and_forgets_with_the_policy():
    plane = sender(PROTECT, sas=(outbound(),))
    for at in range(0, MAX_FLOWS + 100, 100):
        plane.send([udp(source=f"10.1.{n >> 8}.{n & 255}") for n in range(at, at + 100)], 0.0)
    plane.remove_policy(PROTECT)
    assert plane.send([udp()], 0.0).passed == [udp()]


def test_what_is_no_ip_packet_is_dropped():
    plane = sender()
    plane.send([b"", b"\x10" * 30], 0.0)
    assert plane.drops == {Drop.MALFORMED: 2}


def test_removing_twice_is_no_error():
    sa, other = outbound(), outbound(spi=0xC0000002)
    plane = sender(sas=(sa, other))
    for _ in range(2):
        plane.remove(sa)
    assert list(plane.outbound()) == [other]
    inbound = InboundSa(BASE, own_sealer())
    plane.add_inbound(inbound)
    assert plane.inbound_spi_taken(BASE.spi)
    for _ in range(2):
        plane.remove(inbound)
    assert not plane.inbound_spi_taken(BASE.spi)


HERE, THERE = TrafficSelector.of("192.0.2.1"), TrafficSelector.of("192.0.2.2")
HOSTS = replace(PROTECT, source=HERE, destination=THERE, whole=True)
HEADLESS = {"carriage": Carriage.TRANSPORT, "local_ts": (HERE,), "remote_ts": (THERE,)}


def between_hosts(**changes: object) -> bytes:
    return udp("192.0.2.1", "192.0.2.2", **changes)


def in_fragments(packet: bytes, at: int = 48) -> list[bytes]:
    """Two fragments: a host's own device was narrower than the packet."""
    first = packet[:2] + (20 + at).to_bytes(2, "big") + packet[4:6] + b"\x20\0" + packet[8 : 20 + at]
    rest = packet[20 + at :]
    second = packet[:2] + (20 + len(rest)).to_bytes(2, "big") + packet[4:6] + bytes((0, at // 8))
    return [first, second + packet[8:20] + rest]


def test_transport_mode_carries_what_goes_between_its_hosts():
    plane = sender(HOSTS, sas=(outbound(**HEADLESS),))
    sent = plane.send([between_hosts(tos=0xB8)], 0.0)
    [(_, outer, data, _)] = sent.datagrams
    assert outer == 64 << 8 | 0xB8
    turned = dict(HEADLESS, local_ts=(THERE,), remote_ts=(HERE,))
    [packet] = receiver(**turned).receive([arrived(data, 63 << 8 | 0xB8)], 0.0).packets
    assert (packet[1], packet[8]) == (0xB8, 63)
    assert packet[12:] == between_hosts()[12:]


def test_transport_mode_makes_fragments_whole_and_sends_them_however_large():
    sa = outbound(**HEADLESS)
    plane = sender(HOSTS, sas=(sa,))
    pieces = in_fragments(between_hosts(size=4000), 1400)
    assert not plane.send(pieces[:1], 0.0).datagrams
    [(_, _, data, _)] = plane.send(pieces[1:], 0.0).datagrams
    assert len(data) > 3980


def test_fragments_follow_their_ports_and_never_leak_past_a_policy_that_looks_at_them():
    """RFC 4301, 7: a fragment without ports matches no policy with ports, and would pass in clear."""
    only_53 = TrafficSelector.of("10.2.0.0/16", 17, (53, 53))
    plane = sender(replace(PROTECT, destination=only_53), sas=(outbound(remote_ts=(only_53,)),))
    sent = plane.send(in_fragments(udp(size=100)), 0.0)
    assert (len(sent.datagrams), sent.passed) == (1, [])
    other = in_fragments(udp(port=54, size=100))
    sent = plane.send(other, 0.0)
    assert (sent.datagrams, sent.passed) == ([], other)


def test_fragments_that_do_not_fit_together_are_dropped_and_counted():
    plane = sender(HOSTS, sas=(outbound(**HEADLESS),))
    first, _ = in_fragments(between_hosts(size=100))
    assert not plane.send([first, first], 0.0).datagrams
    assert plane.drops == {Drop.FRAGMENT: 2}


def test_fragments_of_nonsense_are_dropped():
    """Whole, its extension headers are more than anything has; in the first fragment they are not seen."""
    hosts = (TrafficSelector.of("2001:db8::1"), TrafficSelector.of("2001:db8::2"))
    plane = sender(replace(HOSTS, source=hosts[0], destination=hosts[1]))
    ends = hosts[0].start.packed + hosts[1].start.packed
    for at, more in ((0, 1), (40, 1), (80, 0)):
        extra = bytes((60, 0)) + (at | more).to_bytes(2, "big") + bytes(4)
        plane.send([bytes((0x60, 0, 0, 0, 0, 48, 44, 64)) + ends + extra + bytes(40)], 0.0)
    assert plane.drops == {Drop.MALFORMED: 1}


def test_fragments_that_met_a_trap_are_sent_whole_once_the_sa_is_there():
    plane = sender(replace(HOSTS, trap=True))
    sent = plane.send(in_fragments(between_hosts(size=100)), 0.0)
    [wanted] = sent.events
    assert str(wanted.flow) == "192.0.2.1/32[udp/1024] === 192.0.2.2/32[udp/domain]"
    plane.add_outbound(outbound(**HEADLESS))
    assert len(plane.release(1.0).datagrams) == 1


def test_what_transport_mode_cannot_carry_is_dropped_not_sent_in_clear():
    plane = sender(HOSTS, sas=(outbound(**HEADLESS),))
    plain = between_hosts()
    with_options = bytes((0x46,)) + plain[1:2] + (64).to_bytes(2, "big") + plain[4:20] + bytes(4) + plain[20:]
    sent = plane.send([with_options], 0.0)
    assert (sent.datagrams, sent.passed) == ([], [])
    assert plane.drops == {Drop.OPTIONS: 1}


def test_trap_without_a_peer_asks_for_each_destination():
    plane = sender(replace(TRAP, outer_destination=None), )
    sent = plane.send([udp(destination=f"10.2.0.{n}") for n in (1, 2, 1)], 0.0)
    assert [str(event.flow.destination) for event in sent.events] == ["10.2.0.1", "10.2.0.2"]
    known = replace(TRAP, outer_destination=ip_address("192.0.2.2"))
    sent = sender(known).send([udp(destination=f"10.2.0.{n}") for n in (1, 2)], 0.0)
    assert len(sent.events) == 1


def test_sa_narrower_than_its_trap_lets_other_flows_ask_again():
    plane = sender(replace(TRAP, outer_destination=ip_address("192.0.2.2")))
    plane.send([udp(port=53), udp(port=54)], 0.0)
    plane.add_outbound(outbound(remote_ts=(TrafficSelector.of("10.2.0.1", 17, (53, 53)),)))
    sent = plane.release(1.0)
    assert len(sent.datagrams) == 1
    [wanted] = sent.events
    assert str(wanted.flow).endswith("10.2.0.1/32[udp/54]")


def test_trap_stays_when_its_sa_has_gone():
    sa = outbound()
    plane = sender(TRAP, sas=(sa,))
    assert plane.send([udp()], 0.0).datagrams
    plane.remove(sa)
    sent = plane.send([udp()], 1.0)
    assert (sent.passed, len(sent.events)) == ([], 1)


def test_marked_packets_meet_policies_of_their_mark_and_those_without():
    one, other = replace(PROTECT, mark=(1, 0xF)), replace(PROTECT, reqid=2, mark=(2, 0xF))
    plain = replace(PROTECT, destination=TrafficSelector.of("10.0.0.0/8"), reqid=3)
    sas = tuple(outbound(spi=0xC0000000 + n, reqid=n, remote_ts=()) for n in (1, 2, 3))
    plane = sender(one, other, plain, sas=sas)
    for mark, reqid in ((1, 0xF), 1), ((2, 0xF), 2), ((3, 0xF), 3), (None, 3):
        [(sa, _, _, _)] = plane.send([udp()], 0.0, mark).datagrams
        assert sa.parameters.reqid == reqid


def test_held_packets_keep_their_mark():
    trap = replace(TRAP, mark=(1, 0xF), outer_destination=ip_address("192.0.2.2"))
    plane = sender(trap)
    plane.send([udp()], 0.0, (1, 0xF))
    assert plane.send([udp()], 0.0).passed
    plane.add_outbound(outbound())
    assert len(plane.release(1.0).datagrams) == 1


# -- super-packets; the property tests compare with packets one by one -------------------------------------


def test_super_packet_is_one_burst_and_comes_out_as_one():
    near, far = planes()
    packet = super_packet(bytes(range(250)) * 80, 1000, tos=0xBA)
    [(_, tos, data, size)] = near.send_super(packet, 0.0).datagrams
    assert (tos, len(data)) == (0xBA, 20 * size)
    got = far.receive([(bytes(data), size, 0xBB, PEER)], 0.0)
    assert joined(got) == [20]
    assert [one[1] for one in inner(got)] == [0xBB] * 20


def test_super_packet_without_an_sa_is_passed_dropped_or_held_as_its_packets_are():
    packet = super_packet(bytes(3000), 1000)
    assert sender().send_super(packet, 0.0).passed == split(packet)
    dropping = sender(replace(PROTECT, action=Action.DROP))
    assert not dropping.send_super(packet, 0.0).passed and dropping.drops == {Drop.POLICY: 3}
    trap = sender(TRAP)
    assert len(trap.send_super(packet, 0.0).events) == 1
    trap.add_outbound(outbound())
    assert len(trap.release(1.0).datagrams) == 3


def test_super_packet_too_large_for_the_path_is_answered_once():
    near, _ = planes()
    [sa] = near.outbound()
    sa.learn_path_mtu(1000)
    sent = near.send_super(super_packet(bytes(20000), 1000), 0.0)
    assert (len(sent.replies), sent.datagrams, near.drops) == (1, [], {Drop.TOO_BIG: 20})
    assert sent.replies[0][20:22] == bytes((3, 4))
    assert int.from_bytes(sent.replies[0][26:28], "big") == sa.inner_mtu


def test_super_packet_that_reaches_a_lifetime_goes_one_by_one():
    near, _ = planes(limits=Limits(hard_packets=15))
    sent = near.send_super(super_packet(bytes(20000), 1000), 0.0)
    assert len(sent.datagrams) == 15 and near.drops == {Drop.NO_SA: 5}
    assert [event.hard for event in sent.events if isinstance(event, Expired)] == [True]


def test_burst_that_reaches_a_lifetime_goes_one_by_one():
    near, far = planes()
    [sa] = far.inbound()
    far.remove(sa)
    far.add_inbound(InboundSa(replace(sa.parameters, limits=Limits(hard_packets=15)), own_sealer()))
    got = far.receive([burst(wire(near.send_super(super_packet(bytes(20000), 1000), 0.0)))], 0.0)
    assert len(inner(got)) == 15 and far.drops == {Drop.UNKNOWN_SPI: 5}


def test_burst_with_packets_of_several_sas_goes_to_each():
    near, far = planes()
    first = wire(near.send_super(super_packet(bytes(12000), 1000), 0.0))
    far.add_inbound(InboundSa(replace(BASE, spi=7, local_ts=ALL, remote_ts=ALL), own_sealer()))
    [sa] = near.outbound()
    near.remove(sa)
    near.add_outbound(OutboundSa(replace(sa.parameters, spi=7), own_sealer(), bytes))
    second = wire(near.send_super(super_packet(bytes(15000), 1000), 0.0))
    other = [b"\1" * len(first[0])] * 11
    got = far.receive([burst(first + other + second + first[:1])], 0.0)
    assert joined(got) == [12, 15]
    assert far.drops == {Drop.UNKNOWN_SPI: 11, Drop.REPLAY: 1}
    assert {one.parameters.spi: one.meter.packets for one in far.inbound()} == {SPI: 12, 7: 15}


@pytest.mark.parametrize("from_, tos, reason", [
    (TrafficSelector.of("10.9.0.0/16"), 0, Drop.SELECTORS), (ALL[0], 3, Drop.ECN),
])  # fmt: skip
def test_burst_that_must_not_come_in_is_dropped_and_counted(from_, tos, reason):
    near, far = planes()[0], DataPlane(bytes)
    sa = InboundSa(replace(BASE, local_ts=ALL, remote_ts=(from_,)), own_sealer())
    far.add_inbound(sa)
    sent = near.send_super(super_packet(bytes(20000), 1000), 0.0)
    assert not far.receive([burst(wire(sent), tos)], 0.0).packets
    assert far.drops == sa.meter.drops == {reason: 20}


def test_burst_from_elsewhere_is_told_once():
    near, far = planes()
    data, size, _, _ = burst(wire(near.send_super(super_packet(bytes(20000), 1000), 0.0)))
    [moved] = far.receive([(data, size, 0, ("198.51.100.7", 1024))], 0.0).events
    assert isinstance(moved, Moved) and moved.remote == Host.of("198.51.100.7", 1024)
