"""``ipsec`` with two daemons: who is asked, and what is shown."""

import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from cygnet.ctl import stroke, whack, whack_codes, whack_framing
from cygnet.ctl.frames import NothingAskedError
from cygnet.ctl.stroke import Done, Text, encode_reply
from cygnet.ipsec.main import main

Capture = pytest.CaptureFixture[str]
UNKNOWN = "no config named 'x'"


class Daemon:
    """Answers requests, one client after the other, by a function of the request; keeps what was asked."""

    def __init__(self, path: Path, receive: Callable, answer: Callable[[object], bytes]) -> None:
        self.asked: list[object] = []
        self._receive, self._answer = receive, answer
        self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._listener.bind(str(path))
        self._listener.listen(8)
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def close(self) -> None:
        if self._listener.fileno() < 0:
            return
        self._listener.shutdown(socket.SHUT_RDWR)
        self._thread.join(5)
        self._listener.close()

    def _serve(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            with client:
                try:
                    request = self._receive(client)
                except NothingAskedError:
                    continue
                self.asked.append(request)
                client.sendall(self._answer(request))


def charon_with(*names: str, answers: dict[type, tuple[str, int]] | None = None) -> Callable[[object], bytes]:
    """charon that knows these names, and otherwise answers by kind: a line and an exit code."""

    def answer(request: object) -> bytes:
        if isinstance(request, stroke.Status):
            known = request.name in ("", *names)
            done = Done() if known else Done(stroke.EXIT_UNKNOWN, UNKNOWN)
            text = Text("Security Associations (0 up, 0 connecting):")
            return encode_reply(text) + encode_reply(Text("  none")) + encode_reply(done)
        line, code = (answers or {}).get(type(request), ("charon did it", 0))
        return encode_reply(Text(line)) + encode_reply(Done(code, line if code else ""))

    return answer


def pluto_with(*names: str, answers: dict[type, tuple[str, int]] | None = None) -> Callable[[object], bytes]:
    """The same for pluto: a line and a result code."""

    def answer(requests: object) -> bytes:
        (request,) = requests  # type: ignore[misc]
        if isinstance(request, whack.Status):
            if request.name not in ("", *names):
                return whack_codes.line_octets(21, UNKNOWN) + whack_codes.END
            lines = "Security Associations (1 up, 0 connecting):\n          v1[1]: ESTABLISHED"
            return whack_codes.line_octets(0, lines) + whack_codes.END
        line, code = (answers or {}).get(type(request), ("pluto did it", 4))
        return whack_codes.line_octets(code, line) + whack_codes.END

    return answer


@pytest.fixture
def daemons(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., tuple]]:
    """Start either or both with their answers."""
    monkeypatch.setenv("CYGNET_RUNDIR", str(tmp_path))
    started: list[Daemon] = []

    def start(charon: Callable | None, pluto: Callable | None) -> tuple[Daemon | None, Daemon | None]:
        found: list[Daemon | None] = []
        receivers = (("charon", stroke.receive, charon), ("pluto", whack_framing.receive, pluto))
        for name, receive, answer in receivers:
            found.append(None if answer is None else Daemon(tmp_path / f"{name}.ctl", receive, answer))
        started.extend(one for one in found if one is not None)
        return found[0], found[1]

    yield start
    for daemon in started:
        daemon.close()


@pytest.mark.parametrize("verb", ["up", "route", "unroute"])
@pytest.mark.parametrize(
    ("charon", "pluto", "line"),
    [
        (("x",), (), "charon did it"),
        ((), ("x",), "pluto did it"),
        (("x",), ("x",), "charon did it"),
        ((), (), "charon did it"),  # whose business it is to say that there is no such name
    ],
)
def test_connection_is_brought_up_by_the_daemon_that_begins(
    daemons, verb: str, charon: tuple[str, ...], pluto: tuple[str, ...], line: str, capsys: Capture
) -> None:
    daemons(charon_with(*charon), pluto_with(*pluto))
    assert main([verb, "x"]) == 0
    assert capsys.readouterr().out == f"{line}\n"


def test_down_goes_to_whoever_has_something_to_end(daemons, capsys: Capture) -> None:
    nothing = {stroke.Terminate: ("no IKE_SA 'x' found", 1)}
    _, pluto = daemons(charon_with("x", answers=nothing), pluto_with("x"))
    assert main(["down", "x[3]"]) == 0
    assert capsys.readouterr() == ("pluto did it\n", "")
    assert pluto.asked[-1] == (whack.Terminate("x[3]", suite=True),)


