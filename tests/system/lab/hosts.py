"""A host: network, mount, process and host-name namespaces of its own, with its own /etc, /run and /var/log.

Its IPv6 addresses are usable at once: to find, a second after a link came up, that a link-local one is nobody
else's is a change of addresses, and daemons would tell their peers of it in the middle of a test.

Nothing is registered anywhere: the namespaces live in a holder process that ends when its standard input is
closed, so a host and all its processes are gone with the test run, however that ends.
"""

import os
import shutil
import subprocess
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar

T = TypeVar("T")

HOLDER = r"""
set -e
mount --make-rprivate /
mount -t proc proc /proc
mount -t sysfs sys /sys 2>/dev/null || true
for which in all default; do echo 0 > "/proc/sys/net/ipv6/conf/$which/accept_dad"; done 2>/dev/null || true
ip link set lo up
hostname "$2"
%s
echo ready
exec env --ignore-signal=CHLD cat
"""

LOCAL = r"""
mount --bind "$1/run" /run
mount --bind "$1/log" /var/log
mount --bind "$1/etc" /etc
"""

FROM_ETC = (
    "alternatives group hosts ld.so.cache ld.so.conf ld.so.conf.d localtime nsswitch.conf passwd protocols "
    "services ssl/openssl.cnf"
)


class CommandFailedError(AssertionError):
    """A command on a host ended with a status that the test did not expect."""


class Host:
    """A machine with the file system of this one, but its own /etc, /run and /var/log below ``folder``."""

    setup = LOCAL
    path = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

    def __init__(self, name: str, folder: Path) -> None:
        self.name = name
        self.folder = folder
        self._spawned: list[subprocess.Popen[bytes]] = []
        for part in ("etc", "run", "log"):
            (folder / part).mkdir(parents=True, exist_ok=True)
        self.prepare()
        self._holder = self._start_holder()

    def prepare(self) -> None:
        """Fills the folders that the holder mounts."""
        for entry in FROM_ETC.split():
            source, target = Path("/etc", entry), self.folder / "etc" / entry
            target.parent.mkdir(parents=True, exist_ok=True)
            if source.is_dir():
                shutil.copytree(source, target, symlinks=True)
            elif source.exists():
                shutil.copy(source, target)

    def _start_holder(self) -> subprocess.Popen[str]:
        command = ["unshare", "--mount", "--net", "--pid", "--uts", "--ipc", "--fork", "--kill-child"]
        command += ["sh", "-c", HOLDER % self.setup, "sh", str(self.folder), self.name]
        with (self.folder / "holder.log").open("w") as complaints:
            holder = subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=complaints,
                text=True,
                env={"PATH": self.path},
            )
        assert holder.stdout is not None
        if holder.stdout.readline() != "ready\n":
            holder.wait(10)
            raise RuntimeError(f"host {self.name}: " + (self.folder / "holder.log").read_text())
        return holder

    @property
    def pid(self) -> int:
        """A process in this host's network namespace."""
        return self._holder.pid

    def enter(self) -> list[str]:
        """The command prefix that carries a command into this host."""
        ns = f"/proc/{self.pid}/ns"
        command = ["nsenter", f"--mount={ns}/mnt", f"--net={ns}/net", f"--uts={ns}/uts", f"--ipc={ns}/ipc"]
        return [*command, f"--pid={ns}/pid_for_children", "--"]

    def environment(self) -> dict[str, str]:
        return {"PATH": self.path, "HOME": "/root", "LANG": "C.UTF-8", "LC_ALL": "C.UTF-8"}

    def run(
        self, *command: str, status: int | None = 0, timeout: float = 30, stdin: str = ""
    ) -> subprocess.CompletedProcess[str]:
        """Runs a command to its end; ``status`` is what it must end with, ``None`` for anything."""
        return self._run(self.enter(), command, status, timeout, stdin)

    def net(self, *command: str, status: int | None = 0, stdin: str = "") -> subprocess.CompletedProcess[str]:
        """As ``run``, with this machine's programs and files and only the host's network."""
        return self._run(["nsenter", f"--net=/proc/{self.pid}/ns/net", "--"], command, status, 30, stdin)

    def _run(
        self, enter: list[str], command: Sequence[str], status: int | None, timeout: float, stdin: str
    ) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            [*enter, *command],
            env=self.environment(),
            cwd="/",
            capture_output=True,
            text=True,
            timeout=timeout,
            input=stdin,
        )
        self._note(command, done)
        if status is not None and done.returncode != status:
            raise CommandFailedError(
                f"{self.name}: `{' '.join(command)}` ended with {done.returncode}, not {status}\n"
                f"{done.stdout}{done.stderr}"
            )
        return done

    def spawn(self, *command: str, log: str) -> subprocess.Popen[bytes]:
        """Starts a command that goes on until the host ends; what it prints is kept in the log folder."""
        with (self.folder / "log" / log).open("ab") as output:
            process = subprocess.Popen(
                [*self.enter(), *command],
                env=self.environment(),
                cwd="/",
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
            )
        self._spawned.append(process)
        return process

    def write(self, path: str, text: str | bytes, mode: int = 0o644) -> None:
        """Writes a file of the host: ``path`` is below /etc, /run or /var/log."""
        target = self.file(path)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(text.encode() if isinstance(text, str) else text)
        target.chmod(mode)

    def read(self, path: str) -> str:
        """The text of a file of the host; empty when there is none."""
        try:
            return self.file(path).read_text(errors="replace")
        except FileNotFoundError:
            return ""

    def file(self, path: str) -> Path:
        top, _, rest = path.removeprefix("/").removeprefix("var/").partition("/")
        assert top in ("etc", "run", "log"), path
        return self.folder / top / rest

    def pid_of(self, name: str) -> int:
        """The process id inside the host that ``/run/NAME.pid`` states; 0 when there is none."""
        text = self.read(f"/run/{name}.pid").strip()
        return int(text) if text.isdigit() else 0

    def alive(self, pid: int) -> bool:
        return pid > 0 and self.run("test", "-d", f"/proc/{pid}", status=None).returncode == 0

    def close(self) -> None:
        """Ends every process of the host; closing the holder's input ends its process namespace."""
        assert self._holder.stdin is not None and self._holder.stdout is not None
        self._holder.stdin.close()
        try:
            self._holder.wait(10)
        except subprocess.TimeoutExpired:
            self._holder.kill()
            self._holder.wait(10)
        self._holder.stdout.close()
        for process in self._spawned:
            process.wait(10)

    def _note(self, command: Sequence[str], done: subprocess.CompletedProcess[str]) -> None:
        with (self.folder / "log" / "commands.log").open("a") as notes:
            notes.write(f"$ {' '.join(command)}\n{done.stdout}{done.stderr}[{done.returncode}]\n")


