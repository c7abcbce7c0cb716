"""Answers of both daemons, in whatever pieces they arrive."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cygnet.ctl import frames, whack_codes
from cygnet.ctl.frames import ControlError
from cygnet.starter.answers import LINE_LIMIT, AnswerReader, FrameReader, LineReader

FRAMES = frames.frame_octets(frames.TEXT, b"one") + frames.done_octets(1, "no")
LINES = b"002 one\n021 unknown\n000 a word\n" + whack_codes.END


def read(reader: AnswerReader, octets: bytes, size: int) -> tuple[int, str] | None:
    for begin in range(0, len(octets), size):
        if (end := reader.feed(octets[begin : begin + size])) is not None:
            return end
    return None


@given(st.integers(1, 100))
def test_pieces_make_no_difference(size: int) -> None:
    framed, lined = FrameReader(), LineReader()
    assert read(framed, FRAMES, size) == (1, "no")
    assert read(lined, LINES, size) == (21, "unknown")
    assert (framed.texts, lined.texts) == (["one"], ["one", "unknown", "a word"])


@pytest.mark.parametrize(
    ("octets", "end"),
    [
        (b"\n", (0, "")),
        (b"003 bad\n004 good\n\n", (0, "")),
        (b"003 one\n003 other\n\n", (3, "other")),
        (b"003 half", None),
    ],
)
def test_last_significant_line_is_the_end(octets: bytes, end: tuple[int, str] | None) -> None:
    assert LineReader().feed(octets) == end


@pytest.mark.parametrize("octets", [b"nonsense\n", b"x" * (LINE_LIMIT + 1)])
def test_what_is_no_answer_is_refused(octets: bytes) -> None:
    with pytest.raises(ControlError):
        LineReader().feed(octets)
