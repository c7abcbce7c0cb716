"""How daemons answer: charon in frames (``ctl.frames``), pluto in lines (``ctl.whack``)."""

from typing import Protocol

from cygnet.ctl import frames, whack_codes
from cygnet.ctl.frames import ControlError

MAX_TEXT_LINES = 100
LINE_LIMIT = 1 << 16
_TALK = -1

End = tuple[int, str]
"""The exit code and, after a failure, why."""


class AnswerReader(Protocol):
    """Reads one answer as it comes in."""

    texts: list[str]

    def feed(self, octets: bytes) -> End | None:
        """Take what came; the end once it is there. Raises ``ControlError`` for what is no answer."""


class FrameReader:
    """charon's."""

    def __init__(self) -> None:
        self.texts: list[str] = []
        self._buffer = bytearray()

    def feed(self, octets: bytes) -> End | None:
        """See :class:`AnswerReader`."""
        self._buffer += octets
        while (frame := split_frame(self._buffer)) is not None:
            kind, body = frame
            if kind == frames.DONE:
                return frames.done_of(body)
            if kind == frames.TEXT and len(self.texts) < MAX_TEXT_LINES:
                self.texts.append(body.decode("utf-8", "replace"))
        return None


class LineReader:
    """pluto's. The reason of a failure is the line with the last significant code."""

    def __init__(self) -> None:
        self.texts: list[str] = []
        self._buffer = b""
        self._end: End = 0, ""

    def feed(self, octets: bytes) -> End | None:
        """See :class:`AnswerReader`."""
        *lines, self._buffer = (self._buffer + octets).split(b"\n")
        if len(self._buffer) > LINE_LIMIT:
            raise ControlError("a line of pluto's answer has no end")
        for line in lines:
            if not line:
                return self._end
            self._take(line.decode("utf-8", "replace"))
        return None

    def _take(self, line: str) -> None:
        code = whack_codes.code_of(line)
        text = line.partition(" ")[2]
        status = whack_codes.exit_status((code,), _TALK)
        if status != _TALK:
            self._end = status, text if status else ""
        if len(self.texts) < MAX_TEXT_LINES:
            self.texts.append(text)


def split_frame(buffer: bytearray) -> tuple[bytes, bytes] | None:
    """Take the first whole frame off ``buffer``; raises ``ControlError`` for what is no frame."""
    if len(buffer) < 5:
        return None
    kind, length = bytes(buffer[:1]), int.from_bytes(buffer[1:5], "big")
    if kind not in frames.KINDS or length > frames.FRAME_LIMIT:
        raise ControlError("charon's answer is not of the agreed form")
    if len(buffer) < 5 + length:
        return None
    body = bytes(buffer[5 : 5 + length])
    del buffer[: 5 + length]
    return kind, body
