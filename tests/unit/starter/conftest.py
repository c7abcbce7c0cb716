"""A starter in its own process with a charon that only writes down what it is asked."""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import cygnet

CHARON = """
import os, socket, sys, time
from pathlib import Path
from cygnet.ctl import frames
run = Path(os.environ["CYGNET_RUNDIR"])
asked = (run / "asked").open("a", buffering=1)
asked.write(" ".join(["started", *sys.argv[1:]]) + "\\n")
if (run / "refuse").exists():
    sys.exit("no right to do this")
(run / "charon.pid").write_text(str(os.getpid()))
(run / "charon.ctl").unlink(missing_ok=True)
listening = socket.socket(socket.AF_UNIX)
listening.bind(str(run / "charon.ctl"))
listening.listen(16)
while True:
    client, _ = listening.accept()
    try:
        fields = frames.read_request(client)
    except frames.ControlError:
        continue
    asked.write(fields["kind"] + " " + fields["name"] + "\\n")
    bad = fields["name"].startswith("bad") and fields["kind"] == "add-connection"
    client.sendall(frames.done_octets(1, "no such certificate") if bad else frames.done_octets(0, ""))
    client.close()
"""

DRIVER = """
import sys
from cygnet.starter import child, main, places, supervisor
def charon(setup, sockets, on_terminal):
    real = places.charon_program(setup, sockets, on_terminal=on_terminal)
    command = (sys.executable, sys.argv[1], *real.command[4:])
    return child.Program("charon", command, real.variables, real.descriptors)
supervisor.charon_program = charon
sys.exit(main.main(sys.argv[2:]))
"""


class Instance:
    """One starter with directories of its own."""

    def __init__(self, folder: Path) -> None:
        self.etc, self.run, self._folder = folder / "etc", folder / "run", folder
        for directory in (self.etc, self.run):
            directory.mkdir()
        (folder / "cygnet_charon.py").write_text(CHARON)
        (folder / "driver.py").write_text(DRIVER)
        (self.etc / "strongswan.conf").write_text("charon { kernel = xfrm\n socket = udp }\n")
        self.configure("conn a\n right=192.0.2.2\n auto=add\n")

    def configure(self, text: str) -> None:
        """Write ipsec.conf."""
        (self.etc / "ipsec.conf").write_text(text)

    def start(self, *options: str) -> subprocess.CompletedProcess[str]:
        """Run starter until it returns."""
        command = [sys.executable, "driver.py", "cygnet_charon.py", *options]
        environment = os.environ | {
            "CYGNET_CONFDIR": str(self.etc),
            "CYGNET_RUNDIR": str(self.run),
            "PYTHONPATH": str(Path(cygnet.__file__).parents[1]),
        }
        return subprocess.run(
            command, cwd=self._folder, env=environment, capture_output=True, text=True, timeout=60
        )

    def asked(self) -> list[str]:
        """What charon was asked so far."""
        path = self.run / "asked"
        return path.read_text().splitlines() if path.exists() else []

    def pid(self, name: str) -> int:
        """The PID in a file, 0 without one."""
        path = self.run / f"{name}.pid"
        try:
            text = path.read_text().strip()
        except FileNotFoundError:
            return 0
        return int(text) if text else 0

    def kill(self, name: str, number: int) -> None:
        """Send a signal to starter or charon."""
        os.kill(self.pid(name), number)

    @staticmethod
    def wait(condition: Callable[[], bool], limit_s: float = 20) -> None:
        """Until ``condition`` holds."""
        end = time.monotonic() + limit_s
        while not condition():
            assert time.monotonic() < end, "it did not happen"
            time.sleep(0.01)

    def stop(self) -> None:
        """End starter, if it runs."""
        if self.pid("starter"):
            self.kill("starter", 15)
            self.wait(lambda: not self.pid("starter"))


@pytest.fixture
def instance(tmp_path: Path) -> Iterator[Instance]:
    """A starter that is stopped in the end."""
    one = Instance(tmp_path)
    yield one
    one.stop()
