"""The packets inside EAP-MSCHAPv2 (draft-kamath-pppext-eap-mschapv2-02, 2): an operation, an id, a length."""

import re
from dataclasses import dataclass
from enum import IntEnum
from struct import Struct

from cygnet.base.errors import MalformedError
from cygnet.eap.mschap import CHALLENGE, NT_RESPONSE
from cygnet.eap.outcomes import shown
from cygnet.wire.reader import Reader

_HEADER = Struct("!BBH")
_RESPONSE = CHALLENGE + 8 + NT_RESPONSE + 1
_ERROR = re.compile(rb"E=(\d{1,10})")
_TEXT = re.compile(rb"M=([^\r\n]*)")
_SIGNATURE = re.compile(rb"S=[0-9A-Fa-f]{40}")


class Operation(IntEnum):
    """What a packet does (2.1)."""

    CHALLENGE = 1
    RESPONSE = 2
    SUCCESS = 3
    FAILURE = 4
    CHANGE_PASSWORD = 7


ERRORS = {
    646: "the account may not log on at this time",
    647: "the account is disabled",
    648: "the password has expired",
    649: "the account may not dial in",
    691: "wrong user name or password",
    709: "changing the password failed",
}


@dataclass(frozen=True, slots=True)
class Frame:
    """One packet; ``id`` ties a response to its challenge."""

    operation: Operation
    id: int
    data: bytes

    def build(self) -> bytes:
        """The octets, length filled in."""
        return _HEADER.pack(self.operation, self.id, _HEADER.size + len(self.data)) + self.data


def parse_frame(octets: bytes) -> Frame:
    """The packet in ``octets``; a bare success or failure of the peer is the operation alone (2.4, 2.6)."""
    if len(octets) == 1:
        return Frame(_operation(octets[0]), 0, b"")
    reader = Reader(octets, "EAP-MSCHAPv2")
    number, tie, size = reader.unpack(_HEADER)
    if size < _HEADER.size:
        raise MalformedError(f"EAP-MSCHAPv2: length {size} is less than that of its header")
    return Frame(_operation(number), tie, reader.take(size - _HEADER.size))


def parse_challenge(data: bytes) -> tuple[bytes, bytes]:
    """The challenge and the server's name (2.1)."""
    reader = Reader(data, "EAP-MSCHAPv2 challenge")
    _size(reader, CHALLENGE, "challenge")
    return reader.take(CHALLENGE), reader.rest()


def parse_response(data: bytes) -> tuple[bytes, bytes, bytes]:
    """The peer's challenge, its NT response and its name (2.2)."""
    reader = Reader(data, "EAP-MSCHAPv2 response")
    _size(reader, _RESPONSE, "response")
    peer_challenge, response = take_response(reader)
    reader.take(1)
    return peer_challenge, response, reader.rest()


def take_response(reader: Reader) -> tuple[bytes, bytes]:
    """The peer's challenge and NT response, eight reserved octets between them (RFC 2759, 4)."""
    challenge, _reserved, response = reader.take(CHALLENGE), reader.take(8), reader.take(NT_RESPONSE)
    return challenge, response


def build_challenge(challenge: bytes, name: bytes) -> bytes:
    """The data of a challenge."""
    return bytes([CHALLENGE]) + challenge + name


def build_response(peer_challenge: bytes, response: bytes, name: bytes) -> bytes:
    """The data of a response."""
    return bytes([_RESPONSE]) + response_value(peer_challenge, response) + b"\x00" + name


def response_value(peer_challenge: bytes, response: bytes) -> bytes:
    """The reverse of ``take_response``; flags, always zero, stand behind it or before it."""
    return peer_challenge + bytes(8) + response


def signature(message: bytes) -> bytes:
    """The server's proof in the text of a success (RFC 2759, 5), empty if there is none."""
    found = _SIGNATURE.match(message)
    return found[0].upper() if found else b""


def failure_text(message: bytes) -> str:
    """In words, what the text of a failure says (RFC 2759, 6)."""
    error, text = _ERROR.search(message), _TEXT.search(message)
    words = "no reason given"
    if error:
        words = ERRORS.get(int(error[1]), "an error we do not know") + f" (E={int(error[1])})"
    if text and text[1]:
        words += f', "{shown(text[1], 100)}"'
    return words


def _size(reader: Reader, wanted: int, what: str) -> None:
    size = reader.take(1)[0]
    if size != wanted:
        raise MalformedError(f"EAP-MSCHAPv2: {what} of {size} octets, {wanted} expected")


def _operation(number: int) -> Operation:
    if number not in Operation.__members__.values():
        raise MalformedError(f"EAP-MSCHAPv2: unknown operation {number}")
    return Operation(number)