def test_down_of_what_neither_has_fails_once(daemons, capsys: Capture) -> None:
    nothing = "no IKE_SA or CHILD_SA 'x' found"
    daemons(
        charon_with("x", answers={stroke.Terminate: (nothing, 1)}),
        pluto_with("x", answers={whack.Terminate: (nothing, 3)}),
    )
    assert main(["down", "x"]) == 1
    assert capsys.readouterr() == (nothing + "\n", "")


@pytest.mark.parametrize(
    ("charon", "pluto", "line"), [("x", "y", "charon did it"), ("y", "x", "pluto did it")]
)
def test_down_leaves_the_other_daemon_alone(daemons, charon, pluto, line: str, capsys: Capture) -> None:
    daemons(charon_with(charon), pluto_with(pluto))
    assert main(["down", "x{*}"]) == 0
    assert capsys.readouterr().out == f"{line}\n"


def test_failure_in_pluto_is_exit_1_with_its_reason(daemons, capsys: Capture) -> None:
    daemons(charon_with(), pluto_with("x", answers={whack.Initiate: ("no answer", 31)}))
    assert main(["up", "x"]) == 1
    assert capsys.readouterr() == ("no answer\n", "")


def test_status_is_one_view(daemons, capsys: Capture) -> None:
    daemons(charon_with(), pluto_with())
    assert main(["status"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines == ["Security Associations (1 up, 0 connecting):", "          v1[1]: ESTABLISHED"]


@pytest.mark.parametrize(("charon", "pluto", "code"), [("x", "y", 0), ("y", "x", 0), ("y", "y", 4)])
def test_status_of_a_name_that_one_of_them_knows_is_known(daemons, charon, pluto, code: int) -> None:
    daemons(charon_with(charon), pluto_with(pluto))
    assert main(["status", "x"]) == code


def test_files_are_read_again_by_both(daemons, capsys: Capture) -> None:
    charon, pluto = daemons(charon_with(), pluto_with(answers={whack.Reread: ("not yet", 1)}))
    assert main(["rereadsecrets"]) == 1
    assert capsys.readouterr() == ("charon did it\nnot yet\n", "")
    assert charon.asked == [stroke.Reread(("secrets",))]
    assert pluto.asked == [(whack.Reread(("secrets",)),)]


def test_lists_of_both_are_one_and_without_charon_plutos(daemons, tmp_path: Path, capsys: Capture) -> None:
    charon, pluto = daemons(charon_with(), pluto_with())
    assert main(["listcainfos"]) == 0
    assert capsys.readouterr().out == "charon did it\npluto did it\n"
    charon.close()
    (tmp_path / "charon.ctl").unlink()
    assert main(["listcainfos"]) == 0
    assert capsys.readouterr().out == "pluto did it\n"
    assert pluto.asked == [(whack.List(("cainfos",)),)] * 2


def test_pool_that_only_one_has_is_found(daemons, capsys: Capture) -> None:
    daemons(charon_with(), pluto_with(answers={whack.Leases: ("pool 'a' not found", 3)}))
    assert main(["leases", "a"]) == 0
    assert capsys.readouterr() == ("charon did it\n", "")


@pytest.mark.parametrize("words", ["up x", "status", "statusall x", "leases", "rereadall"])
def test_pluto_alone_answers_for_the_system(daemons, words: str) -> None:
    _, pluto = daemons(None, pluto_with("x"))
    assert main(words.split()) == 0
    assert pluto.asked


def test_pluto_renews_what_it_has(daemons) -> None:
    _, pluto = daemons(None, pluto_with("x"))
    assert main(["rekey", "x"]) == 0
    assert pluto.asked[-1] == (whack.Rekey("x"),)


def test_socket_that_a_dead_pluto_left_is_no_pluto(daemons, tmp_path: Path, capsys: Capture) -> None:
    daemons(charon_with("x"), None)
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as dead:
        dead.bind(str(tmp_path / "pluto.ctl"))
    assert main(["status"]) == 0
    assert main(["up", "x"]) == 0
    assert main(["rereadall"]) == 0
    assert "not running" not in capsys.readouterr().err


def test_neither_running_is_said_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    monkeypatch.setenv("CYGNET_RUNDIR", str(tmp_path))
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as dead:
        dead.bind(str(tmp_path / "pluto.ctl"))
    assert main(["status"]) == 3
    assert main(["up", "x"]) == 7
    assert capsys.readouterr().err.count("is not running") == 2
