"""espd put together: device, sockets, routes, data plane, control socket, one loop."""

import os
import secrets
import signal
import socket
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from pathlib import Path

from cygnet.base.addresses import Address
from cygnet.esp.plane import DataPlane, Received, Sent
from cygnet.esp.records import PacketMark
from cygnet.esp.superpackets import SuperPacket
from cygnet.espd.appetite import Appetite
from cygnet.espd.control import Control
from cygnet.espd.devices import Devices
from cygnet.espd.loop import ERROR, READ, Loop
from cygnet.espd.routes import Routes
from cygnet.espd.service import DEFAULT_MTU, Service
from cygnet.espd.sockets import Sockets
from cygnet.espd.translate import packet_mark
from cygnet.espd.tun import TunDevice
from cygnet.kernel.backends.host import MARK, route_probe
from cygnet.kernel.backends.virtual_addresses import Addresses
from cygnet.kernel.port import Mark, PolicySpec

BATCH = 64
"""Packets handled between two looks at the other descriptors."""
SUPERS = 4
"""And super-packets."""
LINK_MTU = 1500
"""Assumed where no route tells."""
LEAST_PATH_MTU = {4: 576, 6: 1280}
"""ICMP that claims less is not believed."""
PATH_MTU_S = 610.0
"""When a reduced path MTU is looked up again; the kernel forgets after 600 s (RFC 1191, 6.3)."""
_MTU_OPTIONS = {4: (socket.IPPROTO_IP, 14), 6: (socket.IPPROTO_IPV6, 24)}


