"""IKEv2 messages: read, opened, built and sealed (RFC 7296, 3.1, 3.2, 3.14; RFC 7383, 2.5).

A message comes in two steps, since everything before the integrity check is anybody's word:
:func:`parse_message` reads the header and the payloads in the clear, :func:`open_message` (or a
:class:`~cygnet.charon.encoding.fragments.Reassembler`) verifies, decrypts and reads the rest. An error of
the first step concerns a message that may be forged: it never ends an SA.
"""

from collections.abc import Callable, Iterable
from dataclasses import field
from struct import Struct
from typing import TypeVar

from cygnet.base.errors import MalformedError
from cygnet.base.records import record
from cygnet.charon.encoding.errors import InvalidSyntaxError, UnsupportedCriticalPayloadError
from cygnet.charon.encoding.exchanges import Exchange, exchange_name
from cygnet.charon.encoding.payloads import (
    PAYLOADS,
    Encrypted,
    EncryptedFragment,
    Notify,
    Payload,
    PayloadType,
    Unknown,
)
from cygnet.crypto.errors import IntegrityError
from cygnet.crypto.interfaces import Sealer
from cygnet.wire.header import FLAG_INITIATOR, FLAG_RESPONSE, HEADER_SIZE, Header

MAX_PAYLOADS, MAX_INNER_PAYLOADS = 64, 400
"""Outside and inside of encryption; hosts with hundreds of addresses tell of all (RFC 4555, 3.4)."""
"""Payloads in one message, those in the clear and those inside SK counted apart."""
MAX_FRAGMENTS = 128
"""Fragments that we make, and take, of one message."""

AnyPayload = Payload | Unknown
EncryptedPart = Encrypted | EncryptedFragment

P = TypeVar("P", bound=AnyPayload)

_GENERIC = Struct("!BBH")
_NUMBERS = Struct("!HH")
_CRITICAL = 0x80
_NEXT_PAYLOAD = 16  # where the header has the type of the first payload
_ENCRYPTED: tuple[int, int] = (PayloadType.SK, PayloadType.SKF)
_READERS: dict[int, Callable[[bytes], Payload]] = {
    int(kind.payload_type): kind.parse for kind in PAYLOADS if kind.payload_type not in _ENCRYPTED
}
_FRAGMENT_OVERHEAD = HEADER_SIZE + _GENERIC.size + _NUMBERS.size


@record
class Message:
    """One request or response.

    ``initiator``: sent by the original initiator of the IKE_SA. A message that was opened carries first
    the payloads that stood in the clear, then those that were encrypted. ``covered``, of a received
    IKE_INTERMEDIATE message only, is what IntAuth covers of it (RFC 9242, 3.3.2).
    """

    exchange: int
    spi_i: bytes
    spi_r: bytes
    message_id: int
    initiator: bool
    response: bool
    payloads: tuple[AnyPayload, ...] = ()
    minor: int = 0
    covered: bytes = field(default=b"", repr=False, compare=False)

    def first(self, kind: type[P]) -> P | None:
        """The first payload of a class."""
        for payload in self.payloads:
            if isinstance(payload, kind):
                return payload
        return None

    def all(self, kind: type[P]) -> tuple[P, ...]:
        """Every payload of a class, in order."""
        return tuple([payload for payload in self.payloads if isinstance(payload, kind)])

    def notify(self, notify_type: int) -> Notify | None:
        """The first notification of a type."""
        for payload in self.payloads:
            if isinstance(payload, Notify) and payload.type == notify_type:
                return payload
        return None

    @property
    def notifies(self) -> tuple[Notify, ...]:
        """Every notification, in order."""
        return self.all(Notify)

    def describe(self) -> str:
        """``IKE_SA_INIT request 0 [ SA KE No N(NATD_S_IP) ]``, as charon's log has it."""
        return self._line(self.payloads)

    def _line(self, payloads: Iterable[AnyPayload | EncryptedPart]) -> str:
        kind = "response" if self.response else "request"
        texts = [payload.describe() for payload in payloads]
        return " ".join([exchange_name(self.exchange), kind, str(self.message_id), "[", *texts, "]"])


@record
class Parsed:
    """A message as far as it can be read without keys. ``message`` has the payloads in the clear."""

    message: Message
    encrypted: EncryptedPart | None
    header: Header
    raw: bytes

    @property
    def fragment(self) -> EncryptedFragment | None:
        """The fragment that this message carries, if it carries one."""
        return self.encrypted if isinstance(self.encrypted, EncryptedFragment) else None

    def describe(self) -> str:
        """The log line of a message not opened: ``IKE_AUTH request 1 [ EF(1/3) ]``."""
        last = () if self.encrypted is None else (self.encrypted,)
        return self.message._line((*self.message.payloads, *last))


