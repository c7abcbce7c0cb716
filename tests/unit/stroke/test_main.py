"""The stroke program against a socket that answers as charon would."""

import socket
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from answering import Answering
from cygnet.ctl import whack, whack_framing
from cygnet.ctl.stroke import Done, Request, Status, Text
from cygnet.stroke.main import main

Answers = Callable[..., list[Request]]
Capture = pytest.CaptureFixture[str]


def test_answer_is_printed_and_its_exit_code_returned(answers: Answers, capsys: Capture) -> None:
    requests = answers(Text("one"), Text("two"), Done())
    assert main(["status", "net"]) == 0
    assert requests == [Status("net")]
    assert capsys.readouterr() == ("one\ntwo\n", "")


def test_reason_goes_to_standard_error(answers: Answers, capsys: Capture) -> None:
    answers(Text("establishing connection 'net' failed"), Done(1, "no answer"))
    assert main(["up", "net"]) == 1
    assert capsys.readouterr().err == "stroke: no answer\n"


def test_reason_that_was_the_last_line_is_not_repeated(answers: Answers, capsys: Capture) -> None:
    answers(Text("no config named 'x'"), Done(1, "no config named 'x'"))
    assert main(["up", "x"]) == 1
    assert capsys.readouterr() == ("no config named 'x'\n", "")


def test_daemon_that_goes_away_is_a_failure(answers: Answers, capsys: Capture) -> None:
    answers(Text("one"))
    assert main(["status"]) == 1
    assert "ended the connection" in capsys.readouterr().err


def test_no_daemon_is_exit_7(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture) -> None:
    monkeypatch.setenv("CYGNET_RUNDIR", str(tmp_path))
    assert main(["status"]) == 7
    assert "charon.ctl" in capsys.readouterr().err


@pytest.mark.parametrize(("words", "code"), [(["--help"], 0), ([], 2), (["nonsense"], 2)])
def test_without_a_request_nothing_is_connected(words: list[str], code: int, capsys: Capture) -> None:
    assert main(words) == code
    assert any(capsys.readouterr())


@pytest.mark.parametrize(("line", "asked"), [(b"002 set", 0), (b"003 unsuitable", 1)])
def test_user_of_xauth_is_plutos(answers: Answers, tmp_path: Path, line: bytes, asked: int) -> None:
    requests = answers(Done())
    heard: list[object] = []

    def answer(client: socket.socket) -> None:
        heard.extend(whack_framing.receive(client))
        client.sendall(line + b"\n\n")

    with Answering(tmp_path / "pluto.ctl") as pluto:
        pluto.client(answer)
        assert main(["user-creds", "net", "carol", "hers"]) == 0
    assert heard == [whack.UserCredentials("net", "carol", "hers")]
    assert len(requests) == asked


@pytest.fixture
def answers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Answers]:
    """A daemon for one client: call it with the frames to send; the list fills with what was asked."""
    monkeypatch.setenv("CYGNET_RUNDIR", str(tmp_path))
    with Answering(tmp_path / "charon.ctl") as charon:
        yield charon.stroke
