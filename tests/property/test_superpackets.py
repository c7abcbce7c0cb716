"""Rows against packets one by one: cut, sealed, opened and joined, the same octets come out."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cygnet.esp.cut import cut
from cygnet.esp.grid import MAX_ROWS, Grid
from cygnet.esp.records import Drop
from cygnet.esp.superpackets import SuperPacket, split
from espkit import ALGORITHMS, TCP, UDP, alone, burst, canonical, inner, ip_header, planes, super_packet, wire

ANY_FLAGS = st.integers(0, 255)


@st.composite
def supers(draw, least=1, most=MAX_ROWS, flags=ANY_FLAGS):
    version, tcp = draw(st.sampled_from((4, 6))), draw(st.booleans())
    head = ip_header(version, TCP if tcp else UDP, draw(st.integers(0, 0xFFFF)), draw(st.integers(0, 255)))
    if tcp:
        sequence, options = draw(st.integers(0, 0xFFFFFFFF)), 4 * draw(st.integers(0, 10))
        transport = bytes((4, 0, 0, 80)) + sequence.to_bytes(4, "big")
        transport += draw(st.binary(min_size=4, max_size=4))
        transport += bytes((options // 4 + 5 << 4, draw(flags), 1, 0, 0, 0, 0, 0))
        transport += draw(st.binary(min_size=options, max_size=options))
    else:
        transport = bytes((4, 0, 0, 80, 0, 0, 0, 0))
    rows = draw(st.integers(least, most))
    size = draw(st.integers(1, min(1330, 60000 // rows)))
    octets = rows * size - draw(st.integers(0, size - 1))
    pattern = draw(st.binary(min_size=1, max_size=64))
    payload = (pattern * (octets // len(pattern) + 1))[:octets]
    return SuperPacket(head + transport, payload, size, len(head))


@given(supers(), st.integers(0, 20))
@settings(deadline=None, max_examples=300)
def test_cutting_gives_what_segments_one_by_one_are(packet, more):
    layout = Grid().layout(len(packet.headers) + packet.size + more)
    full = len(packet.payload) // packet.size
    if not 0 < full <= layout.count:
        return
    assert cut(packet, layout) == full
    end = len(packet.headers) + packet.size
    assert [row[:end].tobytes() for row in layout.matrix[:full]] == split(packet)[:full]


@pytest.mark.parametrize("esn", [False, True])
@pytest.mark.parametrize("name", ALGORITHMS)
@given(supers(least=8, flags=st.sampled_from((0x10, 0x18, 0x11, 0x50, 0x90))))
@settings(deadline=None, max_examples=15)
def test_super_packets_cross_as_packets_one_by_one_do(name, esn, packet):
    near, far = planes(name, esn=esn)
    packets = split(packet)
    sent = wire(near.send_super(packet, 0.0))
    assert sent == wire(planes(name, esn=esn)[0].send(packets, 0.0))
    got = inner(far.receive([burst(sent)], 0.0))
    assert [canonical(one) for one in got] == [canonical(one) for one in packets]
    assert not far.drops
    [sa] = far.inbound()
    assert (sa.meter.packets, sa.meter.octets) == (len(packets), sum(map(len, packets)))


@st.composite
def mixtures(draw):
    """Packets of one length of two flows in any order, some of them damaged."""
    packet = draw(supers(least=8, most=40, flags=st.sampled_from((0x10, 0x18))))
    packet = replace(packet, payload=packet.payload[: len(packet.payload) // packet.size * packet.size])
    other = bytearray(packet.headers)
    other[packet.transport + 3] ^= 1  # the port
    flows = split(packet), split(replace(packet, headers=bytes(other)))
    turns = draw(st.lists(st.integers(0, len(flows[0])), max_size=4))
    mixed = [flows[sum(turn <= at for turn in turns) % 2][at] for at in range(len(flows[0]))]
    for at in draw(st.lists(st.integers(0, len(mixed) - 1), max_size=3)):
        damaged, place = bytearray(mixed[at]), draw(st.integers(0, len(mixed[at]) - 1))
        damaged[place] ^= 1 << draw(st.integers(0, 7)) if place not in (0, 2, 3, 4, 5) else 0
        mixed[at] = bytes(damaged)
    for at in draw(st.lists(st.integers(0, len(mixed) - 2), max_size=3)):
        mixed[at], mixed[at + 1] = mixed[at + 1], mixed[at]
    return mixed


@given(mixtures())
@settings(deadline=None, max_examples=150)
def test_only_what_belongs_together_is_joined(packets):
    near, far = planes()
    _, other = planes()
    sent = wire(near.send(packets, 0.0))
    got = inner(far.receive([burst(sent)], 0.0))
    apart = [one for data in sent for one in inner(other.receive([alone(data)], 0.0))]
    assert [canonical(one) for one in got] == [canonical(one) for one in apart]
    assert far.drops == other.drops


@given(
    st.lists(st.integers(0, 30), min_size=8, max_size=60),
    st.lists(st.integers(0, 60), max_size=3),
    st.sampled_from((0, 1, 32, 64)),
    st.booleans(),
)
@settings(deadline=None, max_examples=100)
def test_replays_and_forgeries_in_bursts_are_refused_as_one_by_one(order, forged, window, esn):
    near, far = planes(esn=esn, replay_window=window)
    _, other = planes(esn=esn, replay_window=window)
    sent = wire(near.send_super(super_packet(bytes(31 * 50), 50, protocol=UDP), 0.0))
    datagrams = [
        sent[number] if at not in forged else sent[number][:-1] + bytes((sent[number][-1] ^ 1,))
        for at, number in enumerate(order)
    ]
    together = inner(far.receive([burst(datagrams)], 0.0))
    apart = [one for data in datagrams for one in inner(other.receive([alone(data)], 0.0))]
    assert [canonical(one) for one in together] == [canonical(one) for one in apart]
    assert far.drops == other.drops
    assert set(far.drops) <= {Drop.REPLAY, Drop.INTEGRITY}


@given(st.lists(st.integers(0, 12), min_size=8, max_size=60).map(sorted), st.integers(0, 60))
@settings(deadline=None, max_examples=50)
def test_packets_in_order_are_opened_many_at_once_or_one_by_one_alike(gaps, forged):
    """Sequence numbers that only rise, some left out: the case that rows are made for."""
    near, far = planes(replay_window=32)
    _, other = planes(replay_window=32)
    numbers = [number + sum(gaps[: number + 1]) for number in range(len(gaps))]
    sent = wire(near.send(split(super_packet(bytes(900 * 8), 8, protocol=UDP)), 0.0))
    datagrams = [sent[number] for number in numbers if number < len(sent)]
    if forged < len(datagrams):
        datagrams[forged] = datagrams[forged][:-1] + bytes((datagrams[forged][-1] ^ 1,))
    together = inner(far.receive([burst(datagrams)], 0.0))
    apart = [one for data in datagrams for one in inner(other.receive([alone(data)], 0.0))]
    assert [canonical(one) for one in together] == [canonical(one) for one in apart]
    assert far.drops == other.drops
    late = [alone(data) for data in sent]
    assert inner(far.receive(late, 1.0)) == inner(other.receive(late, 1.0))
