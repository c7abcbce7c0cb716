"""Whack messages: how requests (:mod:`cygnet.ctl.whack`) go to pluto.

One message goes over one connection to ``pluto.ctl``: the magic ``whk``, the layout of the requests' records,
the length of the rest, and one or more requests, each an octet for its kind and its fields
(:mod:`cygnet.ctl.packed`). pluto carries them out in their order and answers with lines ``NNN text``,
NNN a result code; then comes an empty line and the end. The line of code 040 asks for a secret, which is
sent back as a line (:mod:`cygnet.ctl.whack_codes`).
"""

import struct
from collections.abc import Iterable
from typing import TYPE_CHECKING

from cygnet.ctl import whack
from cygnet.ctl.frames import ControlError, NothingAskedError
from cygnet.ctl.packed import Octets, pack, unpack
from cygnet.ctl.whack import Request

if TYPE_CHECKING:
    from cygnet.ctl.frames import Stream

MAGIC = b"whk"
LAYOUT = 2
"""Counts changes of the records; requests of :data:`BASIC` kinds keep theirs for ever."""
LIMIT = 1 << 20
REQUEST_LIMIT = 64
"""How many requests one message may have."""

_HEADER = struct.Struct(">3sBIB")

KINDS: dict[int, type[Request]] = {
    1: whack.Status, 2: whack.Shutdown,
    10: whack.Options, 11: whack.MyId, 12: whack.DeleteConnection, 13: whack.DeleteState, 14: whack.Crash,
    15: whack.AddConnection, 16: whack.DeleteAuthority, 17: whack.AddAuthority, 18: whack.Listen,
    19: whack.Unlisten, 20: whack.Reread, 21: whack.Purge, 22: whack.AddKey, 31: whack.UserCredentials,
    23: whack.Route, 24: whack.Unroute, 25: whack.Initiate, 26: whack.Opportunistic, 27: whack.Terminate,
    28: whack.List, 29: whack.Leases, 30: whack.SmartCard, 32: whack.Rekey,
}  # fmt: skip
BASIC = frozenset({1, 2})
"""Kinds whose form never changes, so that any whack can ask any pluto how it is, and end it."""
_NUMBERS = {message: number for number, message in KINDS.items()}
ORDER: tuple[type[Request], ...] = (
    *(message for number, message in KINDS.items() if number not in BASIC), whack.Status, whack.Shutdown
)  # fmt: skip
"""In which order the requests of one command line are carried out."""


def encode(requests: Iterable[Request]) -> bytes:
    """A message's octets; raises :class:`ControlError` beyond the limits."""
    chosen = tuple(requests)
    if not 1 <= len(chosen) <= REQUEST_LIMIT:
        raise ControlError(f"a whack message has 1 to {REQUEST_LIMIT} requests, not {len(chosen)}")
    body = b"".join(bytes([_NUMBERS[type(one)]]) + pack(one) for one in chosen)
    if len(body) > LIMIT:
        raise ControlError(f"whack message of {len(body)} octets is longer than {LIMIT}")
    return _HEADER.pack(MAGIC, LAYOUT, len(body), len(chosen)) + body


def receive(stream: "Stream") -> tuple[Request, ...]:
    """The requests that arrive on a connected socket; raises :class:`ControlError`."""
    head = _exactly(stream, _HEADER.size)
    magic, layout, length, count = _HEADER.unpack(head)
    if magic != MAGIC:
        raise ControlError("this is no whack message (stroke's go to charon.ctl)")
    if length > LIMIT:
        raise ControlError(f"whack message of {length} octets is longer than {LIMIT}")
    if not 1 <= count <= REQUEST_LIMIT:
        raise ControlError(f"a whack message has 1 to {REQUEST_LIMIT} requests, not {count}")
    octets = Octets(_exactly(stream, length))
    requests = tuple(_request(octets, layout) for _ in range(count))
    octets.end()
    return requests


def _request(octets: Octets, layout: int) -> Request:
    number = octets.take(1)[0]
    if layout != LAYOUT and number not in BASIC:
        raise ControlError(f"whack speaks layout {layout}, pluto {LAYOUT}: they are of different versions")
    message = KINDS.get(number)
    if message is None:
        raise ControlError(f"unknown whack request {number}")
    return unpack(message, octets)


def _exactly(stream: "Stream", size: int) -> bytes:
    parts: list[bytes] = []
    left = size
    while left:
        part = stream.recv(min(left, 1 << 16))
        if not part:
            if left == size == _HEADER.size:
                raise NothingAskedError("the client asked for nothing")
            raise ControlError("the client ended the connection before its message was complete")
        parts.append(part)
        left -= len(part)
    return b"".join(parts)
