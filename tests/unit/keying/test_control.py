"""What becomes of clients and their requests, in whatever language they talk."""

import socket
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from cygnet.base.errors import LocalError
from cygnet.ctl.frames import ControlError, NothingAskedError
from cygnet.keying.control import BugError, ClientLimits, ControlServer, Language
from cygnet.runtime.control_socket import ClientGoneError, DeadlineStream, listen


class Words:
    """Each word of a line is a request; the answer is the word, or what was wrong with it."""

    def __init__(self, client: socket.socket) -> None:
        self.client = client

    def receive(self, stream: DeadlineStream) -> Sequence[str]:
        text = stream.recv(100).decode()
        if not text:
            raise NothingAskedError("nothing")
        if not text.islower():
            raise ControlError("shouting is no request")
        return text.split()

    def answer(self, request: str) -> None:
        if request == "impossible":
            raise LocalError("that cannot be")
        if request == "bug":
            raise ZeroDivisionError("oops")
        if request == "gone":
            raise ClientGoneError
        self.client.sendall(f"{request}.".encode())

    def fail(self, error: Exception) -> None:
        self.client.sendall(f"{type(error).__name__}: {error}.".encode())

    def end(self) -> None:
        self.client.sendall(b"end")


class Bench:
    def __init__(self, path: Path) -> None:
        self.path, self.log = path, list[tuple[int, str]]()
        language = Language("words", str.upper, Words)
        self.server = ControlServer(
            listen(path), language, ClientLimits(4, 10), lambda level, line: self.log.append((level, line))
        )
        self.server.start()

    def ask(self, text: str) -> str:
        """All that comes back until the server closes."""
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as client:
            client.settimeout(10)
            client.connect(str(self.path))
            client.sendall(text.encode())
            client.shutdown(socket.SHUT_WR)
            return b"".join(iter(lambda: client.recv(4096), b"")).decode()


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    made = Bench(tmp_path / "ctl")
    yield made
    made.server.close()


def test_requests_are_answered_in_their_order_and_named_in_the_log(bench: Bench) -> None:
    assert bench.ask("one two") == "one.two.end"
    assert bench.log == [(2, "words request: ONE"), (2, "words request: TWO")]


def test_failed_request_says_why_and_the_next_one_follows(bench: Bench) -> None:
    assert bench.ask("impossible two") == "LocalError: that cannot be.two.end"


def test_bug_is_logged_and_ends_that_request_only(bench: Bench) -> None:
    text = "internal error: ZeroDivisionError('oops')"
    assert bench.ask("bug two") == f"{BugError.__name__}: {text}.two.end"
    assert (0, "words BUG failed unexpectedly: ZeroDivisionError('oops')") in bench.log


def test_what_is_no_request_is_refused_with_the_reason(bench: Bench) -> None:
    assert bench.ask("HELLO") == "ControlError: shouting is no request.end"
    assert bench.log == [(1, "words request refused: shouting is no request")]


def test_client_that_only_knocks_gets_nothing_and_no_line(bench: Bench) -> None:
    assert bench.ask("") == ""
    assert bench.log == []


def test_client_that_has_gone_is_not_answered_any_more(bench: Bench) -> None:
    assert bench.ask("gone two") == ""
    assert bench.log[-1] == (2, "words client is gone")