def until(condition: Callable[[], T], what: str, within: float = 10.0) -> T:
    """Waits until ``condition`` holds and returns what it gave; fails after ``within`` seconds."""
    deadline = time.monotonic() + within
    while not (value := condition()):
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {within:g} s: {what}")
        time.sleep(0.05)
    return value


def can_make_hosts() -> str:
    """Empty when this machine lets us make hosts, else the reason."""
    for program in ("unshare", "nsenter", "ip", "nft", "ping"):
        if shutil.which(program, path=Host.path) is None:
            return f"no program `{program}` (make test as root on Debian installs it)"
    probe = ["unshare", "--mount", "--net", "--pid", "--uts", "--ipc", "--fork"]
    probe += ["mount", "-t", "proc", "proc", "/proc"]
    if subprocess.run(probe, capture_output=True).returncode:
        return "namespaces cannot be made here: needs root, or unprivileged user namespaces"
    return ""


def program_missing(name: str) -> str:
    """Empty when this machine has a program, else the reason."""
    found = shutil.which(name, path=Host.path)
    return "" if found else f"no program `{name}` (scripts/provide installs it as root on Debian)"


def can_make_tun() -> str:
    """Empty when TUN devices can be made, else the reason."""
    try:
        os.close(os.open("/dev/net/tun", os.O_RDWR))
    except OSError as error:
        return f"/dev/net/tun: {error.strerror} (modprobe tun; containers: --device /dev/net/tun)"
    return ""

