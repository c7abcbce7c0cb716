"""One IKE datagram, and what a socket backend offers."""

from collections.abc import Callable
from typing import Protocol

from cygnet.base.addresses import Host
from cygnet.base.records import record

NON_ESP_MARKER = bytes(4)
KEEPALIVE = b"\xff"


@record
class Datagram:
    """An IKE message between two hosts, without the non-ESP marker (RFC 7296, 2.23, 3.1).

    ``data`` of :data:`KEEPALIVE` is a NAT keep-alive (RFC 3948, 2.3). ``dscp`` is that of a datagram to
    be sent (``ikedscp``).
    """

    source: Host
    destination: Host
    data: bytes
    dscp: int = 0


EspHandler = Callable[[Datagram], None]


class IkeSocket(Protocol):
    """All of a daemon's IKE sockets as one: ports 500 and 4500, IPv4 and IPv6; for any number of threads."""

    kind: str
    port: int
    port_nat_t: int

    def receive(self, timeout_s: float | None = None) -> Datagram | None:
        """The next IKE datagram, for one thread; ``None`` after ``timeout_s`` seconds, or now and then.

        Markers are stripped. Keep-alives and ESP do not come out here; they are counted, ESP goes to
        the ESP handler.
        """

    def send(self, datagram: Datagram, *, wait: bool = True) -> None:
        """Send from ``datagram.source`` (the unspecified address: the kernel chooses).

        Adds the marker if the source port is the NAT-T port. Raises ``OSError``; ``BlockingIOError`` when
        the socket's buffer is full and it shall not ``wait`` for room.
        """

    def wake(self) -> None:
        """Let :meth:`receive` return ``None``, in all threads and from now on."""

    def enable_udp_encapsulation(self) -> bool:
        """Let the kernel take ESP out of what comes to the NAT-T port; False if it cannot (RFC 3948)."""

    def close(self) -> None:
        """Close what this process holds."""
