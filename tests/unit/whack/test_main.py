"""The whack program against a socket that answers as pluto would."""

import socket
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from answering import Answering
from cygnet.ctl.whack import Request, Status
from cygnet.ctl.whack_framing import receive
from cygnet.whack.main import main

Answers = Callable[..., list[Request]]
Capture = pytest.CaptureFixture[str]


def test_lines_are_printed_as_they_come(answers: Answers, capsys: Capture) -> None:
    requests = answers(b"000 one\n000 two\n\n")
    assert main(["--status"]) == 0
    assert requests == [Status()]
    assert capsys.readouterr() == ("000 one\n000 two\n", "")


@pytest.mark.parametrize(("octets", "code"), [(b"021 no connection named\n\n", 21), (b"004 up\n\n", 0)])
def test_result_code_is_the_exit_status(answers: Answers, octets: bytes, code: int) -> None:
    answers(octets)
    assert main(["--name", "x", "--initiate"]) == code


def test_daemon_that_goes_away_is_a_failure(answers: Answers, capsys: Capture) -> None:
    answers(b"000 one\n")
    assert main(["--status"]) == 1
    assert "ended the connection" in capsys.readouterr().err


def test_no_daemon_is_exit_7(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture) -> None:
    monkeypatch.setenv("CYGNET_RUNDIR", str(tmp_path))
    assert main(["--status"]) == 7
    assert "pluto is not running" in capsys.readouterr().err
    assert main(["--ctlbase", str(tmp_path / "other"), "--status"]) == 7
    assert "other.ctl" in capsys.readouterr().err


@pytest.mark.parametrize(("words", "code"), [(["--help"], 0), (["--version"], 0), ([], 1), (["nonsense"], 1)])
def test_without_a_request_nothing_is_connected(words: list[str], code: int, capsys: Capture) -> None:
    assert main(words) == code
    assert any(capsys.readouterr())


def test_file_of_options_is_read(answers: Answers, tmp_path: Path) -> None:
    (tmp_path / "options").write_text("--status")
    assert answers(b"\n") == [] and main(["--optionsfrom", str(tmp_path / "options")]) == 0


@pytest.fixture
def answers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Answers]:
    """A daemon for one client: call it with the octets to send; the list fills with what was asked."""
    monkeypatch.setenv("CYGNET_RUNDIR", str(tmp_path))
    with Answering(tmp_path / "pluto.ctl") as pluto:

        def serve(octets: bytes) -> list[Request]:
            asked: list[Request] = []

            def once(client: socket.socket) -> None:
                asked.extend(receive(client))
                client.sendall(octets)

            pluto.client(once)
            return asked

        yield serve
