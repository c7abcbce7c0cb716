"""A small reader of packet captures: pcap, pcapng and snoop (RFC 1761), gzipped or not."""

import gzip
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path

from cygnet.base.addresses import Host

ETHERNET, NULL, RAW, LINUX_SLL, IPV4, IPV6 = 1, 0, 101, 113, 228, 229
SNOOP_LINKS = {4: ETHERNET}
UDP, ESP = 17, 50
IKE_PORTS = (500, 4500)
NON_ESP_MARKER = bytes(4)


@dataclass(frozen=True, slots=True)
class Datagram:
    """One UDP datagram."""

    source: Host
    destination: Host
    data: bytes


@dataclass(frozen=True, slots=True)
class Esp:
    """One ESP packet from its SPI on; ``tos`` is that of the header outside, ``in_udp`` its carrier."""

    data: bytes
    tos: int
    in_udp: bool


def ike_messages(file: Path) -> list[Datagram]:
    """Every IKE message in a capture, without non-ESP marker; keep-alives and ESP are left out."""
    return [message for one in udp_datagrams(file) if (message := _ike(one)) is not None]


def udp_datagrams(file: Path) -> list[Datagram]:
    """Every whole UDP datagram in a capture."""
    found = (_udp(_network(link, frame)) for link, frame in frames(file))
    return [datagram for datagram in found if datagram is not None]


def esp_packets(file: Path) -> list[Esp]:
    """Every ESP packet in a capture, plain or in UDP."""
    found = [_esp(_network(link, frame)) for link, frame in frames(file)]
    return [packet for packet in found if packet is not None]


def frames(file: Path) -> Iterator[tuple[int, bytes]]:
    """Link type and octets of every frame."""
    data = file.read_bytes()
    if data[:2] == b"\x1f\x8b":
        data = gzip.decompress(data)
    if data[:4] == b"\x0a\x0d\x0d\x0a":
        return _pcapng(data)
    if data[:8] == b"snoop\0\0\0":
        return _snoop(data)
    return _pcap(data)


def _pcap(data: bytes) -> Iterator[tuple[int, bytes]]:
    little = data[:4] in (b"\xd4\xc3\xb2\xa1", b"\x4d\x3c\xb2\xa1")
    order = "<" if little else ">"
    (link,) = struct.unpack_from(f"{order}I", data, 20)
    at = 24
    while at + 16 <= len(data):
        _, _, size, _ = struct.unpack_from(f"{order}IIII", data, at)
        yield link & 0xFFFF, data[at + 16 : at + 16 + size]
        at += 16 + size


def _pcapng(data: bytes) -> Iterator[tuple[int, bytes]]:
    links: list[int] = []
    order = "<"
    at = 0
    while at + 12 <= len(data):
        if data[at : at + 4] == b"\x0a\x0d\x0d\x0a":
            order, links = ("<" if data[at + 8 : at + 12] == b"\x4d\x3c\x2b\x1a" else ">"), []
        kind, length = struct.unpack_from(f"{order}II", data, at)
        body = data[at + 8 : at + length - 4]
        if kind == 1:
            links.append(struct.unpack_from(f"{order}H", body)[0])
        elif kind == 6:
            interface, _, _, size, _ = struct.unpack_from(f"{order}IIIII", body)
            yield links[interface], body[20 : 20 + size]
        elif kind == 3:
            yield links[0], body[4 : 4 + struct.unpack_from(f"{order}I", body)[0]]
        at += max(length, 12)


def _snoop(data: bytes) -> Iterator[tuple[int, bytes]]:
    link = SNOOP_LINKS[struct.unpack_from("!I", data, 12)[0]]
    at = 16
    while at + 24 <= len(data):
        _, size, record = struct.unpack_from("!III", data, at)
        yield link, data[at + 24 : at + 24 + size]
        at += record


def _network(link: int, frame: bytes) -> bytes:
    """The IP packet in a frame, or nothing."""
    if link == ETHERNET:
        kind, at = frame[12:14], 14
        if kind == b"\x81\x00":
            kind, at = frame[16:18], 18
        return frame[at:] if kind in (b"\x08\x00", b"\x86\xdd") else b""
    return frame[{NULL: 4, RAW: 0, LINUX_SLL: 16, IPV4: 0, IPV6: 0}[link] :]


def _udp(packet: bytes) -> Datagram | None:
    if len(packet) >= 20 and packet[0] >> 4 == 4:
        head, total = (packet[0] & 15) * 4, int.from_bytes(packet[2:4], "big")
        protocol, source, destination = packet[9], packet[12:16], packet[16:20]
        packet = packet[:total]
    elif len(packet) >= 40 and packet[0] >> 4 == 6:
        head, protocol, source, destination = 40, packet[6], packet[8:24], packet[24:40]
    else:
        return None
    if protocol != UDP or len(packet) < head + 8:
        return None
    ports = struct.unpack_from("!HHH", packet, head)
    hosts = Host(ip_address(source), ports[0]), Host(ip_address(destination), ports[1])
    return Datagram(*hosts, packet[head + 8 : head + ports[2]])


def _ike(datagram: Datagram) -> Datagram | None:
    ports = (datagram.source.port, datagram.destination.port)
    if 4500 in ports:
        if not datagram.data.startswith(NON_ESP_MARKER):
            return None
        return Datagram(datagram.source, datagram.destination, datagram.data[4:])
    return datagram if 500 in ports else None


def _esp(packet: bytes) -> Esp | None:
    if len(packet) < 20 or packet[0] >> 4 != 4:
        return None
    head, total = (packet[0] & 15) * 4, int.from_bytes(packet[2:4], "big")
    if packet[9] == ESP:
        return Esp(packet[head:total], packet[1], False)
    datagram = _udp(packet)
    if datagram is None or 4500 not in (datagram.source.port, datagram.destination.port):
        return None
    data = datagram.data
    return Esp(data, packet[1], True) if len(data) > 8 and not data.startswith(NON_ESP_MARKER) else None
