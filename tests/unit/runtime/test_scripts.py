"""Scripts: real shells, real signals."""

import os
import signal
import time

from cygnet.runtime.scripts import LINES, OCTETS, run_script

LONG_S = 10.0


def test_output_and_status_come_back() -> None:
    ended = run_script("echo one; echo two >&2; exit 3", {}, LONG_S)
    assert (ended.status, ended.lines, ended.late) == (3, ("one", "two"), False)


def test_environment_is_what_was_given_and_a_path() -> None:
    shells_own = "-e ^PWD= -e ^_= -e ^SHLVL= -e ^OLDPWD="
    ended = run_script(f"env | grep -v {shells_own} | sort", {"PLUTO_VERB": "up-host"}, LONG_S)
    assert [line.partition("=")[0] for line in ended.lines] == ["PATH", "PLUTO_VERB"]


def test_input_is_empty() -> None:
    assert run_script("cat; echo end", {}, LONG_S).lines == ("end",)


def test_signals_that_this_process_blocks_reach_the_script() -> None:
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
    try:
        assert run_script("kill -TERM $$; sleep 10", {}, LONG_S).status == -signal.SIGTERM
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def test_script_that_takes_too_long_is_killed_with_its_children() -> None:
    ended = run_script("echo begun; sleep 60 & sleep 60", {}, 0.3)
    assert (ended.status, ended.lines, ended.late) == (-signal.SIGKILL, ("begun",), True)


def test_what_runs_on_in_the_background_is_not_waited_for() -> None:
    begin = time.monotonic()
    ended = run_script("sleep 5 & echo $!", {}, LONG_S)
    assert time.monotonic() - begin < 4
    os.kill(int(ended.lines[0]), signal.SIGKILL)


def test_much_output_is_cut_and_holds_up_nobody() -> None:
    ended = run_script("yes | head -c 1000000; exit 4", {}, LONG_S)
    assert ended.status == 4
    assert len(ended.lines) == LINES
    assert sum(map(len, ended.lines)) < OCTETS


def test_command_that_there_is_not_is_said_by_the_shell() -> None:
    ended = run_script("/nowhere/updown", {}, LONG_S)
    assert ended.status == 127
    assert "/nowhere/updown" in ended.lines[0]
