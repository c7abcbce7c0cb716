"""Rows against packets one by one: cut, sealed, opened and joined, the same octets come out."""

from dataclasses import replace
from ipaddress import ip_address

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cygnet.base.selectors import TrafficSelector
from cygnet.crypto.ciphers import sealer
from cygnet.crypto.transforms import Transform
from cygnet.esp.associations import InboundSa, OutboundSa
from cygnet.esp.cut import cut
from cygnet.esp.grid import MAX_ROWS, Grid
from cygnet.esp.plane import DataPlane
from cygnet.esp.records import Action, Drop, Policy, SaParameters
from cygnet.esp.superpackets import FLAGS, SuperPacket, split

OUTER = ip_address("192.0.2.1"), ip_address("192.0.2.2")
ENDS = {4: ("10.1.0.1", "10.2.0.1"), 6: ("fd01::1", "fd02::1")}
ALL = {4: TrafficSelector.of("0.0.0.0/0"), 6: TrafficSelector.of("::/0")}
ALGORITHMS = {
    "gcm": lambda: sealer(Transform(1, 20, 128), None, bytes(20)),
    "short gcm": lambda: sealer(Transform(1, 18, 128), None, bytes(20)),
    "ccm": lambda: sealer(Transform(1, 16, 128), None, bytes(19)),
    "chacha": lambda: sealer(Transform(1, 28), None, bytes(36)),
    "cbc": lambda: sealer(Transform(1, 12, 128), Transform(3, 12), bytes(16), bytes(32)),
    "null": lambda: sealer(Transform(1, 11), Transform(3, 12), b"", bytes(32)),
}


def ip_header(version: int, protocol: int, identification: int = 0, tos: int = 0) -> bytes:
    source, destination = (ip_address(end).packed for end in ENDS[version])
    if version == 4:
        head = bytes((0x45, tos, 0, 0)) + identification.to_bytes(2, "big")
        return head + bytes((0x40, 0, 64, protocol, 0, 0)) + source + destination
    head = bytes((0x60 | tos >> 4, (tos & 15) << 4, 0, 0, 0, 0, protocol, 64))
    return head + source + destination


