"""Guards: bound sockets that receive nothing and take nothing from anybody.

A raw socket gets copies; what it copies is still looked up as UDP. Where nobody has the port bound, the
kernel answers "port unreachable", and initiators give up although we heard them. So something must be
bound to both ports. It must not take datagrams from a foreign IKEv1 daemon, whether that one binds the
unspecified address or each of its own, before us or after us. Measured on Linux 6.18, one network
namespace, foreign daemon with SO_REUSEADDR on the unspecified address, eight IKEv1 datagrams each:

======================================================  ================  ================
bound by us, with SO_REUSEADDR                          foreign first     foreign second
======================================================  ================  ================
AF_INET 0.0.0.0                                         lost              foreign
AF_INET6 ::ffff:0.0.0.0                                 foreign           foreign
AF_INET6 :: (IPv6 only)                                 lost              foreign
AF_INET6 ::, SO_REUSEPORT while binding                 foreign           foreign
the same, foreign has SO_REUSEPORT, too                 **half** lost     lost
the same, our socket owned by another uid               foreign           lost until renewed
======================================================  ================  ================

Reasons: the look-up for an IPv4 datagram ranks an AF_INET socket above an AF_INET6 one, so a guard that is
an AF_INET6 socket on the mapped unspecified address always comes second. For IPv6 the first in the list
wins; sockets are put in front, except AF_INET6 ones with SO_REUSEPORT, which go to the end. The option is
taken back after binding and the uid changed before it, so that we never share a reuseport group. Only a
foreign IPv6 daemon that starts later and itself uses SO_REUSEPORT comes behind us: :meth:`Guards.renew`,
called every few seconds, binds a new guard (at the end) before it closes the old one. A socket bound to a
specific address comes before all these.

A foreign daemon without SO_REUSEADDR shares with nobody. If it has the unspecified address, it covers the
port for us; if it has single addresses, we guard the others one by one. What it had once is left to it,
or it could not come back after a restart. It has to be started before us.
"""

import errno
import os
import socket
from collections.abc import Callable, Iterable
from contextlib import suppress

from cygnet.base.addresses import Address
from cygnet.runtime.network import filters, options
from cygnet.wire import bpf

NOBODY = 65534

Place = tuple[int, str, int]
"""Family, address, port."""


class Guards:
    """Guards of ``ports`` for ``families``; ``local_addresses`` tells which single addresses there are."""

    def __init__(self, families: Iterable[int], ports: Iterable[int],
                 local_addresses: Callable[[], Iterable[Address]] = tuple) -> None:
        self._wanted = [(family, port) for family in families for port in ports]
        self._local_addresses = local_addresses
        self._held: dict[Place, socket.socket] = {}
        self._foreign: set[Place] = set()
        self._encapsulating: set[int] = set()
        for family, port in self._wanted:
            self._take(family, options.ANY[family], port)
        self._take_single_addresses()

    def renew(self) -> None:
        """Bind all guards anew, behind every socket that came meanwhile, and guard new addresses."""
        for place, old in list(self._held.items()):
            with suppress(OSError):
                self._held[place] = self._bound(place)
                old.close()
        self._take_single_addresses()

    def covers(self, family: int, port: int) -> bool:
        """Whether our guard, rather than a foreign socket, is on the unspecified address."""
        return (family, options.ANY[family], port) in self._held

    def encapsulate(self, port: int) -> bool:
        """Let the kernel take ESP out of what comes to guards of ``port``, now and after renewal."""
        self._encapsulating.add(port)
        able = [options.enable_udp_encapsulation(sock)
                for (_, _, guarded), sock in self._held.items() if guarded == port]
        return all(able)

    def close(self) -> None:
        """Let go of everything."""
        for sock in self._held.values():
            sock.close()
        self._held.clear()

    def _take_single_addresses(self) -> None:
        for family, port in self._wanted:
            if not self.covers(family, port):
                for address in self._local_addresses():
                    if address.version == family:
                        self._take(family, str(address), port)

    def _bound(self, place: Place) -> socket.socket:
        sock = _bound(*place)
        if place[2] in self._encapsulating:
            options.enable_udp_encapsulation(sock)
        return sock

    def _take(self, family: int, address: str, port: int) -> None:
        place = (family, address, port)
        if place in self._held or place in self._foreign:
            return
        try:
            self._held[place] = self._bound(place)
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                self._foreign.add(place)
            elif address == options.ANY[family]:
                raise


def _bound(family: int, address: str, port: int) -> socket.socket:
    try:
        sock = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
    except OSError:
        return _bound_without_ipv6(address, port)
    try:
        bpf.attach(sock, filters.drop_all())
        sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, int(family == 6))
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        with suppress(OSError):
            os.fchown(sock.fileno(), NOBODY, -1)
        sock.bind((f"::ffff:{address}" if family == 4 else address, port))
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 0)
    except OSError:
        sock.close()
        raise
    return sock


def _bound_without_ipv6(address: str, port: int) -> socket.socket:
    """Bind on a host without IPv6, where we cannot come second: only what is wholly free.

    SO_REUSEADDR is set afterwards, so that a foreign daemon can still come, and comes first.
    """
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    try:
        bpf.attach(sock, filters.drop_all())
        sock.bind((address, port))
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    except OSError:
        sock.close()
        raise
    return sock
