"""A daemon's process: what ends it, what it tells on the way, and with which status."""

import os
import signal
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from cygnet.base.errors import LocalError
from cygnet.runtime import collecting
from cygnet.runtime.pidfile import PidFile, read_pid
from cygnet.runtime.program import REOPEN, STOP, Program, UsageError


@dataclass
class Options:
    text: str = ""


@dataclass
class Daemon:
    """Gets its signals one by one, as soon as it runs."""

    signals: list[signal.Signals]
    pid_file: Path
    failure: str = ""
    told: list[str] = field(default_factory=list)

    def start(self) -> None:
        if self.failure:
            raise LocalError(self.failure)
        self.told.append(f"started with PID {read_pid(self.pid_file)}")
        self._next_signal()

    def reopen_logs(self) -> None:
        self.told.append("reopened")
        self._next_signal()

    def stop(self) -> None:
        self.told.append("stopped")

    def _next_signal(self) -> None:
        signal.pthread_kill(threading.get_ident(), self.signals.pop(0))


def parse(argv: Sequence[str]) -> Options:
    if argv == ["--help"]:
        return Options("usage: daemon\n")
    if argv:
        raise UsageError(f"unknown option '{argv[0]}'")
    return Options()


def program(daemon: Daemon) -> Program[Options]:
    return Program("daemon", "usage: daemon\n", parse, lambda _: daemon.pid_file, lambda _: daemon)


@pytest.fixture
def pid_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Signals are as before, and so is the collector."""
    monkeypatch.setattr(collecting, "settle", lambda: None)
    before = signal.pthread_sigmask(signal.SIG_BLOCK, ())
    yield tmp_path / "daemon.pid"
    signal.pthread_sigmask(signal.SIG_SETMASK, before)


@pytest.mark.parametrize("stop", STOP)
def test_signal_ends_it_and_its_pid_file(pid_file: Path, stop: signal.Signals) -> None:
    daemon = Daemon([stop], pid_file)
    assert program(daemon).main([]) == 0
    assert daemon.told == [f"started with PID {os.getpid()}", "stopped"]
    assert not pid_file.exists()


def test_logs_are_reopened_while_it_runs_on(pid_file: Path) -> None:
    daemon = Daemon([REOPEN, signal.SIGTERM], pid_file)
    assert program(daemon).main([]) == 0
    assert daemon.told[1:] == ["reopened", "stopped"]


def test_what_it_lacks_is_said(pid_file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    daemon = Daemon([], pid_file, failure="no kernel here")
    assert program(daemon).main([]) == 1
    assert capsys.readouterr().err == "daemon: no kernel here\n"
    assert not daemon.told and not pid_file.exists()


def test_second_one_is_refused(pid_file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    first = PidFile(pid_file, "daemon")
    first.take()
    daemon = Daemon([], pid_file)
    assert program(daemon).main([]) == 1
    assert "daemon is already running" in capsys.readouterr().err
    assert not daemon.told
    first.release()


def test_help_and_wrong_options_start_nothing(pid_file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    daemon = Daemon([], pid_file)
    assert program(daemon).main(["--help"]) == 0
    assert capsys.readouterr().out == "usage: daemon\n"
    assert program(daemon).main(["--nonsense"]) == 2
    assert capsys.readouterr().err == "daemon: unknown option '--nonsense'\nusage: daemon\n"
    assert not daemon.told and not pid_file.exists()
