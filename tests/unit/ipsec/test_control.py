"""Verbs that are one request to charon."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from answering import Answering
from cygnet.ctl import stroke
from cygnet.ctl.stroke import Done, Request, Text, decode
from cygnet.ipsec.about import HELP
from cygnet.ipsec.control import VERBS, UsageError, request
from cygnet.ipsec.main import LATER, MODULES, main

Capture = pytest.CaptureFixture[str]
Answers = Callable[..., list[Request]]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("status", stroke.Status()),
        ("status net", stroke.Status("net")),
        ("statusall", stroke.Status(all=True)),
        ("up net", stroke.Initiate("net")),
        ("down net{*}", stroke.Terminate("net{*}")),
        ("route net", stroke.Route("net")),
        ("unroute net", stroke.Unroute("net")),
        ("listcerts", stroke.List(("certs",))),
        ("listcacerts --utc", stroke.List(("cacerts",), utc=True)),
        ("listalgs", stroke.List(("algs",))),
        ("listplugins", stroke.List(("plugins",))),
        ("listall", stroke.List(("all",))),
        ("rereadsecrets", stroke.Reread(("secrets",))),
        ("secrets", stroke.Reread(("secrets",))),
        ("rereadcacerts", stroke.Reread(("cacerts",))),
        ("rereadall", stroke.Reread(("all",))),
        ("rereadocspcerts", stroke.Reread(("ocspcerts",))),
        ("listpubkeys --utc", stroke.List(("pubkeys",), utc=True)),
        ("listgroups", stroke.List(("groups",))),
        ("purgeike", stroke.Purge(("ike",))),
        ("purgecerts", stroke.Purge(("certs",))),
        ("down-srcip 10.3.0.1", stroke.TerminateSourceIp("10.3.0.1")),
        ("down-srcip 10.3.0.1 10.3.0.9", stroke.TerminateSourceIp("10.3.0.1", "10.3.0.9")),
        ("rekey net{1}", stroke.Rekey("net{1}")),
        ("leases", stroke.Leases()),
        ("leases rw", stroke.Leases("rw")),
        ("leases rw 10.3.0.1", stroke.Leases("rw", "10.3.0.1")),
        ("listcounters", stroke.Counters()),
        ("listcounters all", stroke.Counters("all")),
        ("resetcounters net", stroke.Counters("net", reset=True)),
    ],
)
def test_verb_becomes_its_message(words: str, message: Request) -> None:
    verb, *arguments = words.split()
    kind, fields = request(verb, arguments)
    assert decode({"kind": kind, **as_json(fields)}) == message


def test_every_control_verb_is_known_to_both_tables_and_has_a_message() -> None:
    assert {verb for verb, module in MODULES.items() if module == "control"} == VERBS.keys()
    kinds = {message.kind for message in stroke.REQUESTS}
    for verb, (_, _, least, _, _) in VERBS.items():
        assert request(verb, ["10.0.0.1"] * least)[0] in kinds


def test_help_names_every_verb_and_no_other() -> None:
    lines = [line.strip() for line in HELP.split("Options:")[0].splitlines() if line.startswith("\t")]
    words = {word for line in lines for word in re.split(r"[|\s]", line.split("[")[0].split("<")[0]) if word}
    assert words - {"..."} == {verb for verb in MODULES if not verb.startswith("-")} - UNSAID


UNSAID = {"help", "_updown"}


@pytest.mark.parametrize(
    "words",
    ["up", "up a b", "down", "status a b", "listcerts x", "rereadall x", "down-srcip", "down-srcip a b c",
     "leases a b c", "listcounters a b", "purgeike x", "rekey", "leases rw --"],
)  # fmt: skip
def test_wrong_arguments_are_a_usage_error(words: str, capsys: Capture) -> None:
    verb, *arguments = words.replace("--", "").split(" ")
    with pytest.raises(UsageError, match=f"^Usage: ipsec {verb}"):
        request(verb, arguments)
    assert main([verb, *arguments]) == 2
    assert capsys.readouterr().err.startswith(f"Usage: ipsec {verb}")


def test_answer_is_printed_and_its_exit_code_returned(answers: Answers, capsys: Capture) -> None:
    requests = answers(Text("Security Associations (0 up, 0 connecting):"), Text("  none"), Done())
    assert main(["status"]) == 0
    assert requests == [stroke.Status()]
    assert capsys.readouterr() == ("Security Associations (0 up, 0 connecting):\n  none\n", "")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("kernel", stroke.Kernel()),
        ("kernel --check", stroke.Kernel(check=True)),
        ("kernel --repair --check", stroke.Kernel(check=True, repair=True)),
    ],
)
def test_kernel_asks_for_a_view_or_a_comparison(words: str, message: Request, answers: Answers) -> None:
    requests = answers(Done(1, "2 differences"))
    assert main(words.split()) == 1
    assert requests == [message]


@pytest.mark.parametrize("words", ["kernel --repair", "kernel net", "kernel --check --check"])
def test_kernel_takes_no_other_words(words: str, capsys: Capture) -> None:
    assert main(words.split()) == 2
    assert capsys.readouterr().err == "Usage: ipsec kernel [--check [--repair]]\n"


def test_failure_exits_non_zero_and_says_why(answers: Answers, capsys: Capture) -> None:
    answers(Text("establishing connection 'net' failed"), Done(1, "peer refused: AUTHENTICATION_FAILED"))
    assert main(["up", "net"]) == 1
    assert capsys.readouterr().err == "ipsec up: peer refused: AUTHENTICATION_FAILED\n"


def test_daemon_that_dies_while_answering_is_a_failure(answers: Answers, capsys: Capture) -> None:
    answers(Text("one"))
    assert main(["up", "net"]) == 1
    assert "ended the connection" in capsys.readouterr().err


@pytest.mark.parametrize(("verb", "code"), [("status", 3), ("statusall", 3), ("up x", 7), ("rereadall", 7)])
def test_no_daemon_has_its_own_exit_code(verb: str, code: int, rundir: Path, capsys: Capture) -> None:
    assert main(verb.split()) == code
    assert "charon is not running" in capsys.readouterr().err


def test_status_of_a_dead_daemon_with_its_pid_file_is_1(rundir: Path) -> None:
    (rundir / "charon.pid").write_text("1\n")
    assert main(["status"]) == 1


@pytest.mark.parametrize(
    ("words", "code", "text"),
    [
        (["x"], 2, "unknown command `x' (`ipsec --help' for list)"),
        (["--x"], 2, "unknown option `--x' (perhaps command name was omitted?)"),
        (["listcards"], 3, "'listcards' is not part of this version"),
    ],
)
def test_unknown_words_are_refused(words: list[str], code: int, text: str, capsys: Capture) -> None:
    assert main(words) == code
    assert text in capsys.readouterr().err


@pytest.mark.parametrize("verb", ["whack", "pluto", "ready"])
def test_pluto_that_is_not_installed_is_exit_5(
    verb: str, monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    monkeypatch.setattr("cygnet.ipsec.programs.find_spec", lambda name: None)
    assert main([verb]) == 5
    assert "pluto (IKEv1) is not installed" in capsys.readouterr().err


def test_no_verb_is_both_here_and_later() -> None:
    assert not LATER & MODULES.keys()


def as_json(fields: dict[str, object]) -> dict[str, Any]:
    return fields


@pytest.fixture
def rundir(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("CYGNET_RUNDIR", str(tmp_path))
    return tmp_path


@pytest.fixture
def answers(rundir: Path) -> Iterator[Answers]:
    """A daemon for one client: call it with the frames to send; the list fills with what was asked."""
    with Answering(rundir / "charon.ctl") as charon:
        yield charon.stroke
