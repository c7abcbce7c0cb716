"""Network namespaces that this very process can step into, for tests of sockets."""

import ctypes
import os
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

CLONE_NEWNET = 0x40000000

_libc = ctypes.CDLL(None, use_errno=True)


class Namespace:
    """A network namespace; sockets opened and commands run within :meth:`entered` are in it."""

    def __init__(self) -> None:
        made: list[int | OSError] = []
        thread = threading.Thread(target=lambda: made.append(_fresh()))
        thread.start()
        thread.join()
        if isinstance(made[0], OSError):
            raise made[0]
        self._descriptor = made[0]
        self.run("ip link set lo up")

    @contextmanager
    def entered(self) -> Iterator[None]:
        before = os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC)
        try:
            _enter(self._descriptor)
            yield
        finally:
            _enter(before)
            os.close(before)

    def run(self, command: str) -> None:
        with self.entered():
            subprocess.run(command.split(), check=True, capture_output=True)

    def connect(self, other: "Namespace", ours: tuple[str, ...], theirs: tuple[str, ...]) -> None:
        """A wire to another namespace, with addresses (prefix length included) at both ends."""
        self.run("ip link add wire type veth peer name far")
        with self.entered():
            command = ["ip", "link", "set", "far", "netns", f"/proc/self/fd/{other._descriptor}"]
            subprocess.run(command, check=True, pass_fds=[other._descriptor])
        other.run("ip link set far name wire")
        for namespace, addresses in ((self, ours), (other, theirs)):
            for address in addresses:
                namespace.run(f"ip address add {address} dev wire" + (" nodad" if ":" in address else ""))
            namespace.run("ip link set wire up")

    def unreachables_sent(self) -> int:
        """How many ICMP and ICMPv6 "destination unreachable" messages left this host."""
        with self.entered():
            lines = [line.split() for line in Path("/proc/thread-self/net/snmp").read_text().splitlines()
                     if line.startswith("Icmp:")]
            names, values = lines
            six = dict(line.split() for line in Path("/proc/thread-self/net/snmp6").read_text().splitlines())
            return int(values[names.index("OutDestUnreachs")]) + int(six["Icmp6OutDestUnreachs"])

    def close(self) -> None:
        os.close(self._descriptor)


def _fresh() -> int | OSError:
    if _libc.unshare(CLONE_NEWNET):
        return OSError(ctypes.get_errno(), "unshare")
    return os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC)


def _enter(descriptor: int) -> None:
    if _libc.setns(descriptor, CLONE_NEWNET):
        raise OSError(ctypes.get_errno(), "setns")
