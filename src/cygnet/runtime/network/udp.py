"""IKE over ordinary UDP sockets: our own, or members of a group that starter opened."""

import socket
from collections.abc import Mapping

from cygnet.base.addresses import Host
from cygnet.runtime.counters import Counters
from cygnet.runtime.network import options
from cygnet.runtime.network.addressing import ANCILLARY_SIZE, arrived_at, host, leaving_from
from cygnet.runtime.network.datagrams import Datagram, EspHandler
from cygnet.runtime.network.demultiplexing import Demultiplexer, marked, unsendable
from cygnet.runtime.network.polling import Poller
from cygnet.runtime.network.settings import SocketSettings


class UdpSocket:
    """UDP sockets by name: ``ike4 ike6 natt4 natt6``, any of which may be missing."""

    def __init__(self, kind: str, sockets: Mapping[str, socket.socket], settings: SocketSettings,
                 counters: Counters, on_esp: EspHandler | None = None) -> None:
        self.kind = kind
        self._sockets = dict(sockets)
        self._max_packet = settings.max_packet
        self._counters = counters
        self._demultiplexer = Demultiplexer(counters, on_esp)
        self._poller = Poller(counters)
        self._ports = {name: sock.getsockname()[1] for name, sock in self._sockets.items()}
        self.port = self._port_of("ike", settings.port)
        self.port_nat_t = self._port_of("natt", settings.port_nat_t)
        for name, sock in self._sockets.items():
            self._poller.add(sock, lambda name=name: self._read(name))  # type: ignore[misc]

    def receive(self, timeout_s: float | None = None) -> Datagram | None:
        """See :class:`~cygnet.runtime.network.datagrams.IkeSocket`."""
        return self._poller.receive(timeout_s)

    def send(self, datagram: Datagram, *, wait: bool = True) -> None:
        """Send from the socket that has the source port and family."""
        nat_t = datagram.source.port == self.port_nat_t
        if not nat_t and datagram.source.port != self.port:
            raise unsendable(datagram.source)
        sock = self._sockets.get(f"{'natt' if nat_t else 'ike'}{datagram.destination.family}")
        if sock is None:
            raise unsendable(datagram.source)
        name = (str(datagram.destination.address), datagram.destination.port)
        sock.sendmsg([marked(datagram.data, nat_t=nat_t)],
                     leaving_from(datagram.source.address, datagram.dscp),
                     0 if wait else socket.MSG_DONTWAIT, name)

    def wake(self) -> None:
        """Let :meth:`receive` return ``None``."""
        self._poller.wake()

    def enable_udp_encapsulation(self) -> bool:
        """On the NAT-T sockets."""
        able = [options.enable_udp_encapsulation(sock)
                for name, sock in self._sockets.items() if name.startswith("natt")]
        return all(able)

    def close(self) -> None:
        """Close the sockets; members of a group live on where they were opened."""
        self._poller.close()
        for sock in self._sockets.values():
            sock.close()

    def _read(self, name: str) -> Datagram | None:
        family = int(name[-1])
        data, ancillary, flags, source = self._sockets[name].recvmsg(
            self._max_packet, ANCILLARY_SIZE, socket.MSG_DONTWAIT)
        if flags & socket.MSG_TRUNC:
            self._counters.add("net too large")
            return None
        destination = Host(arrived_at(ancillary, family), self._ports[name])
        datagram = Datagram(host(source), destination, data)
        return self._demultiplexer.accept(datagram, nat_t=name.startswith("natt"))

    def _port_of(self, prefix: str, default: int) -> int:
        return next((port for name, port in self._ports.items() if name.startswith(prefix)), default)


def open_udp_sockets(settings: SocketSettings) -> dict[str, socket.socket]:
    """Bind both ports alone, for all families this host has; raises ``OSError`` if one is taken."""
    sockets: dict[str, socket.socket] = {}
    ports = {"ike": settings.port, "natt": settings.port_nat_t}
    try:
        for family in filter(options.has_family, settings.families):
            for prefix in ports:
                sock = sockets[f"{prefix}{family}"] = options.open_udp(family, settings.mark, settings.debug)
                sock.bind((options.ANY[family], ports[prefix]))
                ports[prefix] = sock.getsockname()[1]
    except OSError:
        for sock in sockets.values():
            sock.close()
        raise
    return sockets
