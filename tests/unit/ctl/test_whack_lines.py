"""Following pluto's answer."""

import socket
from collections.abc import Iterator

import pytest

from cygnet.ctl.frames import ControlError
from cygnet.ctl.whack import Initiate, Status
from cygnet.ctl.whack_framing import receive
from cygnet.ctl.whack_lines import LINE_LIMIT, conversation


@pytest.fixture
def pair() -> Iterator[tuple[socket.socket, socket.socket]]:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        yield ours, theirs


def follow(pair, octets: bytes, label: str = "", answer: str = ""):
    """The exit code and the lines that a client sees, and what the daemon got."""
    ours, theirs = pair
    lines: list[str] = []
    theirs.sendall(octets)
    theirs.shutdown(socket.SHUT_WR)
    code, reason = conversation([Initiate("net")], label)(ours, lines.append, lambda _: answer, lambda: None)
    assert reason == ""
    return code, lines, theirs


def test_lines_come_as_they_are_and_the_last_code_counts(pair) -> None:
    code, lines, daemon = follow(pair, b'102 "net" #1: STATE_MAIN_I1\n004 "net" #1: established\n002 log\n\n')
    assert code == 0
    assert lines == ['102 "net" #1: STATE_MAIN_I1', '004 "net" #1: established', "002 log"]
    assert receive(daemon) == (Initiate("net"),)


def test_label_stands_before_each_line(pair) -> None:
    assert follow(pair, b"021 unknown\n\n", "here:")[:2] == (21, ["here: 021 unknown"])


def test_secret_is_asked_for_and_sent(pair) -> None:
    code, lines, daemon = follow(pair, b"040 Enter PIN\n004 done\n\n", answer="1234")
    assert (code, lines) == (0, ["004 done"])
    receive(daemon)
    assert daemon.recv(100) == b"1234\n"


@pytest.mark.parametrize("octets", [b"", b"002 half", b"002 whole\n", b"nonsense\n\n"])
def test_answer_without_its_end_is_an_error(pair, octets: bytes) -> None:
    with pytest.raises(ControlError):
        follow(pair, octets)


def test_line_without_end_is_given_up(pair) -> None:
    with pytest.raises(ControlError, match="longer than"):
        follow(pair, b"002 " + b"x" * (LINE_LIMIT + 1))


def test_asking_for_a_status_says_just_that(pair) -> None:
    ours, theirs = pair
    theirs.sendall(b"\n")
    assert conversation([Status(all=True)])(ours, print, str, lambda: None) == (0, "")
    assert receive(theirs) == (Status(all=True),)
