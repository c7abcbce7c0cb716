"""Where this host keeps its name servers: ``resolv.conf``, ``resolvconf``, or systemd-resolved.

Each keeper is told all that tunnels have brought, and sees to it that this, and nothing older, is in use.
All raise ``OSError`` with the reason when that fails.
"""

import shlex
import tempfile
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from cygnet.base.addresses import Address
from cygnet.runtime.scripts import Ended

MARK = "# by Cygnet"
MAX_OCTETS = 1 << 16
DEADLINE_S = 10.0

Run = Callable[[str, Mapping[str, str], float], Ended]


@dataclass(frozen=True, slots=True)
class Server:
    """A name server; with ``tls`` it speaks DNS over TLS, as ``name`` where its certificate is told."""

    address: Address
    tls: bool = False
    port: int = 53
    name: str = ""

    def __str__(self) -> str:
        if not self.tls:
            return str(self.address)
        address = f"[{self.address}]" if self.address.version == 6 else str(self.address)
        return f"{address}:{self.port}" + (f"#{self.name}" if self.name else "")


class ResolvConf:
    """``resolv.conf(5)``: our servers stand first, on lines with a mark behind them."""

    speaks_tls = False

    def __init__(self, path: Path) -> None:
        self._path = path

    def set(self, servers: Sequence[Server], domains: Sequence[str], interface: str) -> None:
        """Write the file anew, if it changes. It stays the same file where it may not be replaced."""
        old = self._read()
        kept = [line for line in old.splitlines() if not line.rstrip().endswith(MARK)]
        lines = [*(f"nameserver {one}   {MARK}" for one in dict.fromkeys(servers)), *kept]
        text = "".join(f"{line}\n" for line in lines)
        if text != old:
            self._write(text)

    def _read(self) -> str:
        try:
            with self._path.open(encoding="utf-8", errors="surrogateescape") as file:
                text = file.read(MAX_OCTETS + 1)
        except FileNotFoundError:
            return ""
        if len(text) > MAX_OCTETS:
            raise OSError(27, f"longer than {MAX_OCTETS} octets", str(self._path))
        return text

    def _write(self, text: str) -> None:
        path = self._path.resolve()
        try:
            with tempfile.NamedTemporaryFile(
                "w", dir=path.parent, delete=False, encoding="utf-8", errors="surrogateescape"
            ) as file:
                file.write(text)
            new = Path(file.name)
            try:
                new.chmod(0o644)
                new.replace(path)
            except OSError:
                new.unlink()
                raise
        except OSError:  # a mounted file, or a folder that is not ours
            path.write_text(text, encoding="utf-8", errors="surrogateescape")


class Resolvconf:
    """The program ``resolvconf(8)``, which merges what interfaces bring."""

    speaks_tls = False

    def __init__(self, command: str, interface: str, run: Run) -> None:
        self._command, self._interface, self._run = shlex.quote(command), shlex.quote(interface), run
        self._shown = False

    def set(self, servers: Sequence[Server], domains: Sequence[str], interface: str) -> None:
        """All servers under one name."""
        if servers:
            text = "".join(f"nameserver {one}\n" for one in dict.fromkeys(servers))
            command = f'printf %s "$SERVERS" | {self._command} -a {self._interface}'
            _succeed(self._run(command, {"SERVERS": text}, DEADLINE_S), self._command)
        elif self._shown:
            _succeed(self._run(f"{self._command} -d {self._interface}", {}, DEADLINE_S), self._command)
        self._shown = bool(servers)


class Resolved:
    """systemd-resolved: servers of the tunnel's interface, for all names or for some domains (RFC 8598)."""

    speaks_tls = True

    def __init__(self, command: str, run: Run) -> None:
        self._command, self._run = shlex.quote(command), run
        self._interface = self._tls = ""

    def set(self, servers: Sequence[Server], domains: Sequence[str], interface: str) -> None:
        """Servers and routing domains of ``interface``; without servers it has none again.

        The interface speaks TLS to all its servers, or, where one does not, as far as they do.
        """
        tls = _tls(servers)
        if self._interface and (not servers or (self._tls and not tls)):
            with suppress(OSError):  # the interface may be gone, and all this with it
                self._do("revert", self._interface)
        if not servers:
            self._interface = self._tls = ""
            return
        self._interface = interface
        if tls:
            self._do("dnsovertls", interface, tls)
        self._tls = tls
        self._do("dns", interface, *map(str, dict.fromkeys(servers)))
        self._do("domain", interface, *(f"~{one}" for one in dict.fromkeys(domains or (".",))))

    def _do(self, *words: str) -> None:
        command = " ".join((self._command, *map(shlex.quote, words)))
        _succeed(self._run(command, {}, DEADLINE_S), command)


def _tls(servers: Sequence[Server]) -> str:
    """The mode of resolvectl's dnsovertls; empty where nobody speaks it."""
    if not any(one.tls for one in servers):
        return ""
    return "yes" if all(one.tls for one in servers) else "opportunistic"


def _succeed(ended: Ended, command: str) -> None:
    if ended.late:
        raise OSError(110, f"took longer than {DEADLINE_S:.0f} s", command)
    if ended.status:
        raise OSError(5, "; ".join(ended.lines[-3:]) or f"ended with {ended.status}", command)
