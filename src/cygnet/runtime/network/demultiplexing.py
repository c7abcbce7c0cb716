"""What a datagram on an IKE port is: IKE, ESP in UDP, or a keep-alive (RFC 3948, 2)."""

from cygnet.base.addresses import Host
from cygnet.runtime.counters import Counters
from cygnet.runtime.network.datagrams import KEEPALIVE, NON_ESP_MARKER, Datagram, EspHandler


class Demultiplexer:
    """Keeps IKE, counts the rest; ``on_esp`` is given ESP packets that reach a keying daemon."""

    def __init__(self, counters: Counters, on_esp: EspHandler | None = None) -> None:
        self._counters = counters
        self._on_esp = on_esp

    def accept(self, datagram: Datagram, *, nat_t: bool) -> Datagram | None:
        """The IKE message, without marker if it came to the NAT-T port; otherwise ``None``."""
        data = datagram.data
        if data == KEEPALIVE:
            self._counters.add("net keep-alives received")
            return None
        if not nat_t:
            return datagram
        if len(data) < len(NON_ESP_MARKER):
            self._counters.add("net too short")
            return None
        if data.startswith(NON_ESP_MARKER):
            return Datagram(datagram.source, datagram.destination, data[len(NON_ESP_MARKER):])
        self._counters.add("net ESP received")
        if self._on_esp is not None:
            self._on_esp(datagram)
        return None


def marked(data: bytes, *, nat_t: bool) -> bytes:
    """What goes into the UDP datagram: IKE on the NAT-T port carries the marker, a keep-alive does not."""
    return NON_ESP_MARKER + data if nat_t and data != KEEPALIVE else data


def unsendable(source: Host) -> OSError:
    """The error for a source port that no socket has."""
    return OSError(f"no IKE socket for {source.with_brackets()}")
