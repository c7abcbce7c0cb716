"""ISAKMP messages: read and built (RFC 2408, 3.1, 3.2; RFC 2409, appendix B).

A message comes in two steps: :func:`parse_message` reads the header, :func:`read_payloads` the chain of
payloads, from the octets after the header or from what decryption made of them. Nothing that the first step
says is authenticated, and in phase 1 nothing of the second either.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from struct import Struct
from typing import TypeVar

from cygnet.base.errors import MalformedError
from cygnet.pluto.encoding.exchanges import exchange_name
from cygnet.pluto.encoding.payloads import PAYLOADS, Fragment, HashPayload, Notification, Payload, Unknown
from cygnet.wire.header import HEADER_SIZE, Header

MAX_PAYLOADS = 64
FLAG_ENCRYPTION, FLAG_COMMIT, FLAG_AUTHENTICATION_ONLY = 0x01, 0x02, 0x04
NO_COOKIE = bytes(8)

AnyPayload = Payload | Unknown
P = TypeVar("P", bound=AnyPayload)

_GENERIC = Struct("!BBH")
_READERS: dict[int, Callable[[bytes], Payload]] = {int(kind.payload_type): kind.parse for kind in PAYLOADS}


@dataclass(frozen=True, slots=True)
class Parsed:
    """A message as far as its header. ``body`` is what follows: payloads, or their encryption."""

    header: Header
    raw: bytes

    @property
    def body(self) -> bytes:
        """The octets after the header."""
        return self.raw[HEADER_SIZE:]

    @property
    def encrypted(self) -> bool:
        """Whether flag E is set. Flag C, the commit bit, changes nothing here (``sa.quick_mode``)."""
        return bool(self.header.flags & FLAG_ENCRYPTION)

    @property
    def fragmented(self) -> bool:
        """Whether this is a fragment of another message."""
        return self.header.next_payload == Fragment.payload_type and not self.encrypted


@dataclass(frozen=True, slots=True)
class Message:
    """The payloads of one message. ``bodies`` are their octets as they came, without generic headers.

    ``rest`` is everything after the first payload up to the end of the last, which HASH(1) and its kin cover
    (RFC 2409, 5.5).
    """

    exchange: int
    message_id: int
    payloads: tuple[AnyPayload, ...] = ()
    bodies: tuple[bytes, ...] = ()
    rest: bytes = b""

    def first(self, kind: type[P]) -> P | None:
        """The first payload of a class."""
        return next(self._of(kind), None)

    def all(self, kind: type[P]) -> tuple[P, ...]:
        """Every payload of a class, in order."""
        return tuple(self._of(kind))

    def body_of(self, kind: type[P]) -> bytes:
        """The octets of the first payload of a class; empty if there is none."""
        pairs = zip(self.payloads, self.bodies, strict=True)
        return next((body for payload, body in pairs if isinstance(payload, kind)), b"")

    def notify(self, notify_type: int) -> Notification | None:
        """The first notification of a type."""
        return next((one for one in self._of(Notification) if one.type == notify_type), None)

    def describe(self, response: bool) -> str:
        """``ID_PROT request 0 [ SA V V ]``, as strongSwan's log has it."""
        return describe(self.exchange, self.message_id, response, self.payloads)

    def _of(self, kind: type[P]) -> Iterator[P]:
        return (payload for payload in self.payloads if isinstance(payload, kind))


def describe(exchange: int, message_id: int, response: bool, payloads: Sequence[AnyPayload]) -> str:
    """A message in one line. ``response``: it answers one of the same exchange."""
    kind = "response" if response else "request"
    shown = (payload.describe() for payload in payloads)
    return " ".join((exchange_name(exchange), kind, str(message_id), "[", *shown, "]"))


def parse_message(data: bytes) -> Parsed:
    """The header; raises :class:`MalformedError`. The version is not looked at."""
    return Parsed(Header.parse(data), data)


def read_payloads(parsed: Parsed, body: bytes) -> Message:
    """The chain of payloads in ``body``; raises :class:`MalformedError` and the errors of payloads.

    What follows the last payload is padding (RFC 2409, appendix B), whose contents nobody agrees on.
    """
    header = parsed.header
    payloads: list[AnyPayload] = []
    bodies: list[bytes] = []
    kind, at, first_end = header.next_payload, 0, 0
    while kind:
        if len(payloads) == MAX_PAYLOADS:
            raise MalformedError(f"more than {MAX_PAYLOADS} payloads")
        following, content, end = _read_generic(body, at, kind)
        payloads.append(_payload(kind, content))
        bodies.append(content)
        kind, at = following, end
        first_end = first_end or end
    return Message(
        header.exchange, header.message_id, tuple(payloads), tuple(bodies), body[first_end:at]
    )


@dataclass(frozen=True, slots=True)
class Chain:
    """Payloads written one after the other; ``first`` is the type of the first."""

    first: int
    octets: bytes


def chain(payloads: Sequence[AnyPayload]) -> Chain:
    """The payloads with their generic headers."""
    parts: list[bytes] = []
    following = 0
    for payload in reversed(payloads):
        body = payload.build()
        parts.append(_GENERIC.pack(following, 0, len(body) + _GENERIC.size) + body)
        following = int(payload.payload_type)
    parts.reverse()
    return Chain(following, b"".join(parts))


def with_hash(covered: Chain, data: bytes) -> Chain:
    """A HASH payload before the payloads that it covers (RFC 2409, 5.5)."""
    head = _GENERIC.pack(covered.first, 0, len(data) + _GENERIC.size)
    return Chain(int(HashPayload.payload_type), head + data + covered.octets)


@dataclass(frozen=True, slots=True)
class Envelope:
    """The fields of a header that the payloads do not determine."""

    cookie_i: bytes
    cookie_r: bytes
    exchange: int
    message_id: int
    encrypted: bool = False


def build_message(envelope: Envelope, first: int, body: bytes) -> bytes:
    """The whole message; ``body`` is a chain, or its encryption."""
    flags = FLAG_ENCRYPTION if envelope.encrypted else 0
    size = HEADER_SIZE + len(body)
    header = Header(
        envelope.cookie_i, envelope.cookie_r, first, 1, 0, envelope.exchange, flags, envelope.message_id, size
    )
    return header.build() + body


def _read_generic(body: bytes, at: int, kind: int) -> tuple[int, bytes, int]:
    """The next payload's type, this one's octets, and where it ends (RFC 2408, 5.3)."""
    left = len(body) - at
    if left < _GENERIC.size:
        raise MalformedError(f"payload of type {kind} announced, {left} octets left")
    following, reserved, length = _GENERIC.unpack_from(body, at)
    if not _GENERIC.size <= length <= left:
        raise MalformedError(f"payload of type {kind} with length {length}, {left} octets left")
    if reserved:
        raise MalformedError(f"payload of type {kind} with reserved octet {reserved:#04x}")
    return following, body[at + _GENERIC.size : at + length], at + length


def _payload(kind: int, content: bytes) -> AnyPayload:
    reader = _READERS.get(kind)
    return Unknown(kind, content) if reader is None else reader(content)
