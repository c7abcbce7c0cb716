"""``make demo`` does what it promises, and leaves nothing behind when it is interrupted."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = [pytest.mark.root, pytest.mark.tun]

DEMO = str(Path(__file__).parents[2] / "demo" / "run.py")


def leftovers() -> set[str]:
    """Everything that a demonstration might leave: interfaces, mounts, processes of ours."""
    links = subprocess.run(["ip", "-o", "link"], capture_output=True, text=True, check=True).stdout
    names = {line.split(":")[1].strip() for line in links.splitlines()}
    mounts = {line for line in Path("/proc/mounts").read_text().splitlines() if "cygnet" in line}
    return names | mounts | {str(path) for path in Path("/etc").glob("ipsec*")}


def test_demo_shows_a_tunnel() -> None:
    assert_shows_a_tunnel([sys.executable, DEMO])


def test_demo_runs_for_the_root_of_a_user_namespace() -> None:
    """What a user without root has: no capability counts outside the namespace."""
    if subprocess.run(["unshare", "-Ur", "true"], capture_output=True, check=False).returncode:
        pytest.skip("this kernel allows no user namespaces")
    assert_shows_a_tunnel(["unshare", "-Ur", sys.executable, DEMO])


def assert_shows_a_tunnel(command: list[str]) -> None:
    before = leftovers()
    done = subprocess.run(command, capture_output=True, text=True, timeout=100)
    text = done.stdout + done.stderr
    assert done.returncode == 0, text
    assert "connection 'net-net' established successfully" in text
    assert text.count(" 0% packet loss") == 2
    assert "no ICMP in the clear" in text
    assert "4 ESP" in text or "8 ESP" in text, text
    assert "INSTALLED, TUNNEL" in text
    assert leftovers() == before


def test_interrupted_demo_leaves_nothing_behind() -> None:
    before = leftovers()
    command = [sys.executable, DEMO]
    # A background job of a shell has SIGINT ignored, which its children inherit.
    before_demo = signal.signal(signal.SIGINT, signal.default_int_handler)
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, start_new_session=True) as demo:
        signal.signal(signal.SIGINT, before_demo)
        assert demo.stdout is not None
        for line in demo.stdout:
            if "ipsec up net-net" in line:
                break
        os.killpg(demo.pid, signal.SIGINT)  # as a terminal does on Ctrl-C
        rest = demo.stdout.read()
        assert demo.wait(30) == 130
    assert "nothing is left behind" in rest.lower()
    assert leftovers() == before

