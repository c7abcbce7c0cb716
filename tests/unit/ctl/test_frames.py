"""Octets on the control socket: round trips, limits and hostile input."""

from contextlib import suppress
from io import BytesIO

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cygnet.ctl.frames import (
    DONE,
    FRAME_LIMIT,
    PROMPT,
    TEXT,
    ControlError,
    conversation,
    converse,
    done_octets,
    frame_octets,
    read_frame,
    read_request,
    request_octets,
)


def test_converse_hands_out_lines_and_returns_exit_code_and_reason() -> None:
    stream = FakeStream(frame_octets(TEXT, b"one") + frame_octets(TEXT, b"two") + done_octets(1, "no"))
    lines: list[str] = []
    assert converse(stream, "status", {"name": "x"}, lines.append) == (1, "no")
    assert lines == ["one", "two"]
    assert read_request(FakeStream(stream.sent)) == {"kind": "status", "name": "x"}


def test_conversation_is_converse_with_its_request() -> None:
    stream, lines = FakeStream(frame_octets(TEXT, b"one") + done_octets(7, "why")), []
    assert conversation("status", {"name": "x"})(stream, lines.append) == (7, "why")
    assert lines == ["one"]
    assert read_request(FakeStream(stream.sent)) == {"kind": "status", "name": "x"}


def test_what_was_shown_is_flushed_before_waiting_and_before_asking() -> None:
    said: list[str] = []
    frames = [frame_octets(TEXT, b"one"), frame_octets(TEXT, b"two"), frame_octets(PROMPT, b"PIN:")]

    def ask(prompt: str) -> str:
        said.append(prompt)
        return ""

    stream = WholeStream(b"".join(frames) + done_octets(0, ""))
    converse(stream, "reread", {}, said.append, ask, lambda: said.append("flush"))
    assert said == ["flush", "one", "two", "flush", "PIN:"]


def test_prompt_is_answered_with_what_the_user_types() -> None:
    stream = FakeStream(frame_octets(PROMPT, b"Passphrase:") + done_octets(0, ""))
    asked: list[str] = []

    def answer(prompt: str) -> str:
        asked.append(prompt)
        return "secret"

    assert converse(stream, "reread", {}, print, answer) == (0, "")
    assert asked == ["Passphrase:"]
    assert stream.sent.endswith(frame_octets(b"A", b"secret"))


def test_prompt_without_anyone_to_ask_is_answered_empty() -> None:
    stream = FakeStream(frame_octets(PROMPT, b"PIN:") + done_octets(0, ""))
    converse(stream, "reread", {}, print)
    assert stream.sent.endswith(frame_octets(b"A", b""))


@pytest.mark.parametrize("octets", [b"", b"T", frame_octets(TEXT, b"abc")[:-1], frame_octets(TEXT, b"abc")])
def test_answer_cut_short_is_an_error(octets: bytes) -> None:
    with pytest.raises(ControlError, match="ended the connection"):
        converse(FakeStream(octets), "status", {}, lambda _: None)


def test_frame_of_unknown_kind_is_an_error() -> None:
    with pytest.raises(ControlError, match="unknown kind"):
        read_frame(FakeStream(b"X\0\0\0\0"))


def test_frame_longer_than_the_limit_is_refused_unread() -> None:
    with pytest.raises(ControlError, match="longer than"):
        read_frame(FakeStream(TEXT + (FRAME_LIMIT + 1).to_bytes(4, "big")))


def test_long_text_is_cut_to_the_limit() -> None:
    assert len(read_frame(FakeStream(frame_octets(TEXT, b"x" * (FRAME_LIMIT + 5))))[1]) == FRAME_LIMIT


def test_last_frame_without_exit_code_is_an_error() -> None:
    with pytest.raises(ControlError, match="exit code"):
        converse(FakeStream(frame_octets(DONE, b"")), "status", {}, lambda _: None)


def test_request_beyond_the_limit_is_not_sent() -> None:
    with pytest.raises(ControlError, match="longer than"):
        request_octets("status", {"name": "x" * (1 << 20)})


@pytest.mark.parametrize("body", [b"[]", b"{}", b'{"kind": 3}', b"\xff", b"{", b"[" * 100_000])
def test_request_that_is_no_object_with_a_kind_is_refused(body: bytes) -> None:
    with pytest.raises(ControlError):
        read_request(FakeStream(len(body).to_bytes(4, "big") + body))


@given(st.binary(max_size=200))
def test_any_octets_make_a_request_or_a_control_error(octets: bytes) -> None:
    with suppress(ControlError):
        assert isinstance(read_request(FakeStream(octets))["kind"], str)


@given(st.integers(0, 255), st.text())
def test_last_frame_round_trips(code: int, reason: str) -> None:
    assert converse(FakeStream(done_octets(code, reason)), "status", {}, lambda _: None) == (code, reason)


class WholeStream:
    """Everything arrives at once."""

    def __init__(self, incoming: bytes) -> None:
        self.incoming = BytesIO(incoming)

    def sendall(self, data: bytes) -> None:
        pass

    def recv(self, limit: int) -> bytes:
        return self.incoming.read(limit)


class FakeStream:
    """Octets to read, and what was written."""

    def __init__(self, incoming: bytes) -> None:
        self.incoming = BytesIO(incoming)
        self.sent = b""

    def sendall(self, data: bytes) -> None:
        self.sent += data

    def recv(self, limit: int) -> bytes:
        return self.incoming.read(min(limit, 3))
