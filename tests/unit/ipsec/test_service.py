"""start, stop, restart, update, reload."""

import json
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from cygnet.ctl import frames
from cygnet.ipsec import programs, service
from cygnet.ipsec.main import main

Capture = pytest.CaptureFixture[str]
Sleeper = Callable[[str], "subprocess.Popen[bytes]"]


def test_stopping_what_is_stopped_is_no_failure(rundir: Path, capsys: Capture) -> None:
    assert main(["stop"]) == 0
    assert capsys.readouterr().err == "Stopping Cygnet IPsec failed: starter is not running\n"


def test_stop_ends_starter_and_waits_for_it(rundir: Path, sleeper: Sleeper, capsys: Capture) -> None:
    process = sleeper("import time; time.sleep(60)")
    (rundir / "starter.pid").write_text(f"{process.pid}\n")
    reaper = threading.Thread(target=process.wait, daemon=True)
    reaper.start()
    assert main(["stop"]) == 0
    reaper.join(10)
    assert process.returncode == -15
    assert capsys.readouterr().err == "Stopping Cygnet IPsec...\n"


def test_starter_that_does_not_stop_is_killed(
    rundir: Path, sleeper: Sleeper, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    code = "import signal, time; signal.signal(15, signal.SIG_IGN); print(flush=True); time.sleep(60)"
    process = sleeper(code)
    assert process.stdout is not None
    process.stdout.readline()
    (rundir / "starter.pid").write_text(f"{process.pid}\n")
    monkeypatch.setattr(service, "STOP_S", 0.1)
    assert main(["stop"]) == 0
    assert process.wait(10) == -9
    assert not (rundir / "starter.pid").exists()
    assert "killing it" in capsys.readouterr().err


@pytest.mark.parametrize("text", ["", "nonsense", "4194305", str(os.getpid())])
def test_pid_file_of_no_starter_is_not_believed(rundir: Path, text: str) -> None:
    (rundir / "starter.pid").write_text(text)
    assert service.starter_pid() == 0 or "starter" in " ".join(sys.orig_argv)


def test_start_becomes_starter(rundir: Path, executed: list[list[str]], capsys: Capture) -> None:
    main(["start", "--nofork", "--debug"])
    assert executed == [[sys.executable, "-P", "-m", "cygnet.starter.main", "--nofork", "--debug"]]
    assert capsys.readouterr().err == "Starting Cygnet 0.1.0 IPsec [starter]...\n"


def test_restart_stops_first(rundir: Path, executed: list[list[str]], capsys: Capture) -> None:
    main(["restart"])
    assert capsys.readouterr().err.splitlines() == [
        "Stopping Cygnet IPsec failed: starter is not running",
        "Starting Cygnet 0.1.0 IPsec [starter]...",
    ]
    assert len(executed) == 1


@pytest.mark.parametrize("verb", ["starter", "charon", "stroke"])
def test_program_verbs_become_their_programs(rundir: Path, executed: list[list[str]], verb: str) -> None:
    main([verb, "--help"])
    assert executed == [[sys.executable, "-P", "-m", f"cygnet.{verb}.main", "--help"]]


def test_programs_are_told_of_folders(rundir: Path) -> None:
    told = programs.environment()
    assert told["IPSEC_PIDDIR"] == str(rundir)
    assert told["IPSEC_CHARON_PID"] == str(rundir / "charon.pid")


@pytest.mark.parametrize(("verb", "doing"), [("update", "Updating"), ("reload", "Reloading")])
def test_change_of_configuration_needs_starter(rundir: Path, capsys: Capture, verb: str, doing: str) -> None:
    assert main([verb]) == 7
    assert f"{doing} Cygnet IPsec configuration failed: starter is not running" in capsys.readouterr().err


@pytest.mark.parametrize(("verb", "code"), [("update", 0), ("reload", 0), ("update", 1)])
def test_change_ends_as_starter_says(rundir: Path, capsys: Capture, verb: str, code: int) -> None:
    asked = answer_as_starter(rundir, code, "keeping the old configuration" if code else "")
    assert main([verb]) == code
    assert asked() == verb
    out, err = capsys.readouterr()
    assert out == "ipsec.conf:3: error\n"
    assert ("keeping the old configuration" in err) == bool(code)


@pytest.mark.parametrize(
    ("verb", "text"),
    [("--versioncode", "U0.1.0/K"), ("version", "Cygnet U0.1.0/K"), ("--version", "Cygnet U0.1.0/K"),
     ("--help", "statusall"), ("--directory", str(Path(sys.executable).parent))],
)  # fmt: skip
def test_questions_about_itself_are_answered(verb: str, text: str, capsys: Capture) -> None:
    assert main([verb]) == 0
    assert text in capsys.readouterr().out


def test_folders_are_those_of_the_environment(
    rundir: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    monkeypatch.setenv("CYGNET_CONFDIR", "/somewhere")
    assert main(["--confdir"]) == main(["--piddir"]) == 0
    assert capsys.readouterr().out == f"/somewhere\n{rundir}\n"


def test_no_verb_at_all_is_help(capsys: Capture) -> None:
    assert main([]) == 0
    assert capsys.readouterr().out.startswith("ipsec command")


def test_status_imports_neither_crypto_nor_dataclasses(rundir: Path) -> None:
    code = (
        "import sys; from cygnet.ipsec.main import main; main(['status']);"
        "heavy = {'cryptography', 'dataclasses', 'argparse', 'threading'};"
        "print(sorted(heavy & sys.modules.keys()))"
    )
    environment = {**os.environ, "CYGNET_RUNDIR": str(rundir), "PYTHONPATH": os.pathsep.join(sys.path)}
    output = subprocess.check_output([sys.executable, "-S", "-c", code], env=environment, timeout=60)
    assert output == b"[]\n"


def answer_as_starter(rundir: Path, code: int, reason: str) -> Callable[[], str]:
    """Answer one client on starter's socket; the result tells what it asked."""
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    listener.bind(str(rundir / "starter.ctl"))
    listener.listen(1)
    asked: list[str] = []

    def serve() -> None:
        client, _ = listener.accept()
        with client, listener:
            length = int.from_bytes(client.recv(4), "big")
            asked.append(json.loads(client.recv(length))["kind"])
            client.sendall(frames.frame_octets(frames.TEXT, b"ipsec.conf:3: error"))
            client.sendall(frames.done_octets(code, reason))

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()

    def result() -> str:
        thread.join(10)
        return asked[0]

    return result


@pytest.fixture
def rundir(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("CYGNET_RUNDIR", str(tmp_path))
    return tmp_path


@pytest.fixture
def executed(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """Instead of becoming another program, remember its command line."""
    commands: list[list[str]] = []

    def execve(path: str, command: list[str], environment: dict[str, str]) -> None:
        commands.append(command)

    monkeypatch.setattr(os, "execve", execve)
    return commands


@pytest.fixture
def sleeper() -> Iterator[Sleeper]:
    """Starts Python programs whose command line looks like starter's."""
    started: list[subprocess.Popen[bytes]] = []

    def start(code: str) -> "subprocess.Popen[bytes]":
        command = [sys.executable, "-S", "-c", code, "starter"]
        started.append(subprocess.Popen(command, stdout=subprocess.PIPE))
        return started[-1]

    yield start
    for process in started:
        process.kill()
        process.wait()
        if process.stdout is not None:
            process.stdout.close()
