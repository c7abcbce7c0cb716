"""How packets go into ESP payloads and come out again, by mode (RFC 4301, 4.1; RFC 4303, 3.1).

``outer`` is what is known of an outer header: its TOS octet, and its TTL times 256. TTL 0 stands for the
host's own choice, as for every tunnel.
"""

from ipaddress import IPv4Address
from typing import Protocol

from cygnet.base.addresses import Address
from cygnet.base.dscp import DscpCopy
from cygnet.esp.checksums import checksum, readdressed
from cygnet.esp.flows import UDP, is_fragment
from cygnet.esp.records import Carriage, Drop, SaParameters
from cygnet.esp.tos import decapsulate, tos_of

IPV4, IPV6, NO_NEXT = 4, 41, 59
BEET_OPTIONS = 94
"""Next header of the options that BEET takes out of an IPv4 header."""
_DEFAULT_TTL = 64
_UNCARRIED = frozenset({0, 43, 44})
"""Extension headers before which ESP must not stand: hop-by-hop, routing, fragment (RFC 4303, 3.1.1)."""
_PADDING = bytes(range(1, 256))
_NO_OPERATION = b"\1"
_MOST_OPTIONS = 40

Enclosed = tuple[bytes, int]
"""An ESP payload and what its next header field says."""


class Mode(Protocol):
    """One direction of one SA. The sender uses ``enclose`` and ``outer``, the receiver ``disclose``."""

    padded: bool
    """Whether the payload tells its own length, so that TFC padding may follow it (RFC 4303, 2.7)."""

    def enclose(self, packet: bytes) -> Enclosed | Drop:
        """The payload that carries a packet, or why none can."""

    def outer(self, packet: bytes) -> int:
        """What the outer header says of a packet."""

    def disclose(self, plaintext: bytes, outer: int) -> bytes | Drop:
        """The packet in a decrypted payload with its trailer, or why there is none."""

    def mtu(self, payload: int) -> int:
        """The largest packet that a payload of so many octets carries."""


def carriage(parameters: SaParameters, *, inbound: bool) -> Mode:
    """The mode of an SA.

    The addresses of what is inside are those of the selectors. So they stay as they are in transport mode
    too when the outer ones change (a NAT that gives the peer another address), and connections go on.
    """
    if parameters.carriage is Carriage.TUNNEL:
        return Tunnel(parameters.copy_dscp)
    ends = parameters.source, parameters.destination
    if parameters.local_ts and parameters.remote_ts:
        ends = parameters.local_ts[0].start, parameters.remote_ts[0].start
        ends = ends[::-1] if inbound else ends
    if parameters.carriage is Carriage.BEET:
        return Headless(*ends, options=True)
    return Headless(*ends, parameters.original)


class Tunnel:
    """Whole packets inside (RFC 4303, 3.1.2), with DSCP and ECN carried over (RFC 6040)."""

    __slots__ = ("_inward", "_outward", "padded")

    def __init__(self, copy_dscp: DscpCopy) -> None:
        self._outward, self._inward = copy_dscp.outward, copy_dscp.inward
        self.padded = True

    def enclose(self, packet: bytes) -> Enclosed | Drop:
        """The packet as it is."""
        return packet, IPV4 if packet[0] >> 4 == 4 else IPV6

    def outer(self, packet: bytes) -> int:
        """DSCP if it is copied, and ECN; the outer TTL is the host's."""
        first = packet[0]
        tos = packet[1] if first >> 4 == 4 else (first & 15) << 4 | packet[1] >> 4
        return tos if self._outward else tos & 3

    def disclose(self, plaintext: bytes, outer: int) -> bytes | Drop:
        """The inner packet, as long as it says it is: TFC padding goes (RFC 4303, 2.4 to 2.7)."""
        padding = plaintext[-2] if len(plaintext) > 1 else 255
        end = len(plaintext) - 2 - padding
        if end < 0 or plaintext[end:-2] != _PADDING[:padding]:
            return Drop.PADDING
        next_header = plaintext[-1]
        if next_header == IPV4 and end >= 20 and plaintext[0] >> 4 == 4:
            length = plaintext[2] << 8 | plaintext[3]
            least = (plaintext[0] & 15) * 4
        elif next_header == IPV6 and end >= 40 and plaintext[0] >> 4 == 6:
            length = 40 + (plaintext[4] << 8 | plaintext[5])
            least = 40
        else:
            return _no_packet(next_header)
        if not 20 <= least <= length <= end:
            return Drop.MALFORMED
        packet = plaintext[:length]
        if not self._inward and not outer & 3:
            return packet
        return decapsulate(packet, outer & 255, self._inward) or Drop.ECN

    def mtu(self, payload: int) -> int:
        """The same."""
        return payload