def parse_message(data: bytes) -> Parsed:
    """The header and the payloads in the clear.

    Raises :class:`MalformedError` for octets against the grammar, and
    :class:`UnsupportedCriticalPayloadError` (RFC 7296, 2.5).
    :class:`~cygnet.charon.encoding.errors.InvalidFragmentError` asks for silence.
    The version is not looked at.
    """
    header = Header.parse(data)
    payloads, encrypted = _read_chain(data, HEADER_SIZE, header.next_payload)
    message = Message(
        header.exchange, header.spi_i, header.spi_r, header.message_id,
        header.from_initiator, header.is_response, tuple(payloads), header.minor,
    )  # fmt: skip
    return Parsed(message, encrypted, header, data)


def open_message(parsed: Parsed, sealer: Sealer) -> Message:
    """The whole message: integrity first, then padding, then the payloads inside.

    Raises :class:`IntegrityError`, which asks for silence, when the SK payload is not the peer's; what
    else it raises is the peer's own doing. ``parsed`` carries an SK payload that is no fragment.
    """
    if not isinstance(parsed.encrypted, Encrypted):
        raise ValueError("no SK payload to open")
    return with_inner(parsed, open_part(parsed, sealer))


def open_part(parsed: Parsed, sealer: Sealer) -> bytes:
    """The verified, decrypted content of the SK or SKF payload, without padding."""
    part = parsed.encrypted
    if part is None:
        raise ValueError("no encrypted payload to open")
    iv_size, sealed = sealer.iv_size, part.data
    if len(sealed) <= iv_size + sealer.icv_size:
        raise IntegrityError(f"encrypted payload with {len(sealed)} octets of data")
    aad = parsed.raw[: len(parsed.raw) - len(sealed)]
    plaintext = sealer.open(sealed[:iv_size], sealed[iv_size:], aad)
    padding = plaintext[-1] + 1
    if padding > len(plaintext):
        raise InvalidSyntaxError(f"{padding} octets of padding in {len(plaintext)}")
    return plaintext[: len(plaintext) - padding]


def with_inner(parsed: Parsed, content: bytes) -> Message:
    """The message with the payloads in ``content`` added; ``parsed`` is it, or its first fragment.

    A known payload beside the encrypted one is refused: no exchange has any (RFC 7383, 2.5.3).
    """
    message, part = parsed.message, parsed.encrypted
    if part is None:
        raise ValueError("no encrypted payload")
    if any(isinstance(payload, Payload) for payload in message.payloads):
        raise InvalidSyntaxError("a payload that must be encrypted is in the clear")
    inner, encrypted = _read_chain(content, 0, part.next, MAX_INNER_PAYLOADS)
    if encrypted is not None:
        raise InvalidSyntaxError("an encrypted payload inside an encrypted payload")
    covered = _covered(parsed, part, content) if message.exchange == Exchange.IKE_INTERMEDIATE else b""
    return Message(
        message.exchange, message.spi_i, message.spi_r, message.message_id, message.initiator,
        message.response, (*message.payloads, *inner), message.minor, covered,
    )  # fmt: skip


def covered_octets(message: Message) -> bytes:
    """What IntAuth covers of a message of ours, however it is going to travel (RFC 9242, 3.3.2)."""
    first, content = _write_chain(message.payloads)
    length = _GENERIC.size + len(content)
    return _header(message, PayloadType.SK, length) + _GENERIC.pack(first, 0, length) + content


def _covered(parsed: Parsed, part: EncryptedPart, content: bytes) -> bytes:
    """The same of the peer's: its octets as they came, whole, unencrypted, the two lengths adjusted.

    A first fragment becomes the front of the message that it is from: without the two fragment numbers,
    and announced as SK. All else, reserved bits included, stays as the peer sent it.
    """
    raw = parsed.raw
    front = bytearray(raw[: len(raw) - len(part.data)])
    if isinstance(part, EncryptedFragment):
        del front[-_NUMBERS.size :]
        front[_announcement(front)] = PayloadType.SK
    front[-2:] = (_GENERIC.size + len(content)).to_bytes(2, "big")
    front[HEADER_SIZE - 4 : HEADER_SIZE] = (len(front) + len(content)).to_bytes(4, "big")
    return bytes(front) + content


def _announcement(front: bytearray) -> int:
    """Where the type of the last payload stands, whose generic header ends ``front``."""
    at, following = _NEXT_PAYLOAD, HEADER_SIZE
    while following < len(front) - _GENERIC.size:
        at, following = following, following + int.from_bytes(front[following + 2 : following + 4], "big")
    return at


def build_clear(message: Message) -> bytes:
    """The message without encryption."""
    first, content = _write_chain(message.payloads)
    return _header(message, first, len(content)) + content


def build_protected(message: Message, sealer: Sealer, iv: bytes) -> bytes:
    """The message with all its payloads inside one SK payload. ``iv`` has the sealer's ``iv_size``."""
    first, content = _write_chain(message.payloads)
    return _seal(message, _Part(PayloadType.SK, first, b"", content), sealer, iv)


