"""How large a packet fits, and what its sender is told when it does not (RFC 4301, 8; RFC 1191; RFC 8201)."""

from cygnet.crypto.interfaces import Sealer
from cygnet.esp.checksums import checksum

IPV6_MINIMUM = 1280
IPV4_MINIMUM = 576
_UDP = 8
_ESP = 8
_TRAILER = 2
_IP = {4: 20, 6: 40}
_ICMP4_QUOTED = 548
_ICMP6_QUOTED = IPV6_MINIMUM - 48
_HOP_LIMIT = 64


def alignment(sealer: Sealer) -> int:
    """What plaintext and trailer together are padded to (RFC 4303, 2.4)."""
    return max(4, sealer.block_size)


def payload_mtu(path_mtu: int, outer_family: int, udp: bool, sealer: Sealer) -> int:
    """The largest ESP payload that leaves in one datagram of ``path_mtu`` octets."""
    room = path_mtu - _IP[outer_family] - (_UDP if udp else 0) - _ESP - sealer.iv_size - sealer.icv_size
    step = alignment(sealer)
    return max(room // step * step - _TRAILER, 0)


def too_big(packet: bytes, mtu: int) -> bool:
    """Whether a packet must be answered rather than sent: larger than ``mtu`` and not to be fragmented.

    IPv6 packets up to 1280 octets always pass, as fragments of the outer datagram (RFC 2473, 7.1).
    """
    if len(packet) <= mtu:
        return False
    if packet[0] >> 4 == 6:
        return len(packet) > max(mtu, IPV6_MINIMUM)
    return bool(packet[6] & 0x40)


def packet_too_big(packet: bytes, mtu: int) -> bytes | None:
    """The ICMP answer to a packet that is too big; ``None`` where no answer is allowed.

    Errors, groups and later fragments are not answered (RFC 1122, 3.2.2; RFC 4443, 2.4). The answer comes
    from the packet's destination, which the tunnel stands for.
    """
    if packet[0] >> 4 == 6:
        return _packet_too_big6(packet, max(mtu, IPV6_MINIMUM))
    return _fragmentation_needed(packet, max(mtu, 68))


def _fragmentation_needed(packet: bytes, mtu: int) -> bytes | None:
    header = (packet[0] & 15) * 4
    is_error = packet[9] == 1 and len(packet) > header and packet[header] in (3, 4, 5, 11, 12)
    if is_error or packet[7] or packet[6] & 0x1F or packet[16] >= 224:
        return None
    quoted = packet[:_ICMP4_QUOTED]
    body = bytes((3, 4, 0, 0, 0, 0)) + mtu.to_bytes(2, "big") + quoted
    body = body[:2] + checksum(body) + body[4:]
    head = bytes((0x45, 0xC0)) + (20 + len(body)).to_bytes(2, "big")
    head += bytes((0, 0, 0, 0, _HOP_LIMIT, 1, 0, 0)) + packet[16:20] + packet[12:16]
    return head[:10] + checksum(head) + head[12:] + body


def _packet_too_big6(packet: bytes, mtu: int) -> bytes | None:
    is_error = packet[6] == 58 and len(packet) > 40 and packet[40] < 128
    if is_error or packet[24] == 0xFF or packet[8] == 0xFF or not any(packet[8:24]):
        return None
    body = bytes((2, 0, 0, 0)) + mtu.to_bytes(4, "big") + packet[:_ICMP6_QUOTED]
    addresses = packet[24:40] + packet[8:24]
    pseudo = addresses + len(body).to_bytes(4, "big") + bytes((0, 0, 0, 58))
    body = body[:2] + checksum(pseudo + body) + body[4:]
    return bytes((0x60, 0, 0, 0)) + len(body).to_bytes(2, "big") + bytes((58, _HOP_LIMIT)) + addresses + body
