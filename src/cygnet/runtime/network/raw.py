"""One version of IKE through raw sockets, beside any other daemon that owns the UDP ports.

A raw socket per family, with a filter that passes only that version on our ports, receives copies whoever
else gets the datagram. Guards (:mod:`cygnet.runtime.network.guards`) keep the kernel from answering "port
unreachable". Everything is sent through the raw sockets too, with UDP headers of our own, so that it does
not matter who has the ports.
"""

import socket
import struct
import threading
from collections.abc import Callable, Iterable
from time import monotonic

from cygnet.base.addresses import Address, Host
from cygnet.runtime.counters import Counters
from cygnet.runtime.network import filters, options
from cygnet.runtime.network.addressing import (
    ANCILLARY_SIZE,
    arrived_at,
    leaving_from,
    parsed,
    unpacked,
)
from cygnet.runtime.network.datagrams import Datagram, EspHandler
from cygnet.runtime.network.demultiplexing import Demultiplexer, marked, unsendable
from cygnet.runtime.network.guards import Guards
from cygnet.runtime.network.polling import Poller
from cygnet.runtime.network.settings import SocketSettings
from cygnet.wire import bpf

RENEWAL_S = 5.0
"""How often guards are bound anew."""

_IP_HEADER_MAX = 60
_UDP = struct.Struct(">HHHH")
_CHECKSUM_OFFSET = 6


class RawSocket:
    """Raw sockets for both families and both ports. Needs the right to open them (CAP_NET_RAW).

    ``local_addresses`` lists this host's addresses, for guards.
    """

    kind = "raw"

    def __init__(self, settings: SocketSettings, counters: Counters, on_esp: EspHandler | None = None,
                 local_addresses: Callable[[], Iterable[Address]] = tuple) -> None:
        self.port = settings.port
        self.port_nat_t = settings.port_nat_t
        self._counters = counters
        self._size = settings.max_packet + _IP_HEADER_MAX + _UDP.size
        self._demultiplexer = Demultiplexer(counters, on_esp)
        families = [family for family in settings.families if options.has_family(family)]
        self._sockets = {family: _open(family, settings) for family in families}
        self._guards = Guards(families, (self.port, self.port_nat_t), local_addresses)
        self._renewing = threading.RLock()
        self._renewal_at = monotonic() + RENEWAL_S
        self._poller = Poller(counters)
        for family, sock in self._sockets.items():
            self._poller.add(sock, self._read_ipv4 if family == 4 else self._read_ipv6)

    def receive(self, timeout_s: float | None = None) -> Datagram | None:
        """See :class:`~cygnet.runtime.network.datagrams.IkeSocket`; returns when guards are due, too."""
        if monotonic() >= self._renewal_at:
            self._renew_if_due()
        left_s = max(0.0, self._renewal_at - monotonic())
        return self._poller.receive(left_s if timeout_s is None else min(left_s, timeout_s))

    def renew_guards(self) -> None:
        """Step behind sockets that foreign daemons bound meanwhile, and guard new addresses."""
        with self._renewing:
            self._renewal_at = monotonic() + RENEWAL_S
            self._guards.renew()

    def _renew_if_due(self) -> None:
        with self._renewing:
            if monotonic() >= self._renewal_at:  # still, for the first of several threads
                self.renew_guards()

    def send(self, datagram: Datagram, *, wait: bool = True) -> None:
        """Send with a UDP header of our own."""
        source, destination = datagram.source, datagram.destination
        nat_t = source.port == self.port_nat_t
        sock = self._sockets.get(destination.family)
        if sock is None or (not nat_t and source.port != self.port):
            raise unsendable(source)
        packet = udp_packet(source, destination, marked(datagram.data, nat_t=nat_t))
        control = leaving_from(source.address, datagram.dscp)
        flags = 0 if wait else socket.MSG_DONTWAIT
        sock.sendmsg([packet], control, flags, (str(destination.address), 0))

    def wake(self) -> None:
        """Let :meth:`receive` return ``None``."""
        self._poller.wake()

    def enable_udp_encapsulation(self) -> bool:
        """On the guards of the NAT-T port; a foreign daemon's socket decapsulates for itself."""
        return self._guards.encapsulate(self.port_nat_t)

    def close(self) -> None:
        """Close everything."""
        self._poller.close()
        self._guards.close()
        for sock in self._sockets.values():
            sock.close()

    def _read_ipv4(self) -> Datagram | None:
        packet, _, flags, _ = self._sockets[4].recvmsg(self._size, 0, socket.MSG_DONTWAIT)
        header = (packet[0] & 0x0F) * 4 if packet else 0
        if flags & socket.MSG_TRUNC or len(packet) < header + _UDP.size or header < 20:
            self._refuse(flags)
            return None
        return self._accept(unpacked(packet[12:16]), unpacked(packet[16:20]), packet[header:])

    def _read_ipv6(self) -> Datagram | None:
        packet, ancillary, flags, name = self._sockets[6].recvmsg(
            self._size, ANCILLARY_SIZE, socket.MSG_DONTWAIT)
        if flags & socket.MSG_TRUNC or len(packet) < _UDP.size:
            self._refuse(flags)
            return None
        return self._accept(parsed(name[0]), arrived_at(ancillary, 6), packet)

    def _accept(self, source: Address, destination: Address, packet: bytes) -> Datagram | None:
        source_port, destination_port, length, _ = _UDP.unpack_from(packet)
        if not _UDP.size <= length <= len(packet):
            self._refuse(0)
            return None
        payload = packet[_UDP.size:length]
        datagram = Datagram(Host(source, source_port), Host(destination, destination_port), payload)
        return self._demultiplexer.accept(datagram, nat_t=destination_port == self.port_nat_t)

    def _refuse(self, flags: int) -> None:
        self._counters.add("net too large" if flags & socket.MSG_TRUNC else "net too short")


