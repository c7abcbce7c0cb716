"""Super-packets: many segments of one flow with one set of headers, as a host's stack hands them over and
takes them (segmentation offload; virtio 1.2, 5.1.6).
"""

from dataclasses import dataclass

from cygnet.esp.checksums import checksum, pseudo_header
from cygnet.esp.flows import TCP, UDP

FIN, PSH, CWR = 0x01, 0x08, 0x80
FLAGS = 13
"""Where TCP has its flags, within its header."""
SEQUENCE, TCP_CHECKSUM, UDP_LENGTH, UDP_CHECKSUM = 4, 16, 4, 6
UDP_HEADER = 8
LARGEST = 65535


@dataclass(frozen=True, slots=True)
class SuperPacket:
    """A payload to be cut every ``size`` octets, TCP or UDP.

    ``headers`` are those of IP and of the transport, which begins at ``transport``. Their lengths and
    checksums say nothing: each segment has its own.
    """

    headers: bytes
    payload: bytes | memoryview
    size: int
    transport: int

    @property
    def is_tcp(self) -> bool:
        """Else it is UDP."""
        return len(self.headers) - self.transport > UDP_HEADER

    @property
    def segments(self) -> int:
        """How many packets it stands for."""
        return -(-len(self.payload) // self.size)

    @property
    def largest(self) -> int:
        """Octets of the longest of these."""
        return len(self.headers) + min(self.size, len(self.payload))

    @property
    def octets(self) -> int:
        """Octets of all of them together."""
        return len(self.payload) + self.segments * len(self.headers)


def split(packet: SuperPacket) -> list[bytes]:
    """The packets that it stands for, one by one."""
    return [segment(packet, number) for number in range(packet.segments)]


def segment(packet: SuperPacket, number: int) -> bytes:
    """One of these packets (RFC 9293, 3.1; RFC 768), IPv4 identifications counted up."""
    start = number * packet.size
    payload = bytes(packet.payload[start : start + packet.size])
    headers = template(packet, len(payload))
    if headers[0] >> 4 == 4:
        identification = int.from_bytes(headers[4:6], "big") + number
        headers[4:6] = (identification & 0xFFFF).to_bytes(2, "big")
        headers[10:12] = checksum(bytes(headers[: packet.transport]))
    at = packet.transport
    if packet.is_tcp:
        sequence = int.from_bytes(headers[at + SEQUENCE : at + SEQUENCE + 4], "big") + start
        headers[at + SEQUENCE : at + SEQUENCE + 4] = (sequence & 0xFFFFFFFF).to_bytes(4, "big")
        headers[at + FLAGS] = flags(packet, number)
    whole = bytes(headers[at:]) + payload
    code = checksum(pseudo_header(headers, len(whole), TCP if packet.is_tcp else UDP) + whole)
    place = at + (TCP_CHECKSUM if packet.is_tcp else UDP_CHECKSUM)
    headers[place : place + 2] = code if packet.is_tcp else code.replace(b"\0\0", b"\xff\xff")
    return bytes(headers) + payload


def flags(packet: SuperPacket, number: int) -> int:
    """TCP's flags of one segment: what ends data is at the end, what answers congestion at the beginning."""
    found = packet.headers[packet.transport + FLAGS]
    if number:
        found &= ~CWR
    return found if number == packet.segments - 1 else found & ~(FIN | PSH)


def template(packet: SuperPacket, payload: int) -> bytearray:
    """The headers of a segment with so much payload, without checksums."""
    headers, at = bytearray(packet.headers), packet.transport
    length = len(headers) + payload
    if headers[0] >> 4 == 4:
        headers[2:4] = length.to_bytes(2, "big")
        headers[10:12] = b"\0\0"
    else:
        headers[4:6] = (length - 40).to_bytes(2, "big")
    if packet.is_tcp:
        headers[at + TCP_CHECKSUM : at + TCP_CHECKSUM + 2] = b"\0\0"
    else:
        headers[at + UDP_LENGTH : at + UDP_HEADER] = (length - at).to_bytes(2, "big") + b"\0\0"
    return headers
