"""starter as a process: start, apply, supervise, stop. Its charon is a stand-in that keeps a list."""

import os
import signal
import socket
import subprocess
import sys
import time

import pytest

from cygnet.ctl import frames, starter
from cygnet.starter.main import main


def ask(instance, kind: str) -> tuple[int, str, list[str]]:
    """One request to starter.ctl: exit code, reason, lines."""
    lines: list[str] = []
    with socket.socket(socket.AF_UNIX) as sock:
        sock.settimeout(30)
        sock.connect(str(instance.run / starter.SOCKET_NAME))
        return *frames.converse(sock, kind, {}, lines.append), lines


def test_start_returns_once_connections_are_loaded_and_stop_leaves_nothing(instance):
    result = instance.start()
    assert (result.returncode, result.stdout, result.stderr) == (
        0,
        "",
        "charon opens its sockets itself, and starts espd if it needs it: charon.socket = udp\n",
    )
    assert instance.asked() == ["started --use-syslog", "add-connection a"]
    charon = instance.pid("charon")
    instance.stop()
    assert not (instance.run / "starter.ctl").exists()
    with pytest.raises(ProcessLookupError):
        os.kill(charon, 0)


def test_auto_decides_what_is_loaded_routed_and_started(instance):
    instance.configure(
        "config setup\n charondebug=ike 2\nca c\n cacert=x\n auto=add\n"
        "conn ignored\nconn a\n auto=add\nconn r\n auto=route\nconn s\n auto=start\n"
    )
    assert instance.start().returncode == 0
    instance.wait(lambda: "initiate s" in instance.asked())
    asked = instance.asked()
    assert asked[0] == "started --use-syslog --debug-ike 2"
    assert sorted(asked[1:5]) == [
        "add-authority c",
        "add-connection a",
        "add-connection r",
        "add-connection s",
    ]
    assert asked[5:] == ["route r", "initiate s"]


def test_every_mistake_is_shown_at_the_start_and_nothing_is_started(instance):
    instance.configure("conn a\n also=nosuch\n leftsubnt=x\n auto=begin\n")
    result = instance.start()
    assert result.returncode == 2
    for expected in (
        "ipsec.conf:2:",
        "ipsec.conf:3:",
        "ipsec.conf:4:",
        "'leftsubnet'",
        "fatal errors in config",
    ):
        assert expected in result.stderr
    assert instance.asked() == []
    assert not instance.pid("starter")


def test_daemon_that_does_not_come_up_makes_start_fail_and_say_why(instance):
    (instance.run / "refuse").touch()
    result = instance.start()
    assert result.returncode == 1
    assert "no right to do this" in result.stderr
    assert not instance.pid("starter")


def test_second_start_says_that_it_is_running(instance):
    instance.start()
    result = instance.start()
    assert result.returncode == 0
    assert "starter is already running" in result.stderr


def test_stale_pid_file_is_replaced(instance):
    (instance.run / "starter.pid").write_text("999999999\n")
    assert instance.start().returncode == 0
    assert instance.pid("starter") not in (0, 999999999)


def test_killed_charon_is_back_within_a_second_with_its_connections(instance):
    instance.configure("conn a\n auto=add\nconn s\n auto=start\n")
    instance.start()
    instance.wait(lambda: "initiate s" in instance.asked())
    before, asked = instance.pid("charon"), instance.asked()
    begun = time.monotonic()
    instance.kill("charon", signal.SIGKILL)
    instance.wait(lambda: instance.asked() == asked * 2)
    assert time.monotonic() - begun < 5  # a second, on a machine that has nothing else to do
    assert instance.pid("charon") != before


def test_charon_of_a_starter_that_died_is_replaced(instance):
    instance.start()
    leftover = instance.pid("charon")
    instance.kill("starter", signal.SIGKILL)
    result = instance.start()
    assert result.returncode == 0
    assert f"charon ({leftover}), left over by an earlier starter" in result.stderr
    assert instance.pid("charon") != leftover


def test_update_touches_only_what_changed(instance):
    instance.configure("conn a\n auto=add\nconn b\n auto=route\nconn c\n auto=add\n")
    instance.start()
    known = len(instance.asked())
    instance.configure(
        "# moved\nconn a\n auto=add\nconn b\n auto=route\n right=192.0.2.9\nconn d\n auto=add\n"
    )
    assert ask(instance, starter.UPDATE) == (0, "", [])
    asked = instance.asked()[known:]
    assert sorted(asked[:3]) == ["delete-connection b", "delete-connection c", "unroute b"]
    assert sorted(asked[3:]) == ["add-connection b", "add-connection d", "route b"]


def test_reload_loads_everything_anew(instance):
    instance.start()
    assert ask(instance, starter.RELOAD) == (0, "", [])
    assert instance.asked()[-2:] == ["delete-connection a", "add-connection a"]


def test_signals_update_and_reload(instance):
    instance.start()
    instance.kill("starter", signal.SIGUSR1)
    instance.wait(lambda: instance.asked().count("add-connection a") == 2)
    instance.configure("conn b\n auto=add\n")
    instance.kill("starter", signal.SIGHUP)
    instance.wait(lambda: "add-connection b" in instance.asked())


@pytest.mark.parametrize("mistake", ["leftsubnt=x", "also=nosuch", "dpddelay=x"])
def test_update_with_a_mistake_keeps_the_old_configuration_and_fails(instance, mistake):
    instance.start()
    asked = instance.asked()
    instance.configure(f"conn b\n {mistake}\n auto=add\n")
    code, reason, lines = ask(instance, starter.UPDATE)
    assert code == 1
    assert "keeping old one" in reason
    assert "ipsec.conf:2:" in lines[0]
    assert instance.asked() == asked


def test_update_fails_if_charon_refuses_a_connection_and_names_its_place(instance):
    instance.start()
    instance.configure("conn a\n right=192.0.2.2\n auto=add\n\nconn bad\n auto=add\n")
    code, reason, _ = ask(instance, starter.UPDATE)
    assert code == 1
    assert "ipsec.conf:5:" in reason
    assert "no such certificate" in reason


def test_status_names_the_daemons(instance):
    instance.start()
    assert ask(instance, starter.STATUS) == (0, "", [f"charon {instance.pid('charon')}"])


def test_nonsense_on_the_control_socket_is_survived(instance):
    instance.start()
    for octets in (b"", b"\xff" * 100, b"\0\0\0\2{}", frames.request_octets("nosuch", {})):
        with socket.socket(socket.AF_UNIX) as sock:
            sock.settimeout(30)
            sock.connect(str(instance.run / starter.SOCKET_NAME))
            sock.sendall(octets)
    assert ask(instance, starter.STATUS)[0] == 0


def test_starter_imports_nothing_heavy():
    check = (
        "import sys, cygnet.starter.main; "
        "print([name for name in ('cryptography', 'pyroute2') if name in sys.modules])"
    )
    result = subprocess.run(
        [sys.executable, "-c", check], capture_output=True, text=True, check=True, timeout=60
    )
    assert result.stdout == "[]\n"


@pytest.mark.parametrize("argv", [["--nosuch"], ["--conf"], ["--auto-update", "x"], ["--daemon", "x"]])
def test_bad_options_are_refused(argv, capsys):
    assert main(argv) == 2
    assert "Usage" in capsys.readouterr().err


def test_help_and_version_are_printed(capsys):
    assert main(["--help"]) == 0
    assert main(["--version"]) == 0
    assert "Usage" in capsys.readouterr().out
