"""Fuzzer of everything that reads ESP packets and the packets inside.

    python tests/fuzz/esp_packets.py --seconds 600 [--seed N]

One data plane receives datagrams one by one and in bursts: right ones, changed ones, replays, and authentic
ones with anything inside, which only a peer with keys could send. Another is to send packets and
super-packets of any octets. Nothing may raise, every packet is delivered or counted as dropped, what is
delivered is inside its SA's selectors, and both ways, alone and in bursts, agree. ``--seed`` repeats a run.
"""

import argparse
import random
import sys
import time
import traceback
from pathlib import Path

sys.path[:0] = [str(Path(__file__).parents[1] / "support")]

from cygnet.base.selectors import TrafficSelector
from cygnet.esp.checksums import checksum
from cygnet.esp.flows import flow_key, flow_of
from cygnet.esp.plane import DataPlane
from cygnet.esp.policies import SelectorPair
from cygnet.esp.records import Carriage
from cygnet.esp.superpackets import SuperPacket, split
from cygnet.espd import virtio
from espkit import ALGORITHMS, PEER, SPI, TCP, UDP, inner, ip_header, own_sealer, planes, super_packet, wire

LOCAL = (TrafficSelector.of("10.2.0.0/16"), TrafficSelector.of("fd02::/16"))
REMOTE = (TrafficSelector.of("10.1.0.0/16"), TrafficSelector.of("fd01::/16"))
NEXT_HEADERS = (4, 41, 59, 6, 17, 94, 50, 255)


def octets(chance, most):
    return chance.randbytes(chance.randrange(most))


def changed(chance, data):
    data = bytearray(data)
    for _ in range(chance.choice((1, 1, 2, 8))):
        if data:
            value = chance.choice((0, 1, 0x7F, 0x80, 0xFF, chance.randrange(256)))
            data[chance.randrange(len(data))] = value
    return bytes(data[: chance.choice((len(data), len(data), chance.randrange(len(data) + 1)))])


def some_super(chance, count):
    version, protocol = chance.choice((4, 6)), chance.choice((TCP, UDP))
    size = chance.choice((1, 8, 100, 1000))
    flags = chance.choice((0x10, 0x18, 0x11, 0x02, chance.randrange(256)))
    more = {"flags": flags, "sequence": chance.randrange(1 << 32)} if protocol == TCP else {}
    payload = chance.randbytes(size * count)
    return super_packet(payload, size, version, protocol, chance.randrange(256), **more)


def authentic(chance, name, numbers, length):
    """An ESP packet whose integrity is right, whatever it has inside."""
    sealer, number = own_sealer(name), next(numbers)
    body = chance.choice((
        octets(chance, length), ip_header(4, 6) + octets(chance, length),
        ip_header(6, 44) + octets(chance, length), changed(chance, split(some_super(chance, 1))[0]),
    ))  # fmt: skip
    if chance.random() < 0.5 and len(body) >= 20 and body[0] >> 4 == 4:
        body = body[:2] + len(body).to_bytes(2, "big") + body[4:10] + bytes(2) + body[12:]
        body = body[:10] + checksum(body[:20]) + body[12:]
    padding = -(len(body) + 2) % max(4, sealer.block_size)
    trailer = bytes(range(1, padding + 1)) + bytes((padding, chance.choice(NEXT_HEADERS)))
    if chance.random() < 0.2:
        trailer = chance.randbytes(len(trailer))
    header = SPI.to_bytes(4, "big") + number.to_bytes(4, "big")
    iv = number.to_bytes(8, "big") if sealer.counter_mode else chance.randbytes(sealer.iv_size)
    return header + iv + sealer.seal(iv, body + trailer, header)


def arrivals(chance, name):
    """Datagrams in the order of their coming."""
    near, _ = planes(name)
    good = wire(near.send_super(some_super(chance, chance.choice((1, 12, 40))), 0.0))
    numbers = iter(range(len(good) + 1, 1 << 20))
    found = []
    for _ in range(chance.randrange(1, 40)):
        kind = chance.randrange(5)
        if kind == 0 and good:
            found += good[: chance.randrange(1, len(good) + 1)]
        elif kind == 1 and good:
            found.append(changed(chance, chance.choice(good)))
        elif kind == 2:
            found.append(octets(chance, 200))
        else:
            found += [authentic(chance, name, numbers, 60) for _ in range(chance.choice((1, 1, 15)))]
    return found


def pieces(datagrams):
    """The same in bursts of one length."""
    run = []
    for datagram in datagrams:
        if run and (not datagram or len(datagram) != len(run[0])):
            yield b"".join(run), len(run[0])
            run = []
        run.append(datagram)
    yield b"".join(run), len(run[0])


def receive(chance, datagrams, name, carriage):
    outer = chance.choice((0, 1, 3, 0xB8, chance.randrange(1 << 16)))
    facts = {"local_ts": LOCAL, "remote_ts": REMOTE, "carriage": carriage}
    facts["replay_window"] = chance.choice((0, 32))
    (_, alone), (_, together) = planes(name, **facts), planes(name, **facts)
    one = inner(alone.receive([(data, len(data), outer, PEER) for data in datagrams], 0.0))
    many = inner(together.receive([(data, size, outer, PEER) for data, size in pieces(datagrams)], 0.0))
    assert len(one) + sum(alone.drops.values()) == len(datagrams), "a packet is neither delivered nor counted"
    assert (len(one), alone.drops) == (len(many), together.drops), "one by one and in bursts differ"
    assert not alone.inbound() or sum(sa.meter.packets for sa in alone.inbound()) == len(one)
    for packet in one:
        flow = flow_of(flow_key(packet))
        pairs = (SelectorPair(remote, local) for remote in REMOTE for local in LOCAL)
        assert any(pair.matches(flow) for pair in pairs), "a packet outside the selectors came in"


def send(chance, plane: DataPlane):
    """Anything that may come from a TUN device."""
    packets = [octets(chance, 100) for _ in range(3)]
    packets += [changed(chance, one) for one in split(some_super(chance, 3))]
    plane.send(packets, 0.0)
    packet = some_super(chance, chance.choice((1, 3, 30)))
    headers, payload = virtio.handed_over(packet)
    header, whole = headers[: virtio.HEADER.size], headers[virtio.HEADER.size :] + bytes(payload)
    if chance.random() < 0.7:
        header, whole = (changed(chance, header) + bytes(10))[:10], changed(chance, whole)
    virtio.completed(memoryview(bytearray(header + whole)))
    found = virtio.super_packet(header, memoryview(whole))
    if isinstance(found, SuperPacket):
        sent = wire(plane.send_super(found, 0.0))
        assert all(len(one) < 65536 for one in sent)


def fuzz(seconds, seed):
    """How many rounds went well, and whether all did."""
    chance, end, count = random.Random(seed), time.monotonic() + seconds, 0
    names, carriages = list(ALGORITHMS), [Carriage.TUNNEL, Carriage.TUNNEL, Carriage.TRANSPORT, Carriage.BEET]
    sending, _ = planes()
    while time.monotonic() < end:
        try:
            name, carriage = chance.choice(names), chance.choice(carriages)
            receive(chance, arrivals(chance, name), name, carriage)
            send(chance, sending)
        except Exception:
            traceback.print_exc()
            return count, False
        count += 1
    return count, True


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(2**32))
    arguments = parser.parse_args()
    count, good = fuzz(arguments.seconds, arguments.seed)
    print(f"{count} rounds with seed {arguments.seed}{'' if good else '; the next one failed'}")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
