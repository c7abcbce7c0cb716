"""What tests of the data plane share: packets to put in, and two planes with an SA from one to the other."""

from ipaddress import ip_address

from cygnet.base.selectors import TrafficSelector
from cygnet.crypto.ciphers import sealer
from cygnet.crypto.interfaces import Sealer
from cygnet.crypto.transforms import Transform
from cygnet.esp.associations import InboundSa, OutboundSa
from cygnet.esp.incoming import Datagrams, Received
from cygnet.esp.outgoing import Sent
from cygnet.esp.plane import DataPlane
from cygnet.esp.records import Action, Policy, SaParameters
from cygnet.esp.superpackets import SuperPacket, split

SPI = 0xC0000001
OUTER = ip_address("192.0.2.1"), ip_address("192.0.2.2")
PEER = ("192.0.2.1", 4500)
ENDS = {4: ("10.1.0.1", "10.2.0.1"), 6: ("fd01::1", "fd02::1")}
ALL = (TrafficSelector.of("0.0.0.0/0"), TrafficSelector.of("::/0"))
ALGORITHMS = {
    "gcm": lambda: sealer(Transform(1, 20, 128), None, bytes(20)),
    "short gcm": lambda: sealer(Transform(1, 18, 128), None, bytes(20)),
    "gmac": lambda: sealer(Transform(1, 21, 128), None, bytes(20)),
    "ccm": lambda: sealer(Transform(1, 16, 128), None, bytes(19)),
    "chacha": lambda: sealer(Transform(1, 28), None, bytes(36)),
    "cbc": lambda: sealer(Transform(1, 12, 128), Transform(3, 12), bytes(16), bytes(32)),
    "null": lambda: sealer(Transform(1, 11), Transform(3, 12), b"", bytes(32)),
}
TCP, UDP = 6, 17
ACK, PSH = 0x10, 0x08


def own_sealer(name: str = "gcm") -> Sealer:
    """The same keys for both ends."""
    return ALGORITHMS[name]()


def ip_header(version: int, protocol: int, identification: int = 0, tos: int = 0) -> bytes:
    """Without length and checksum."""
    source, destination = (ip_address(end).packed for end in ENDS[version])
    if version == 4:
        head = bytes((0x45, tos, 0, 0)) + identification.to_bytes(2, "big")
        return head + bytes((0x40, 0, 64, protocol, 0, 0)) + source + destination
    head = bytes((0x60 | tos >> 4, (tos & 15) << 4, 0, 0, 0, 0, protocol, 64))
    return head + source + destination


def tcp_header(sequence: int = 0, flags: int = ACK, options: bytes = b"", port: int = 80) -> bytes:
    """Without checksum."""
    head = bytes((4, 0)) + port.to_bytes(2, "big") + sequence.to_bytes(4, "big") + bytes(4)
    return head + bytes((5 + len(options) // 4 << 4, flags, 1, 0, 0, 0, 0, 0)) + options


def super_packet(
    payload: bytes, size: int, version: int = 4, protocol: int = TCP, tos: int = 0, **tcp: int
) -> SuperPacket:
    """Of one flow; ``tcp`` are arguments of :func:`tcp_header`."""
    head = ip_header(version, protocol, tos=tos)
    transport = tcp_header(**tcp) if protocol == TCP else bytes((4, 0, 0, 80, 0, 0, 0, 0))
    return SuperPacket(head + transport, payload, size, len(head))


def planes(name: str = "gcm", **changes: object) -> tuple[DataPlane, DataPlane]:
    """One that sends and one that receives."""
    facts = {"encapsulation": (4500, 4500), "replay_window": 64, "local_ts": ALL, "remote_ts": ALL} | changes
    parameters = SaParameters(SPI, *OUTER, reqid=1, **facts)  # type: ignore[arg-type]
    near, far = DataPlane(bytes), DataPlane(bytes)
    near.add_outbound(OutboundSa(parameters, own_sealer(name), bytes, 1500))
    for selector in ALL:
        near.add_policy(Policy(True, selector, selector, Action.PROTECT, 1))
    far.add_inbound(InboundSa(parameters, own_sealer(name)))
    return near, far


def wire(sent: Sent) -> list[bytes]:
    """The datagrams one by one."""
    return [
        bytes(data[at : at + size]) for _, _, data, size in sent.datagrams for at in range(0, len(data), size)
    ]


def burst(datagrams: list[bytes], outer: int = 0) -> Datagrams:
    """As they come when the kernel puts them together."""
    return b"".join(datagrams), len(datagrams[0]), outer, PEER


def alone(datagram: bytes, outer: int = 0) -> Datagrams:
    """As one comes by itself."""
    return datagram, len(datagram), outer, PEER


def inner(received: Received) -> list[bytes]:
    """The packets one by one."""
    found: list[bytes] = []
    for packet in received.packets:
        found += split(packet) if isinstance(packet, SuperPacket) else [packet]
    return found


def canonical(packet: bytes) -> bytes:
    """Without what IPv4 packets that are not to be fragmented may have as they like, and its checksum."""
    return packet if packet[0] >> 4 == 6 else packet[:4] + bytes(2) + packet[6:10] + bytes(2) + packet[12:]


def joined(received: Received) -> list[int]:
    """How many segments each super-packet has."""
    return [packet.segments for packet in received.packets if isinstance(packet, SuperPacket)]
