"""Messages in fragments, as Cisco, Microsoft and strongSwan do it (no RFC; payload type 132).

Nothing authenticates a fragment by itself. So all that a stranger can do is kept small: few messages are
collected at a time, each of limited size, and what a complete one is worth shows when it is read.
"""

from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass, field

from cygnet.base.errors import MalformedError
from cygnet.pluto.encoding.errors import InvalidFragmentError
from cygnet.pluto.encoding.message import Envelope, Parsed, build_message, chain, read_payloads
from cygnet.pluto.encoding.payloads import Fragment
from cygnet.pluto.encoding.payloads.fragment import LAST
from cygnet.wire.header import HEADER_SIZE

MAX_FRAGMENTS = 255
MAX_MESSAGES = 4
"""Messages that are being collected at a time; the oldest makes room for another."""
MAX_OCTETS = 65536

_OVERHEAD = HEADER_SIZE + 8
_IP_HEADER = {4: 20, 6: 40}
_UDP_HEADER, _MARKER = 8, 4


def message_limit(datagram: int, family: int, with_marker: bool) -> int:
    """The most octets an ISAKMP message may have so that its IP datagram has at most ``datagram``."""
    return datagram - _IP_HEADER[family] - _UDP_HEADER - (_MARKER if with_marker else 0)


def split(message: bytes, envelope: Envelope, fragment_id: int, limit: int) -> tuple[bytes, ...]:
    """A message in fragments of at most ``limit`` octets; raises ``ValueError`` when that cannot be.

    ``envelope`` is what they travel in: unencrypted, message ID 0.
    """
    size = limit - _OVERHEAD
    parts = [message[at : at + size] for at in range(0, len(message), size)] if size > 0 else []
    if not 0 < len(parts) <= MAX_FRAGMENTS:
        raise ValueError(f"{len(message)} octets do not go into fragments of {limit}")
    return tuple(_fragments(parts, envelope, fragment_id))


def _fragments(parts: list[bytes], envelope: Envelope, fragment_id: int) -> Iterator[bytes]:
    for number, part in enumerate(parts, 1):
        flags = LAST if number == len(parts) else 0
        written = chain((Fragment(fragment_id, number, flags, part),))
        yield build_message(envelope, written.first, written.octets)


@dataclass(slots=True)
class _Collection:
    """The parts of one message; ``total`` is known once the last one came."""

    parts: dict[int, bytes] = field(default_factory=dict)
    total: int = 0

    @property
    def octets(self) -> int:
        """How many there are so far."""
        return sum(map(len, self.parts.values()))


class Reassembler:
    """Collects fragments in any order."""

    def __init__(self, limit_octets: int = MAX_OCTETS) -> None:
        self._limit = limit_octets
        self._collections: OrderedDict[int, _Collection] = OrderedDict()

    @property
    def pending(self) -> int:
        """Messages that are not complete."""
        return len(self._collections)

    def add(self, parsed: Parsed) -> bytes | None:
        """The whole message, header included, once it is complete.

        Raises :class:`MalformedError` and :class:`InvalidFragmentError`, both asking for silence.
        """
        message = read_payloads(parsed, parsed.body)
        fragment = message.first(Fragment)
        if fragment is None or len(message.payloads) != 1:
            raise MalformedError("a fragment among other payloads")
        collection = self._collections.setdefault(fragment.id, _Collection())
        if len(self._collections) > MAX_MESSAGES:
            self._collections.popitem(last=False)
        self._store(fragment, collection)
        if not collection.total or len(collection.parts) < collection.total:
            return None
        del self._collections[fragment.id]
        return b"".join(collection.parts[number] for number in range(1, collection.total + 1))

    def _store(self, fragment: Fragment, collection: _Collection) -> None:
        """Keep the first of each number; a last one must be the highest, and the only one."""
        if fragment.is_last:
            collection.total = collection.total or fragment.number
        beyond = collection.total and max((fragment.number, *collection.parts)) > collection.total
        if beyond or (fragment.is_last and fragment.number != collection.total):
            del self._collections[fragment.id]
            raise InvalidFragmentError(f"fragment {fragment.number} of {collection.total}")
        collection.parts.setdefault(fragment.number, fragment.data)
        if collection.octets > self._limit:
            del self._collections[fragment.id]
            raise InvalidFragmentError(f"fragments of more than {self._limit} octets")
