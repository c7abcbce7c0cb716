"""What ``strongswan.conf`` says about the daemon around the protocol core.

Each option is looked for below ``pluto`` and then below ``charon``, so that both daemons can be told at once;
``threads`` and ``filelog`` are pluto's own.
"""

from dataclasses import dataclass
from typing import Protocol


class Source(Protocol):
    """The parsed ``strongswan.conf``."""

    def get(self, path: str, default: str = "") -> str:
        """A value as text."""

    def get_int(self, path: str, default: int) -> int:
        """A value as a number."""

    def has(self, path: str) -> bool:
        """Whether there is such a value or section."""


@dataclass(frozen=True, slots=True)
class ShellSettings:
    """Sockets, threads and queues; numbers are brought into the limits that stand in :data:`LIMITS`."""

    threads: int = 4
    socket: str = "auto"
    port: int = 500
    port_nat_t: int = 4500
    max_packet: int = 10_000
    receive_queue: int = 10_000
    send_queue: int = 10_000
    event_queue: int = 100_000
    sa_limit: int = 100_000
    mailbox: int = 128
    max_clients: int = 64


LIMITS: dict[str, tuple[int, int]] = {
    "threads": (2, 256),
    "port": (0, 65535),
    "port_nat_t": (0, 65535),
    "max_packet": (1280, 65535),
    "receive_queue": (16, 1_000_000),
    "send_queue": (16, 1_000_000),
    "event_queue": (1000, 10_000_000),
    "sa_limit": (1, 10_000_000),
    "mailbox": (8, 100_000),
    "max_clients": (1, 1024),
}
_OWN = frozenset({"threads", "sa_limit"})
"""Options that charon's section does not speak of for both."""


def load(source: Source) -> ShellSettings:
    """The settings of a ``strongswan.conf``."""
    values: dict[str, int | str] = {"socket": _socket(source)}
    defaults = ShellSettings()
    for name, (low, high) in LIMITS.items():
        number = source.get_int(_path(source, name), getattr(defaults, name))
        values[name] = min(max(number, low), high)
    return ShellSettings(**values)  # type: ignore[arg-type]


def _socket(source: Source) -> str:
    """``udp`` is for one daemon: where charon is to have the ports, ours is to find another way."""
    if source.has("pluto.socket"):
        return source.get("pluto.socket", "auto")
    kind = source.get("charon.socket", "auto")
    return "auto" if kind == "udp" else kind


def _path(source: Source, name: str) -> str:
    own = f"pluto.{name}"
    return own if name in _OWN or source.has(own) else f"charon.{name}"
