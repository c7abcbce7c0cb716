"""TLS messages in EAP packets: flags, lengths, fragments (RFC 5216, 2.1.5, 3.1 and 3.2; RFC 5281, 9).

A message that does not fit goes in fragments, each of which the other side acknowledges by an empty packet.
"""

from collections.abc import Callable
from dataclasses import dataclass

from cygnet.base.errors import MalformedError
from cygnet.eap.errors import EapError
from cygnet.eap.tls.options import TlsOptions
from cygnet.wire.reader import Reader

MAX_MESSAGE = 0x10000

_LENGTH, _MORE, _START, _VERSION = 0x80, 0x40, 0x20, 0x07
_OVERHEAD = 10
"""EAP header and type, flags, length."""

Advance = Callable[[bytes], bytes | None]
"""Takes a whole message and returns the next of ours (empty: only acknowledge), or None when all is done."""


@dataclass(frozen=True, slots=True)
class Frame:
    """One packet's data: ``length`` is that of the whole message where it is given."""

    data: bytes
    length: int | None = None
    more: bool = False
    start: bool = False
    version: int = 0


def parse_frame(octets: bytes) -> Frame:
    """The frame in the data of one packet."""
    reader = Reader(octets, "EAP-TLS packet")
    flags = reader.take(1)[0]
    length = int.from_bytes(reader.take(4), "big") if flags & _LENGTH else None
    return Frame(reader.rest(), length, bool(flags & _MORE), bool(flags & _START), flags & _VERSION)


class TlsLink:
    """Both directions of one conversation. ``name`` is the method's, for error texts.

    Both sides speak version 0 (of PEAP and TTLS): a server that offers more is answered with 0, a peer that
    answers more is refused (RFC 5281, 9.2). In EAP-TLS these bits are reserved and ignored.
    """

    def __init__(self, name: str, options: TlsOptions, versioned: bool) -> None:
        self._name = name
        self._room = max(options.fragment_size - _OVERHEAD, 64)
        self._include_length = options.include_length
        self._left = options.max_messages
        self._max_messages = options.max_messages
        self._versioned = versioned
        self._started = self._asks = False
        self._incoming = b""
        self._length: int | None = None
        self._outgoing = b""

    def start(self) -> bytes:
        """The first packet of a server."""
        self._started = self._asks = True
        return bytes([_START])

    def exchange(self, octets: bytes, advance: Advance) -> bytes | None:
        """The packet that answers ``octets``; ``advance`` is called when a message is whole."""
        self._count()
        frame = parse_frame(octets)
        self._check_start(frame)
        if self._outgoing:
            if frame.data or frame.more:
                raise EapError(f"{self._name}: data came where a fragment should be acknowledged")
            return self._next_fragment()
        message = self._collect(frame)
        if message is None:
            return b"\x00"
        answer = advance(message)
        return None if answer is None else self._first_fragment(answer)

    def _count(self) -> None:
        if not self._left:
            raise EapError(f"{self._name}: more than {self._max_messages} packets")
        self._left -= 1

    def _check_start(self, frame: Frame) -> None:
        if frame.start == self._started:
            what = "starts twice" if frame.start else "does not begin with its start packet"
            raise EapError(f"{self._name} {what}")
        self._started = True
        if self._asks and self._versioned and frame.version:
            raise EapError(f"{self._name}: the peer wants version {frame.version}; only 0 is known here")

    def _collect(self, frame: Frame) -> bytes | None:
        """The whole message once its last fragment is here."""
        if frame.length is not None:
            self._note_length(frame.length)
        self._incoming += frame.data
        limit = MAX_MESSAGE if self._length is None else self._length
        if len(self._incoming) > limit:
            raise MalformedError(f"{self._name}: a TLS message is longer than {limit} octets")
        if frame.more:
            if not frame.data:
                raise MalformedError(f"{self._name}: an empty fragment says that more follow")
            return None
        if self._length is not None and len(self._incoming) != self._length:
            raise MalformedError(
                f"{self._name}: a TLS message has {len(self._incoming)} octets instead of {self._length}"
            )
        message, self._incoming, self._length = self._incoming, b"", None
        return message

    def _note_length(self, length: int) -> None:
        """Only a first fragment needs the length; others may repeat it."""
        if length > MAX_MESSAGE:
            text = f"a TLS message of {length} octets; up to {MAX_MESSAGE} are taken"
            raise MalformedError(f"{self._name}: {text}")
        if self._length not in (None, length) or (self._incoming and self._length is None):
            raise MalformedError(f"{self._name}: the length of a TLS message changes within it")
        self._length = length

    def _first_fragment(self, message: bytes) -> bytes:
        self._outgoing = message
        whole = len(message) <= self._room
        if not message or (whole and not self._include_length):
            return self._next_fragment()
        return self._next_fragment(len(message))

    def _next_fragment(self, length: int | None = None) -> bytes:
        data, self._outgoing = self._outgoing[: self._room], self._outgoing[self._room :]
        flags = (_MORE if self._outgoing else 0) | (0 if length is None else _LENGTH)
        header = bytes([flags]) + (b"" if length is None else length.to_bytes(4, "big"))
        return header + data