class Headless:
    """Packets between two known addresses without their IP header: transport mode, and BEET.

    In transport mode the outer header is the packet's own, options and extension headers included, which
    ESP cannot be put behind here: packets that have some are refused. BEET (draft-nikander-esp-beet-mode)
    puts other addresses into the outer header and IPv4 options in front of the payload. TTL and TOS are
    those of the packet both ways. ``original`` are the addresses that a transport checksum of the peer's
    covers (RFC 3948, 3.1.2).
    """

    __slots__ = ("_addresses", "_ipv4", "_options", "_original", "padded")

    def __init__(
        self,
        source: Address,
        destination: Address,
        original: tuple[Address, Address] | None = None,
        *,
        options: bool = False,
    ) -> None:
        self._ipv4 = isinstance(source, IPv4Address)
        self._addresses = source.packed + destination.packed
        self._original = original[0].packed + original[1].packed if original else self._addresses
        self._options = options
        self.padded = False

    def enclose(self, packet: bytes) -> Enclosed | Drop:
        """What stands behind the IP header."""
        if is_fragment(packet):
            return Drop.FRAGMENT
        if packet[0] >> 4 == 6:
            return Drop.OPTIONS if packet[6] in _UNCARRIED else (packet[40:], packet[6])
        header, length = (packet[0] & 15) * 4, packet[2] << 8 | packet[3]
        if not 20 <= header <= length <= len(packet):
            return Drop.MALFORMED
        if header == 20:
            return packet[20:length], packet[9]
        if not self._options:
            return Drop.OPTIONS
        return _with_options(packet[20:header], packet[9]) + packet[header:length], BEET_OPTIONS

    def outer(self, packet: bytes) -> int:
        """TOS and TTL of the packet."""
        return tos_of(packet) | packet[8 if packet[0] >> 4 == 4 else 7] << 8

    def disclose(self, plaintext: bytes, outer: int) -> bytes | Drop:
        """A packet with the header that both ends know."""
        end = unpadded(plaintext)
        if end < 0:
            return Drop.PADDING
        body, protocol, options = plaintext[:end], plaintext[-1], b""
        if protocol == NO_NEXT:
            return Drop.DUMMY
        if protocol == BEET_OPTIONS and self._options and self._ipv4:
            found = _without_options(body)
            if found is None:
                return Drop.MALFORMED
            options, body, protocol = found
        if protocol == UDP:
            body = _udp_only(body)
        body = readdressed(body, protocol, self._original, self._addresses)
        return self._header(protocol, options, len(body), outer) + body

    def mtu(self, payload: int) -> int:
        """The header is not part of the payload."""
        return payload + (20 if self._ipv4 else 40)

    def _header(self, protocol: int, options: bytes, size: int, outer: int) -> bytes:
        """An IP header; without an identification, as that of a packet that is whole (RFC 6864, 4.1)."""
        tos, ttl = outer & 255, outer >> 8 or _DEFAULT_TTL
        if not self._ipv4:
            head = bytes((0x60 | tos >> 4, (tos & 15) << 4, 0, 0)) + size.to_bytes(2, "big")
            return head + bytes((protocol, ttl)) + self._addresses
        length = 20 + len(options)
        head = bytes((0x40 | length // 4, tos)) + (length + size).to_bytes(2, "big")
        head += bytes((0, 0, 0x40, 0, ttl, protocol, 0, 0)) + self._addresses + options
        return head[:10] + checksum(head) + head[12:]


def unpadded(plaintext: bytes) -> int:
    """Where the payload ends and its padding begins; -1 when that is not as it must be (RFC 4303, 2.4)."""
    if len(plaintext) < 2:
        return -1
    padding = plaintext[-2]
    end = len(plaintext) - 2 - padding
    return end if end >= 0 and plaintext[end:-2] == _PADDING[:padding] else -1


def _no_packet(next_header: int) -> Drop:
    if next_header in (IPV4, IPV6):
        return Drop.MALFORMED
    return Drop.DUMMY if next_header == NO_NEXT else Drop.NEXT_HEADER


def _with_options(options: bytes, protocol: int) -> bytes:
    """BEET's pseudo header: protocol, size in 8 octets without the first 8, padding's size, options."""
    padding = 4 if len(options) % 8 == 0 else 0
    return bytes((protocol, len(options) // 8, padding, 0)) + _NO_OPERATION * padding + options


def _without_options(body: bytes) -> tuple[bytes, bytes, int] | None:
    """Options, payload and protocol behind a pseudo header; ``None`` when it is not one."""
    if len(body) < 8:
        return None
    size, start = (body[1] + 1) * 8, 4 + body[2]
    length = size - start
    if len(body) < size or length % 4 or not 0 < length <= _MOST_OPTIONS:
        return None
    return body[start:size], body[size:], body[0]


def _udp_only(body: bytes) -> bytes:
    """A UDP datagram tells its length, so that a peer's TFC padding can go (RFC 4303, 2.7)."""
    length = int.from_bytes(body[4:6], "big")
    return body[:length] if 8 <= length < len(body) else body