def udp_packet(source: Host, destination: Host, payload: bytes) -> bytes:
    """UDP header and payload (RFC 768).

    For IPv6 the kernel fills in the checksum. For IPv4 there is none if the source is left to the kernel.
    """
    length = _UDP.size + len(payload)
    if length > 0xFFFF:
        raise OSError("datagram larger than UDP can carry")
    header = _UDP.pack(source.port, destination.port, length, 0)
    if destination.family == 6 or source.is_any:
        return header + payload
    addresses = source.address.packed + destination.address.packed
    pseudo = addresses + struct.pack(">HH", socket.IPPROTO_UDP, length)
    return _UDP.pack(source.port, destination.port, length, checksum(pseudo + header + payload)) + payload


def checksum(data: bytes) -> int:
    """The Internet checksum (RFC 1071), 0xFFFF where it would be zero, which means none (RFC 768)."""
    if len(data) % 2:
        data += b"\x00"
    # 2^16 is 1 modulo 2^16 - 1, so the one's complement sum of 16-bit words is the number's remainder.
    total = int.from_bytes(data, "big") % 0xFFFF
    return 0xFFFF - total


def open_esp_sockets(settings: SocketSettings) -> dict[str, socket.socket]:
    """Raw sockets for ESP in UDP, by name (``esp4``, ``esp6``), for an espd where others have the NAT-T port.

    Whoever reads them finds the UDP header before the ESP, and for IPv4 the IP header before that; whoever
    sends through them adds the UDP header. Raises ``OSError``.
    """
    programs = {4: filters.raw_esp_ipv4, 6: filters.raw_esp_ipv6}
    families = [family for family in settings.families if options.has_family(family)]
    return {f"esp{one}": _raw(one, settings, programs[one](settings.port_nat_t)) for one in families}


def _open(family: int, settings: SocketSettings) -> socket.socket:
    program = filters.raw_ipv4 if family == 4 else filters.raw_ipv6
    return _raw(family, settings, program(settings.port, settings.port_nat_t, settings.version))


def _raw(family: int, settings: SocketSettings, program: bpf.Program) -> socket.socket:
    sock = socket.socket(options.FAMILIES[family], socket.SOCK_RAW, socket.IPPROTO_UDP)
    try:
        bpf.attach(sock, program)
        options.prepare(sock, family, settings.mark, settings.debug)
        if family == 6:
            sock.setsockopt(socket.IPPROTO_IPV6, options.IPV6_CHECKSUM, _CHECKSUM_OFFSET)
        _drain(sock)
    except OSError:
        sock.close()
        raise
    return sock


def _drain(sock: socket.socket) -> None:
    """Forget what came in before the filter was there."""
    while True:
        try:
            sock.recv(1, socket.MSG_DONTWAIT)
        except BlockingIOError:
            return
