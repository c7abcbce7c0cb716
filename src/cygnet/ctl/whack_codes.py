"""pluto's answers: lines ``NNN text``, NNN a result code, and what whack ends with."""

from collections.abc import Iterable
from enum import IntEnum

from cygnet.ctl.frames import ControlError


class Rc(IntEnum):
    """Result codes. Some of strongSwan's share a number: 30 is also "initiated shunt", 31 "wildcard"."""

    COMMENT = 0
    WHACK_PROBLEM = 1
    LOG = 2
    LOG_SERIOUS = 3
    SUCCESS = 4
    RETRANSMISSION = 10
    DUPLICATE_NAME = 20
    UNKNOWN_NAME = 21
    ORIENT = 22
    CLASH = 23
    DEAF = 24
    ROUTE = 25
    ROUTE_BUSY = 26
    BAD_ID = 27
    NO_KEY = 28
    NO_PEER_IP = 29
    BAD_WHACK_MESSAGE = 30
    NO_RETRANSMISSION = 31
    INTERNAL_ERROR = 32
    OPPORTUNISM_FAILED = 33
    ENTER_SECRET = 40
    NEW_STATE = 100  # plus the number of the state
    NOTIFICATION = 200  # plus that of the notify message type


def line_octets(code: int, text: str) -> bytes:
    """One line of an answer, or several where the text has several."""
    lines = text.splitlines() or [""]
    return b"".join(f"{code:03} {line}\n".encode(errors="replace") for line in lines)


END = b"\n"
"""The last line of an answer."""


def code_of(line: str) -> int:
    """The code of a line; raises :class:`ControlError` if it has none."""
    code, blank, _ = line.partition(" ")
    if not (code.isascii() and code.isdigit() and 3 <= len(code) <= 5 and blank):
        raise ControlError(f"pluto's answer is not of the agreed form: {line!r:.40}")
    return int(code)


def exit_status(codes: Iterable[int], status: int = 0) -> int:
    """What whack ends with: the last code that tells of more than progress; 0 for success.

    ``status`` is what earlier codes came to.
    """
    for code in codes:
        if code not in _TALK:
            status = 0 if code == Rc.SUCCESS else min(code, 255)
    return status


_TALK = frozenset({Rc.COMMENT, Rc.LOG, Rc.ENTER_SECRET})
