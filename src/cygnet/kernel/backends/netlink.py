"""Netlink, as far as we speak it ourselves: messages, attributes, requests, dumps (netlink(7)).

A request is acknowledged before :meth:`Netlink.ask` returns; a refusal carries the error number and, from
kernels that have it, the kernel's own words (NLMSGERR_ATTR_MSG). Everything is in the byte order of the host.
"""

import errno
import os
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from struct import Struct

from cygnet.base.records import record

HEADER = Struct("=IHHII")
_ATTRIBUTE = Struct("=HH")
_NUMBER = Struct("=i")
_TIME = Struct("@ll")  # a struct timeval
REQUEST, ACK, ROOT_MATCH, REPLACE, EXCLUSIVE, CREATE = 0x1, 0x4, 0x300, 0x100, 0x200, 0x400
_ERROR, _DONE = 2, 3
_CAPPED, _ACK_TLVS = 0x100, 0x200
_ATTR_MSG = 1
_TYPE_MASK = 0x3FFF
"""Without NLA_F_NESTED and NLA_F_NET_BYTEORDER."""
_SOL_NETLINK = 270
_CAP_ACK, _EXT_ACK = 10, 11
RECEIVE = 65536
ANSWER_S = 5.0
"""Deadline of one answer; the kernel answers while the request is being sent."""
MAX_DUMP = 1_000_000
"""Messages in one dump."""


class RefusedError(Exception):
    """The kernel refused: ``number`` is an errno, ``words`` what the kernel said, often nothing."""

    def __init__(self, number: int, words: str = "") -> None:
        super().__init__(words or os.strerror(number))
        self.number = number
        self.words = words


@record
class Message:
    """One message: type, flags, sequence number and port of who asked, and what follows the header."""

    kind: int
    flags: int
    sequence: int
    port: int
    body: bytes


def split(data: bytes) -> Iterator[Message]:
    """The messages of a datagram; ends before one that is cut off."""
    at = 0
    while at + HEADER.size <= len(data):
        length, kind, flags, sequence, port = HEADER.unpack_from(data, at)
        if not HEADER.size <= length <= len(data) - at:
            return
        yield Message(kind, flags, sequence, port, data[at + HEADER.size : at + length])
        at += (length + 3) & ~3


def attribute(kind: int, value: bytes) -> bytes:
    """One attribute, padded to four octets."""
    return _ATTRIBUTE.pack(_ATTRIBUTE.size + len(value), kind) + value + bytes(-len(value) % 4)


def attributes(data: bytes) -> dict[int, bytes]:
    """Attributes by type; ends before one that is cut off."""
    found: dict[int, bytes] = {}
    at = 0
    while at + _ATTRIBUTE.size <= len(data):
        length, kind = _ATTRIBUTE.unpack_from(data, at)
        if not _ATTRIBUTE.size <= length <= len(data) - at:
            break
        found[kind & _TYPE_MASK] = data[at + _ATTRIBUTE.size : at + length]
        at += (length + 3) & ~3
    return found


class Netlink:
    """A netlink socket for requests; one at a time, from any thread. Raises ``OSError`` on opening.

    The kernel repeats ``port`` in what it tells everybody about our requests.
    """

    def __init__(self, family: int) -> None:
        self._socket = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, family)
        self._lock = threading.Lock()
        self._sequence = 0
        try:
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, _TIME.pack(int(ANSWER_S), 0))
            self._socket.bind((0, 0))
            self.port: int = self._socket.getsockname()[0]
            for option in (_CAP_ACK, _EXT_ACK):
                with suppress(OSError):
                    self._socket.setsockopt(_SOL_NETLINK, option, 1)
        except OSError:
            self._socket.close()
            raise

    def ask(self, kind: int, body: bytes, flags: int = 0) -> tuple[int, tuple[Message, ...]]:
        """Send one request; its sequence number and the answers before its acknowledgement.

        Raises :class:`RefusedError`, also when no answer comes.
        """
        with self._lock, _answered():
            sequence = self._send(kind, body, REQUEST | ACK | flags)
            answers: list[Message] = []
            while True:
                for message in self._receive(sequence):
                    if message.kind == _ERROR:
                        _raise_if_refused(message)
                        return sequence, tuple(answers)
                    answers.append(message)

    def dump(self, kind: int, body: bytes = b"") -> list[Message]:
        """All entries of a table; raises as :meth:`ask` does."""
        with self._lock, _answered():
            sequence = self._send(kind, body, REQUEST | ROOT_MATCH)
            found: list[Message] = []
            while len(found) < MAX_DUMP:
                for message in self._receive(sequence):
                    if message.kind == _ERROR:
                        _raise_if_refused(message)
                    if message.kind in (_ERROR, _DONE):
                        return found
                    found.append(message)
            raise RefusedError(errno.E2BIG, f"more than {MAX_DUMP} entries")

    def close(self) -> None:
        """Close the socket."""
        self._socket.close()

    def _send(self, kind: int, body: bytes, flags: int) -> int:
        self._sequence = (self._sequence + 1) & 0xFFFFFFFF
        header = HEADER.pack(HEADER.size + len(body), kind, flags, self._sequence, self.port)
        self._socket.sendto(header + body, (0, 0))
        return self._sequence

    def _receive(self, sequence: int) -> Iterator[Message]:
        """Messages of one datagram that answer this request; a late answer to an earlier one is skipped."""
        data, sender = self._socket.recvfrom(RECEIVE)
        if sender[0] == 0:
            yield from (message for message in split(data) if message.sequence == sequence)


@contextmanager
def _answered() -> Iterator[None]:
    """A socket that fails is a refusal too."""
    try:
        yield
    except BlockingIOError as error:
        raise RefusedError(errno.ETIMEDOUT, "the kernel did not answer") from error
    except OSError as error:
        raise RefusedError(error.errno or errno.ETIMEDOUT, "the kernel did not answer") from error


def _raise_if_refused(message: Message) -> None:
    number = -_NUMBER.unpack_from(message.body)[0]
    if number:
        raise RefusedError(number, _words(message))


def _words(message: Message) -> str:
    """NLMSGERR_ATTR_MSG, behind the header (or all) of the refused request."""
    if not message.flags & _ACK_TLVS or len(message.body) < 4 + HEADER.size:
        return ""
    refused_length = HEADER.unpack_from(message.body, 4)[0]
    skip = HEADER.size if message.flags & _CAPPED else (refused_length + 3) & ~3
    text = attributes(message.body[4 + skip :]).get(_ATTR_MSG, b"")
    return text.rstrip(b"\0").decode("utf-8", "replace")
