"""A host of the demonstration: its own network, its own mounts, its own /etc, /run and /var/log."""

import os
import shutil
import subprocess
import time
from pathlib import Path
from types import TracebackType

LIMIT_S = 60
"""No command of the demonstration takes longer."""

HOLDER = """
set -e
mount --make-rprivate /
mount -t sysfs sys /sys 2>/dev/null || true
mount --bind "$1/log" /var/log
mount --bind "$1/etc" /etc
mount --bind "$1/run" /run
ip link set lo up
echo ready
exec cat
"""
FROM_ETC = (
    "alternatives group hosts ld.so.cache ld.so.conf ld.so.conf.d localtime nsswitch.conf passwd protocols"
    " services"
)
IPSEC_D = "aacerts acerts cacerts certs crls ocspcerts policies private reqs"


class Host:
    """A host; commands on it are printed with their output, as on a terminal."""

    def __init__(self, name: str, programs: Path, place: Path) -> None:
        self.name = name
        self.folder = place / name
        self.etc = self.folder / "etc"
        self._path = f"{programs}:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

    def __enter__(self) -> "Host":
        for part in ("run", "log", "etc", *(f"etc/ipsec.d/{name}" for name in IPSEC_D.split())):
            (self.folder / part).mkdir(parents=True, exist_ok=True)
        (self.etc / "ipsec.d/private").chmod(0o700)
        for name in FROM_ETC.split():
            source = Path("/etc", name)
            if source.is_dir():
                shutil.copytree(source, self.etc / name, symlinks=True)
            elif source.exists():
                shutil.copy(source, self.etc / name)
        self._holder = subprocess.Popen(
            ["unshare", "--mount", "--net", "sh", "-c", HOLDER, "sh", str(self.folder)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        assert self._holder.stdout is not None
        if self._holder.stdout.readline() != "ready\n":
            raise subprocess.CalledProcessError(self._holder.wait(), f"making host {self.name}")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._holder.terminate()
        self._holder.wait()

    @property
    def pid(self) -> int:
        """A process in the host's namespaces."""
        return self._holder.pid

    def show(self, *command: str) -> None:
        """Runs a command and shows it and what it prints."""
        print(f"{self.name}# {' '.join(command)}", flush=True)
        done = self._run(command, capture_output=False)
        if done.returncode:
            raise subprocess.CalledProcessError(done.returncode, f"{self.name}# {' '.join(command)}")

    def shell(self, *lines: str) -> None:
        """Runs command lines in a shell, and shows them."""
        for line in lines:
            print(f"{self.name}# {line}", flush=True)
            self.quietly("bash" if shutil.which("bash") else "sh", "-c", line)

    def quietly(self, *command: str) -> None:
        """Runs a command; shows what it printed only when it failed."""
        done = self._run(command, capture_output=True)
        if done.returncode:
            print(done.stdout + done.stderr, flush=True)
            raise subprocess.CalledProcessError(done.returncode, f"{self.name}# {' '.join(command)}")

    def wait_for(self, *command: str) -> None:
        """Repeats a command until it succeeds."""
        deadline = time.monotonic() + LIMIT_S / 4
        while True:
            done = self._run(command, capture_output=True)
            if done.returncode == 0:
                return
            if time.monotonic() > deadline:
                raise subprocess.CalledProcessError(done.returncode, f"{self.name}# {' '.join(command)}")
            time.sleep(0.05)

    def spawn(self, *command: str) -> subprocess.Popen[bytes]:
        """Starts a command that goes on."""
        return subprocess.Popen(self._entering(command), env=self._environment(), cwd="/")

    def _run(self, command: tuple[str, ...], *, capture_output: bool) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            self._entering(command),
            env=self._environment(),
            capture_output=capture_output,
            text=True,
            timeout=LIMIT_S,
            cwd="/",
        )

    def _entering(self, command: tuple[str, ...]) -> list[str]:
        ns = f"/proc/{self.pid}/ns"
        return ["nsenter", f"--mount={ns}/mnt", f"--net={ns}/net", "--", *command]

    def _environment(self) -> dict[str, str]:
        term = os.environ.get("TERM", "dumb")
        return {"PATH": self._path, "HOME": "/root", "LC_ALL": "C.UTF-8", "TERM": term}


def wire(one: Host, other: Host) -> None:
    """Joins two hosts by a cable from eth0 to eth0."""
    command = ["ip", "link", "add", "eth0", "netns", str(one.pid), "type", "veth"]
    subprocess.run([*command, "peer", "name", "eth0", "netns", str(other.pid)], check=True)
    for host in (one, other):
        host.quietly("ip", "link", "set", "eth0", "up")