class Daemon:
    """The whole daemon. Its constructor takes everything it needs from the system or raises."""

    def __init__(self, device: str, inherited: dict[str, socket.socket], log: Callable[[str], None]) -> None:
        self._loop = Loop(log)
        self._plane = DataPlane(os.urandom)
        self._devices = Devices(device, DEFAULT_MTU, self._watch_device, self._forget_device)
        self._lost: Counter[str] = Counter()
        self._sockets = Sockets(self._lost)
        self._routes = Routes(self._devices)
        self._addresses = Addresses(MARK)
        for address in self._addresses.clear(lambda mark: mark == MARK):
            log(f"removed virtual address {address} that an earlier espd left behind")
        self._service = Service(self._plane, self)
        self._control = Control(self._loop, self._service, secrets.token_hex(8), self._adopt, device)
        self._control.changed = self._changed
        self._timer_at = float("inf")
        self._sockets.adopt(inherited)
        self._watch_sockets()

    def run(self, path: Path) -> None:
        """Serve on ``path`` until SIGTERM or SIGINT; then remove everything."""
        woken, waker = socket.socketpair()
        for end in (woken, waker):
            end.setblocking(False)
        self._loop.watch(woken, READ, lambda _: self._loop.stop())
        signal.set_wakeup_fd(waker.fileno())
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: None)
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
        signal.pthread_sigmask(signal.SIG_SETMASK, ())  # charon, which may have started us, blocks some
        try:
            self._control.listen(path)
            self._loop.log(f"espd listens on {path}, device {self._devices.first.name}")
            self._loop.run()
        finally:
            signal.set_wakeup_fd(-1)
            woken.close()
            waker.close()
            self.close()

    def close(self) -> None:
        """Remove rules, routes, device and sockets."""
        self._control.close()
        self._addresses.close()
        self._routes.close()
        self._devices.close()
        self._sockets.close()
        self._loop.close()

    # -- what the service asks of the machine ------------------------------------------------------------

    def path_mtu(self, destination: Address) -> int:
        """What the kernel knows of the path."""
        with route_probe(destination) as probe:
            if probe is None:
                return LINK_MTU
            mtu = probe.getsockopt(*_MTU_OPTIONS[destination.version])
        return min(mtu, 65535) or LINK_MTU

    def can_send(self, family: int, udp: bool) -> bool:
        """Whether there is a socket for such packets."""
        return self._sockets.can_send(family, udp)

    def route_in(self, spec: PolicySpec) -> None:
        """Lead a policy's destination to the device."""
        self._routes.add(spec)

    def route_out(self, spec: PolicySpec) -> None:
        """Take that back."""
        self._routes.remove(spec)

    def address_in(self, address: Address, device: str) -> None:
        """Put an address on an interface, the first of our own unless it has a name."""
        self._addresses.add(address, device, self._devices.first.index)

    def address_out(self, address: Address, device: str) -> None:
        """Take it away again."""
        self._addresses.remove(address, device)

    def route_lines(self) -> list[str]:
        """The routes of all policies."""
        return self._routes.lines()

    def set_mtu(self, mtu: int) -> None:
        """Set the device's MTU."""
        self._devices.set_mtu(mtu)

    def lost(self) -> Mapping[str, int]:
        """Packets that the sockets or the device did not take, by reason."""
        return self._lost + Counter({"super-packet that makes no sense": self._devices.senseless})

    # -- events of the loop ------------------------------------------------------------------------------

    def _from_inside(self, device: TunDevice, appetite: Appetite, mark: PacketMark | None) -> None:
        now, limit = self._loop.round_at, appetite.limit(self._loop.rested)
        found = 0
        for _ in range(min(SUPERS, limit)):
            packets, large = device.read(limit)
            found += len(packets) + (large is not None)
            if packets:
                self._forward(self._plane.send(packets, now, mark))
            if large is None:
                break
            self._forward(self._plane.send_super(large, now, mark))
        appetite.had(found)

    def _watch_device(self, device: TunDevice, mark: Mark | None) -> None:
        appetite, chosen = Appetite(BATCH), packet_mark(mark)
        self._loop.watch(device, READ, lambda _: self._from_inside(device, appetite, chosen))

    def _forget_device(self, device: TunDevice, mark: Mark | None) -> None:
        self._loop.forget(device)

    def _from_outside(self, own: socket.socket, appetite: Appetite, events: int) -> None:
        if events & ERROR:
            for destination, mtu in self._sockets.learned(own):
                self._learn(destination, mtu)
        datagrams = self._sockets.receive(own, appetite.limit(self._loop.rested))
        appetite.had(self._sockets.calls)
        if datagrams and self._deliver(self._plane.receive(datagrams, self._loop.round_at)):
            self._changed()

    def _deliver(self, received: Received) -> bool:
        """Packets to the device, events to the keying daemons; whether there were events."""
        if received.packets:
            self._write(received.packets)
        if received.events:
            self._control.tell(self._service.owned(received.events))
        return bool(received.events)

    def _forward(self, sent: Sent) -> None:
        if sent.datagrams:
            self._sockets.send(sent.datagrams)
        if sent.replies:
            self._write(sent.replies)
        if sent.passed:
            self._sockets.send_clear(sent.passed)
        if sent.events:
            self._control.tell(self._service.owned(sent.events))

    def _write(self, packets: Iterable[bytes | SuperPacket]) -> None:
        refused = self._devices.write(packets)
        if refused:
            self._lost["TUN device full"] += refused

    def _changed(self) -> None:
        """After a request: packets that waited may go, and another lifetime may be the next to end."""
        self._forward(self._plane.release(self._loop.now()))
        self._deliver(self._plane.open_early(self._loop.now()))
        deadline = self._service.next_deadline()
        if deadline is not None and deadline < self._timer_at:
            self._timer_at = deadline
            self._loop.at(deadline, self._expire)

    def _expire(self) -> None:
        self._timer_at = float("inf")
        self._control.tell(self._service.expire(self._loop.now()))
        self._changed()

    def _learn(self, destination: Address, mtu: int) -> None:
        if mtu < LEAST_PATH_MTU[destination.version]:
            return
        self._service.learn_path_mtu(destination, mtu)
        self._loop.at(
            self._loop.now() + PATH_MTU_S,
            lambda: self._service.learn_path_mtu(destination, self.path_mtu(destination)),
        )

    def _adopt(self, sockets: dict[str, socket.socket], yields: bool) -> None:
        if yields and any(self._sockets.can_send(family, True) for family in (4, 6)):
            for new in sockets.values():
                new.close()
            return
        for own in self._sockets.receiving():
            self._loop.forget(own)
        for replaced in self._sockets.adopt(sockets):
            replaced.close()
        self._service.forget_ways()
        self._watch_sockets()

    def _watch_sockets(self) -> None:
        for own in self._sockets.receiving():
            self._loop.watch(own, READ, partial(self._from_outside, own, Appetite(BATCH)))
