"""starter with pluto: the real one, on ports of the kernel's choice, beside a charon that keeps a list."""

import os
import signal
import socket
from collections.abc import Callable

import pytest

from cygnet.ctl import frames, starter, whack
from cygnet.ctl.whack_lines import conversation

BOTH = "config setup\n plutostart=yes\n plutodebug=\"control natt\"\n"
V1 = "conn v1\n keyexchange=ikev1\n left=127.0.0.1\n right=198.51.100.2\n auto=add\n"
V2 = "conn v2\n keyexchange=ikev2\n left=127.0.0.1\n right=198.51.100.2\n auto=add\n"
EITHER = "conn either\n left=127.0.0.1\n right=198.51.100.2\n auto=start\n"


@pytest.fixture
def system(instance):
    (instance.etc / "strongswan.conf").write_text(
        "charon { kernel = xfrm\n socket = udp }\npluto { socket = udp\n port = 0\n port_nat_t = 0 }\n"
    )
    instance.configure(BOTH + V1 + V2 + EITHER)
    return instance


def ask_pluto(instance, *requests: whack.Request) -> list[str]:
    """The lines of pluto's answer."""
    lines: list[str] = []
    with socket.socket(socket.AF_UNIX) as sock:
        sock.settimeout(20)
        sock.connect(str(instance.run / "pluto.ctl"))
        conversation(requests)(sock, lines.append, str, lambda: None)
    return lines


def connections(instance) -> set[str]:
    """Names that pluto has."""
    try:
        lines = ask_pluto(instance, whack.Status())
    except (OSError, frames.ControlError):
        return set()
    return {line.split('"')[1] for line in lines if "newest ISAKMP SA" in line}


def is_(condition: Callable[[], object], expected: object) -> Callable[[], bool]:
    return lambda: condition() == expected


def test_connections_go_to_the_daemon_of_their_version_and_charon_begins(system):
    result = system.start()
    assert result.returncode == 0
    assert "charon and pluto open their sockets themselves" in result.stderr
    assert connections(system) == {"v1", "either"}
    system.wait(lambda: "initiate either" in system.asked())
    assert sorted(system.asked()[1:3]) == ["add-connection either", "add-connection v2"]
    lines = ask_pluto(system, whack.Status(all=True))
    assert "000 debug options: control+natt" in lines
    assert not any("not listening" in line for line in lines)


def test_pluto_that_dies_comes_back_with_its_connections_and_charon_stays(system):
    system.start()
    pluto, charon = system.pid("pluto"), system.pid("charon")
    system.kill("pluto", signal.SIGKILL)
    system.wait(lambda: system.pid("pluto") not in (0, pluto))
    system.wait(is_(lambda: connections(system), {"v1", "either"}))
    assert system.pid("charon") == charon
    assert system.asked().count("add-connection v2") == 1


def test_update_moves_a_connection_to_the_other_daemon(system):
    system.start()
    system.configure(BOTH + V1.replace("ikev1", "ikev2") + V2)
    system.kill("starter", signal.SIGHUP)
    system.wait(lambda: "add-connection v1" in system.asked() and connections(system) == set())
    assert "delete-connection either" in system.asked()


def test_stop_ends_pluto_and_its_sockets(system):
    system.start()
    pluto = system.pid("pluto")
    system.stop()
    assert not (system.run / "pluto.ctl").exists() and not (system.run / "pluto.pid").exists()
    with pytest.raises(ProcessLookupError):
        os.kill(pluto, 0)


def test_status_names_both(system):
    system.start()
    lines: list[str] = []
    with socket.socket(socket.AF_UNIX) as sock:
        sock.connect(str(system.run / starter.SOCKET_NAME))
        frames.converse(sock, starter.STATUS, {}, lines.append)
    assert lines == [f"charon {system.pid('charon')}", f"pluto {system.pid('pluto')}"]


def test_pluto_alone_begins_what_either_could(system):
    system.configure(f"config setup\n plutostart=yes\n charonstart=no\n{V2}{EITHER}")
    result = system.start()
    assert result.returncode == 0
    assert "conn 'v2' is not loaded: keyexchange=ikev2 needs charon" in result.stderr
    assert system.asked() == [] and connections(system) == {"either"}


def test_without_any_daemon_nothing_is_started(system):
    system.configure("config setup\n charonstart=no\n")
    result = system.start()
    assert result.returncode == 2
    assert "no daemon to be started" in result.stderr


def test_pluto_is_started_for_a_connection_that_needs_it(system):
    system.configure(V1 + V2)
    assert system.start().returncode == 0
    assert system.pid("pluto") and connections(system) == {"v1"}


def test_connection_of_either_version_alone_starts_no_pluto(system):
    system.configure(EITHER + V2)
    assert system.start().returncode == 0
    assert not system.pid("pluto")


def test_connection_for_a_pluto_that_is_not_started_is_named_with_its_place(system):
    system.configure("config setup\n plutostart=no\n" + V1 + V2)
    result = system.start()
    assert result.returncode == 0
    assert "ipsec.conf:3: conn 'v1' is not loaded: keyexchange=ikev1 needs pluto" in result.stderr
    assert not system.pid("pluto")
    assert system.asked()[1:] == ["add-connection v2"]


def test_pluto_that_does_not_come_up_makes_start_fail(system):
    settings = "charon { kernel = xfrm\n socket = udp }\npluto { socket = x }\n"
    (system.etc / "strongswan.conf").write_text(settings)
    result = system.start()
    assert result.returncode == 1
    assert "pluto" in result.stderr and "socket = x is none of" in result.stderr
    with pytest.raises(ProcessLookupError):
        os.kill(system.pid("charon"), 0)
