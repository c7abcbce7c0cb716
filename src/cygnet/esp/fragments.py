"""Fragments put together where policies need whole packets (RFC 791, 3.2; RFC 8200, 4.5).

A host whose TUN device is narrower than a datagram cuts it before we see it; transport mode carries no
fragments, and only the first one shows ports (RFC 4301, 4.1, 7).
"""

from dataclasses import dataclass, field

from cygnet.esp.checksums import checksum
from cygnet.esp.flows import fragment_header

MAX_DATAGRAMS = 64
MAX_FRAGMENTS = 128
TIMEOUT_S = 30.0
_LARGEST = 65535


@dataclass(slots=True)
class _Partial:
    """A datagram that is not complete: where each piece begins, what is before the first, where it ends."""

    since: float
    pieces: dict[int, bytes] = field(default_factory=dict)
    fragments: list[bytes] = field(default_factory=list)
    header: bytes = b""
    size: int = -1


@dataclass(frozen=True, slots=True)
class _Piece:
    """One fragment: what all of a datagram share, its header without what only fragments have, its place."""

    key: bytes
    header: bytes
    offset: int
    more: bool
    data: bytes


class Reassembly:
    """Datagrams that are not complete. ``lost`` counts fragments that went with one that never was."""

    def __init__(self) -> None:
        self._partials: dict[bytes, _Partial] = {}
        self.lost = 0

    def add(self, packet: bytes, now: float) -> tuple[bytes, list[bytes]] | None:
        """Take a fragment; once it is the last one missing, the packet and the fragments it was.

        A datagram whose fragments overlap, or make more than a packet may be, is given up (RFC 5722).
        """
        piece = _piece4(packet) if packet[0] >> 4 == 4 else _piece6(packet)
        self._forget(now, MAX_DATAGRAMS + (piece.key in self._partials))
        partial = self._partials.setdefault(piece.key, _Partial(now))
        partial.fragments.append(packet)
        if not _fits(partial, piece):
            self._give_up(piece.key)
            return None
        partial.pieces[piece.offset] = piece.data
        if not piece.offset:
            partial.header = piece.header
        if not piece.more:
            partial.size = piece.offset + len(piece.data)
        if sum(map(len, partial.pieces.values())) != partial.size or not partial.header:
            return None
        del self._partials[piece.key]
        body = b"".join(data for _, data in sorted(partial.pieces.items()))
        if len(partial.header) + len(body) > _LARGEST:
            self.lost += len(partial.fragments)
            return None
        return _whole(partial.header, body), partial.fragments

    def _forget(self, now: float, limit: int) -> None:
        """The oldest, while they are too old or as many as ``limit``."""
        while self._partials:
            key, oldest = next(iter(self._partials.items()))
            if now - oldest.since < TIMEOUT_S and len(self._partials) < limit:
                return
            self._give_up(key)

    def _give_up(self, key: bytes) -> None:
        self.lost += len(self._partials.pop(key).fragments)


def _fits(partial: _Partial, piece: _Piece) -> bool:
    """Whether a piece lies beside the others, within the size known so far."""
    end = piece.offset + len(piece.data)
    if not piece.data or end > _LARGEST or (piece.more and len(piece.data) % 8):
        return False
    if len(partial.pieces) >= MAX_FRAGMENTS or (partial.size >= 0 and (end > partial.size or not piece.more)):
        return False
    beside = all(end <= start or start + len(data) <= piece.offset for start, data in partial.pieces.items())
    last = piece.more or all(start + len(data) <= end for start, data in partial.pieces.items())
    return beside and last


def _piece4(packet: bytes) -> _Piece:
    header = (packet[0] & 15) * 4
    where = (packet[6] << 8 | packet[7]) & 0x1FFF
    length = packet[2] << 8 | packet[3]
    key = packet[9:10] + packet[12:20] + packet[4:6]
    return _Piece(key, packet[:header], where * 8, bool(packet[6] & 0x20), packet[header:length])


def _piece6(packet: bytes) -> _Piece:
    at = fragment_header(packet)
    where = packet[at + 2] << 8 | packet[at + 3]
    data = packet[at + 8 : 40 + (packet[4] << 8 | packet[5])]
    header = _without_fragment_header(packet[:at], packet[at])
    return _Piece(packet[8:40] + packet[at + 4 : at + 8], header, where & 0xFFF8, bool(where & 1), data)


def _without_fragment_header(head: bytes, following: int) -> bytes:
    """What stands before a Fragment header, saying what stood behind it."""
    at, place = 40, 6
    while at < len(head):
        place, at = at, at + (head[at + 1] + 1) * 8
    return head[:place] + bytes((following,)) + head[place + 1 :]


def _whole(header: bytes, body: bytes) -> bytes:
    """The packet with its own length, and, for IPv4, no trace of fragments."""
    if header[0] >> 4 == 6:
        return header[:4] + (len(header) - 40 + len(body)).to_bytes(2, "big") + header[6:] + body
    length = (len(header) + len(body)).to_bytes(2, "big")
    head = header[:2] + length + header[4:6] + b"\0\0" + header[8:10] + b"\0\0" + header[12:]
    return head[:10] + checksum(head) + head[12:] + body