def build_fragments(message: Message, sealer: Sealer, ivs: Callable[[], bytes], limit: int) -> list[bytes]:
    """The message in datagrams of at most ``limit`` octets: one with SK if it fits, or several with SKF.

    ``limit`` counts the IKE message alone: see
    :func:`~cygnet.charon.encoding.fragments.message_limit`. ``ivs`` gives a new IV at each call. Raises
    ``ValueError`` when the limit leaves no room, or more than ``MAX_FRAGMENTS`` would be needed.
    """
    first, content = _write_chain(message.payloads)
    if HEADER_SIZE + _GENERIC.size + _sealed_size(len(content), sealer) <= limit:
        return [_seal(message, _Part(PayloadType.SK, first, b"", content), sealer, ivs())]
    size = _chunk_size(sealer, limit)
    chunks = [content[at : at + size] for at in range(0, len(content), size)] if size > 0 else []
    if not 0 < len(chunks) <= MAX_FRAGMENTS:
        raise ValueError(f"{len(content)} octets do not go into fragments of {limit}")
    return [
        _seal(message, _fragment(first, number, len(chunks), chunk), sealer, ivs())
        for number, chunk in enumerate(chunks, 1)
    ]


@record
class _Part:
    """What an SK or SKF payload is to carry; ``front`` stands before the IV."""

    kind: int
    first: int
    front: bytes
    content: bytes


def _read_chain(
    data: bytes, at: int, first: int, most: int = MAX_PAYLOADS
) -> tuple[list[AnyPayload], EncryptedPart | None]:
    payloads: list[AnyPayload] = []
    kind, end = first, len(data)
    while kind:
        if len(payloads) == most:
            raise MalformedError(f"more than {most} payloads")
        if end - at < 4:
            raise MalformedError(f"payload of type {kind} announced, {end - at} octets left")
        following, flags, length = _GENERIC.unpack_from(data, at)
        if not 4 <= length <= end - at:
            raise MalformedError(f"payload of type {kind} with length {length}, {end - at} octets left")
        body = data[at + 4 : at + length]
        at += length
        if kind in _ENCRYPTED:
            return payloads, _encrypted(kind, following, body, end - at)
        payloads.append(_payload(kind, flags, body))
        kind = following
    if at != end:
        raise MalformedError(f"{end - at} octets after the last payload")
    return payloads, None


def _payload(kind: int, flags: int, body: bytes) -> AnyPayload:
    reader = _READERS.get(kind)
    if reader is not None:
        return reader(body)
    if flags & _CRITICAL:
        raise UnsupportedCriticalPayloadError(f"critical payload of unknown type {kind}", kind)
    return Unknown(kind, False, body)


def _encrypted(kind: int, following: int, body: bytes, left: int) -> EncryptedPart:
    if left:
        raise MalformedError(f"{left} octets after the encrypted payload")
    if kind == PayloadType.SK:
        return Encrypted.parse(body, following)
    return EncryptedFragment.parse(body, following)


def _write_chain(payloads: tuple[AnyPayload, ...]) -> tuple[int, bytes]:
    parts: list[bytes] = []
    following = 0
    for payload in reversed(payloads):
        body = payload.build()
        flags = _CRITICAL if isinstance(payload, Unknown) and payload.critical else 0
        parts.append(body)
        parts.append(_GENERIC.pack(following, flags, len(body) + 4))
        following = payload.payload_type
    parts.reverse()
    return following, b"".join(parts)


def _header(message: Message, first: int, length: int) -> bytes:
    flags = (FLAG_INITIATOR if message.initiator else 0) | (FLAG_RESPONSE if message.response else 0)
    return Header(
        message.spi_i, message.spi_r, first, 2, message.minor,
        message.exchange, flags, message.message_id, HEADER_SIZE + length,
    ).build()  # fmt: skip


def _fragment(first: int, number: int, total: int, content: bytes) -> _Part:
    return _Part(PayloadType.SKF, first if number == 1 else 0, _NUMBERS.pack(number, total), content)


def _seal(message: Message, part: _Part, sealer: Sealer, iv: bytes) -> bytes:
    padding = -(len(part.content) + 1) % sealer.block_size
    length = _GENERIC.size + len(part.front) + _sealed_size(len(part.content), sealer)
    generic = _GENERIC.pack(part.first, 0, length)
    aad = _header(message, part.kind, length) + generic + part.front
    return aad + iv + sealer.seal(iv, part.content + bytes(padding) + bytes([padding]), aad)


def _sealed_size(size: int, sealer: Sealer) -> int:
    padded = size + 1 + -(size + 1) % sealer.block_size
    return sealer.iv_size + padded + sealer.icv_size


def _chunk_size(sealer: Sealer, limit: int) -> int:
    room = limit - _FRAGMENT_OVERHEAD - sealer.iv_size - sealer.icv_size
    return room - room % sealer.block_size - 1