@st.composite
def supers(draw, least=1, most=MAX_ROWS, flags=st.integers(0, 255)):
    version = draw(st.sampled_from((4, 6)))
    head = ip_header(version, 6, draw(st.integers(0, 0xFFFF)), draw(st.integers(0, 255)))
    if draw(st.booleans()):
        sequence, options = draw(st.integers(0, 0xFFFFFFFF)), draw(st.integers(0, 10))
        transport = bytes((4, 0, 0, 80)) + sequence.to_bytes(4, "big") + draw(st.binary(min_size=4, max_size=4))
        transport += bytes((options + 5 << 4, draw(flags), 1, 0, 0, 0, 0, 0)) + draw(
            st.binary(min_size=options * 4, max_size=options * 4)
        )
    else:
        head = head.replace(bytes((64, 6)), bytes((64, 17)), 1) if version == 4 else head[:6] + b"\x11" + head[7:]
        transport = bytes((4, 0, 0, 80, 0, 0, 0, 0))
    size, rows = draw(st.integers(1, 1330)), draw(st.integers(least, most))
    most_rows = max(least, min(rows, (60000 - len(transport) - len(head)) // size))
    size = min(size, 60000 // most_rows)
    octets = most_rows * size - draw(st.integers(0, size - 1))
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
    count = cut(packet, layout)
    end = len(packet.headers) + packet.size
    rows = [row[:end].tobytes() for row in layout.matrix[:count]]
    assert rows == split(packet)[:full]


def planes(name: str, esn: bool, window: int = 64) -> tuple[DataPlane, DataPlane, SaParameters]:
    both = tuple(ALL.values())
    parameters = SaParameters(
        0xC0000001, *OUTER, reqid=1, encapsulation=(4500, 4500), esn=esn, replay_window=window,
        local_ts=both, remote_ts=both,
    )  # fmt: skip
    near, far = DataPlane(bytes), DataPlane(bytes)
    near.add_outbound(OutboundSa(parameters, ALGORITHMS[name](), bytes, 1500))
    for selector in both:
        near.add_policy(Policy(True, selector, selector, Action.PROTECT, 1))
    far.add_inbound(InboundSa(parameters, ALGORITHMS[name]()))
    return near, far, parameters


def wire(sent) -> list[bytes]:
    return [
        bytes(data[at : at + size]) for _, _, data, size in sent.datagrams for at in range(0, len(data), size)
    ]


def inner(packets) -> list[bytes]:
    return [one for packet in packets for one in (split(packet) if isinstance(packet, SuperPacket) else [packet])]


def canonical(packet: bytes) -> bytes:
    """Without what IPv4 packets that are not to be fragmented may have as they like, and its checksum."""
    return packet if packet[0] >> 4 == 6 else packet[:4] + bytes(2) + packet[6:10] + bytes(2) + packet[12:]


@pytest.mark.parametrize("esn", [False, True])
@pytest.mark.parametrize("name", ALGORITHMS)
@given(supers(least=8, flags=st.sampled_from((0x10, 0x18, 0x11, 0x50, 0x90))))
@settings(deadline=None, max_examples=15)
def test_super_packets_cross_as_packets_one_by_one_do(name, esn, packet):
    near, far, _ = planes(name, esn)
    alone, _, _ = planes(name, esn)
    packets = split(packet)
    sent = wire(near.send_super(packet, 0.0))
    single = wire(alone.send(packets, 0.0))
    assert sent == single
    size = len(sent[0])
    got = far.receive([(b"".join(sent), size, 0, ("192.0.2.1", 4500))], 0.0)
    assert [canonical(one) for one in inner(got.packets)] == [canonical(one) for one in packets]
    assert not far.drops
    [sa] = far.inbound()
    assert (sa.meter.packets, sa.meter.octets) == (len(packets), sum(map(len, packets)))


@st.composite
def mixtures(draw):
    """Packets of one length of several flows in any order, some of them damaged."""
    packet = draw(supers(least=8, most=40, flags=st.sampled_from((0x10, 0x18))))
    packet = replace(packet, payload=packet.payload[: len(packet.payload) // packet.size * packet.size])
    one = split(packet)
    other = split(replace(packet, headers=packet.headers[:-2] + b"\1\1" if packet.is_tcp else packet.headers))
    mixed = [draw(st.sampled_from((first, second))) for first, second in zip(one, other, strict=True)]
    for at in draw(st.lists(st.integers(0, len(mixed) - 1), max_size=3)):
        place = draw(st.integers(0, len(mixed[at]) - 1))
        damaged = bytearray(mixed[at])
        if place not in (0, 2, 3, 4, 5):  # lengths must stay
            damaged[place] ^= 1 << draw(st.integers(0, 7))
        mixed[at] = bytes(damaged)
    for at in draw(st.lists(st.integers(0, len(mixed) - 2), max_size=3)):
        mixed[at], mixed[at + 1] = mixed[at + 1], mixed[at]
    return mixed


@given(mixtures())
@settings(deadline=None, max_examples=150)
def test_only_what_belongs_together_is_joined(packets):
    near, far, _ = planes("gcm", False)
    _, alone, _ = planes("gcm", False)
    sent = wire(near.send(packets, 0.0))
    got = inner(far.receive([(b"".join(sent), len(sent[0]), 0, None)], 0.0).packets)
    apart = [one for data in sent for one in alone.receive([(data, len(data), 0, None)], 0.0).packets]
    assert [canonical(one) for one in got] == [canonical(one) for one in apart]
    assert far.drops == alone.drops


@given(
    st.lists(st.integers(0, 30), min_size=8, max_size=60),
    st.integers(0, 40),
    st.sampled_from((0, 1, 32, 64)),
    st.booleans(),
)
@settings(deadline=None, max_examples=100)
def test_replays_and_forgeries_in_bursts_are_refused_as_one_by_one(order, forged, window, esn):
    near, far, _ = planes("gcm", esn, window)
    _, alone, _ = planes("gcm", esn, window)
    packet = SuperPacket(ip_header(4, 17) + bytes((4, 0, 0, 80, 0, 0, 0, 0)), bytes(31 * 50), 50, 20)
    sent = wire(near.send_super(packet, 0.0))
    burst = [bytearray(sent[number]) for number in order]
    if forged < len(burst):
        burst[forged][-1] ^= 1
    together = far.receive([(b"".join(burst), len(burst[0]), 0, None)], 0.0)
    apart = [alone.receive([(bytes(one), len(one), 0, None)], 0.0).packets for one in burst]
    assert [canonical(one) for one in inner(together.packets)] == [canonical(one) for [*ones] in apart for one in ones]
    assert far.drops == alone.drops
    assert set(far.drops) <= {Drop.REPLAY, Drop.INTEGRITY}


def test_flags_that_end_or_begin_something_are_where_they_belong():
    headers = ip_header(4, 6) + bytes(12) + bytes((0x50, 0x99, 0, 0, 0, 0, 0, 0))
    packets = split(SuperPacket(headers, bytes(300), 100, 20))
    assert [packet[20 + FLAGS] for packet in packets] == [0x90, 0x10, 0x19]
