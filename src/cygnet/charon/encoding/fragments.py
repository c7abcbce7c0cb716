"""Reassembly of fragmented messages (RFC 7383, 2.6)."""

from cygnet.charon.encoding.errors import InvalidFragmentError
from cygnet.charon.encoding.message import MAX_FRAGMENTS, Message, Parsed, open_message, open_part, with_inner
from cygnet.charon.encoding.payloads import EncryptedFragment
from cygnet.crypto.interfaces import Sealer

LIMIT_FRAGMENTS = MAX_FRAGMENTS
LIMIT_OCTETS = 65536

_IP_HEADER = {4: 20, 6: 40}
_UDP_HEADER = 8
_MARKER = 4


def message_limit(datagram: int, family: int, with_marker: bool) -> int:
    """The most octets an IKE message may have so that its IP datagram has at most ``datagram``.

    ``with_marker``: it goes over port 4500, behind the non-ESP marker (RFC 3948, 2.2).
    """
    return datagram - _IP_HEADER[family] - _UDP_HEADER - (_MARKER if with_marker else 0)


class Reassembler:
    """Collects the fragments of one message at a time, in any order.

    The caller has checked that the message ID is the one expected. Content is kept decrypted, and only
    after its integrity check, so that a forged fragment costs nothing but that check.
    """

    __slots__ = ("_first", "_identity", "_limit_fragments", "_limit_octets", "_octets", "_parts", "_total")

    def __init__(self, limit_fragments: int = LIMIT_FRAGMENTS, limit_octets: int = LIMIT_OCTETS) -> None:
        self._limit_fragments = limit_fragments
        self._limit_octets = limit_octets
        self.clear()

    def clear(self) -> None:
        """Forgets what was collected, as the timeout demands."""
        self._identity: tuple[object, ...] = ()
        self._total = 0
        self._octets = 0
        self._parts: dict[int, bytes] = {}
        self._first: Parsed | None = None

    @property
    def pending(self) -> int:
        """Fragments collected of a message that is not complete."""
        return len(self._parts)

    def add(self, parsed: Parsed, sealer: Sealer) -> Message | None:
        """The message once it is complete; ``None`` while parts are missing, and for a repeated part.

        A message that is no fragment is opened at once, and takes the place of its own fragments.
        Raises :class:`IntegrityError` or :class:`InvalidFragmentError`, both asking for silence, and for
        a complete message what :func:`open_message` raises.
        """
        part = parsed.fragment
        if part is None:
            message = open_message(parsed, sealer)
            self.clear()
            return message
        if self._is_repeated(parsed, part):
            return None
        content = open_part(parsed, sealer)
        self._store(parsed, part, content)
        return self._finish() if len(self._parts) == self._total else None

    def _is_repeated(self, parsed: Parsed, part: EncryptedFragment) -> bool:
        """Whether the part is already here; raises when it cannot be wanted at all."""
        if part.total > self._limit_fragments:
            raise InvalidFragmentError(f"{part.total} fragments, at most {self._limit_fragments} are taken")
        if _identity(parsed) != self._identity:
            return False
        if part.total < self._total:
            raise InvalidFragmentError(f"fragment of {part.total} after one of {self._total}")
        return part.total == self._total and part.number in self._parts

    def _store(self, parsed: Parsed, part: EncryptedFragment, content: bytes) -> None:
        identity = _identity(parsed)
        if identity != self._identity or part.total > self._total:
            self.clear()
            self._identity, self._total = identity, part.total
        self._octets += len(content)
        if self._octets > self._limit_octets:
            self.clear()
            raise InvalidFragmentError(f"fragments of more than {self._limit_octets} octets")
        self._parts[part.number] = content
        if part.number == 1:
            self._first = parsed

    def _finish(self) -> Message:
        first = self._first
        assert first is not None, "all parts, so the first as well"
        content = b"".join(self._parts[number] for number in range(1, self._total + 1))
        self.clear()
        return with_inner(first, content)


def _identity(parsed: Parsed) -> tuple[object, ...]:
    """What the fragments of one message have in common (RFC 7383, 2.5)."""
    header = parsed.header
    return header.message_id, header.exchange, header.flags, header.spi_i, header.spi_r
