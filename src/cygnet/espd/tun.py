"""The TUN device that plain packets enter and leave by (Linux ``if_tun.h``, ``sockios.h``).

It takes and gives super-packets, so that one system call serves what would be forty.
"""

import fcntl
import os
import socket
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from struct import Struct

from pyroute2 import IPRoute
from pyroute2.netlink.exceptions import NetlinkError

from cygnet.base.errors import LocalError
from cygnet.esp.superpackets import SuperPacket
from cygnet.espd import virtio

_TUNSETIFF, _TUNSETOFFLOAD = 0x400454CA, 0x400454D0
_IFF_TUN, _IFF_NO_PI, _IFF_VNET_HDR = 0x0001, 0x1000, 0x4000
_CSUM, _TSO4, _TSO6, _TSO_ECN, _USO4, _USO6 = 1, 2, 4, 8, 32, 64
_OFFLOADS = (_CSUM | _TSO4 | _TSO6 | _TSO_ECN | _USO4 | _USO6, _CSUM | _TSO4 | _TSO6 | _TSO_ECN)
"""What we cut, from best to least; the second for kernels before 6.2."""
_SIOCGIFFLAGS, _SIOCSIFFLAGS, _SIOCSIFMTU = 0x8913, 0x8914, 0x8922
_IFF_UP = 1
_NAME_FLAGS = Struct("16sH22x")
_NAME_INT = Struct("16si20x")
_LARGEST = virtio.HEADER.size + 65536
_LARGEST_SUPER = 59000
"""So that the segments of one super-packet, in ESP, are still one datagram of UDP to be cut."""
_QUEUE = 500
"""Packets or super-packets that wait for us; set by netlink, since the kernel refuses the ioctl for it to the
root of a user namespace."""
_NO_LINK_LOCAL = "1"


class TunDevice:
    """An open TUN device; it goes, with its routes, when the process does."""

    def __init__(self, name: str, mtu: int) -> None:
        """Create ``name`` with ``mtu`` and set it up; raises :class:`LocalError`."""
        self.name = name
        self.senseless = 0
        self._fd = -1
        self._memory = memoryview(bytearray(_LARGEST))
        try:
            self._fd = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)
            kind = _IFF_TUN | _IFF_NO_PI | _IFF_VNET_HDR
            fcntl.ioctl(self._fd, _TUNSETIFF, _NAME_FLAGS.pack(name.encode(), kind))
            self.index = socket.if_nametoindex(name)
            self._offload()
            self._quieten()
            self.set_mtu(mtu)
            with IPRoute() as netlink:
                netlink.link("set", index=self.index, txqlen=_QUEUE)
            self._up()
        except OSError as error:
            self.close()
            raise LocalError(f"TUN device {name} cannot be made: {error.strerror or error}") from error
        except NetlinkError as error:
            self.close()
            raise LocalError(f"TUN device {name} cannot be set up: {error}") from error

    def fileno(self) -> int:
        """The descriptor, for epoll."""
        return self._fd

    def set_mtu(self, mtu: int) -> None:
        """Set the largest packet the device takes."""
        self._ioctl(_SIOCSIFMTU, _NAME_INT.pack(self.name.encode(), mtu))

    def read(self, limit: int) -> tuple[list[bytes], SuperPacket | None]:
        """Up to ``limit`` packets that are waiting, and the super-packet that came after them, if one did.

        Its payload is good until the next call.
        """
        packets: list[bytes] = []
        memory, room = self._memory, (self._memory,)
        start = virtio.HEADER.size
        try:
            while len(packets) < limit:
                end = os.readv(self._fd, room)
                if memory[1]:
                    found = virtio.super_packet(bytes(memory[:start]), memory[start:end])
                    self.senseless += found is None
                    return packets, found
                packets.append(virtio.completed(memory[:end]) if memory[0] else bytes(memory[start:end]))
        except BlockingIOError:
            pass
        return packets, None

    def write(self, packets: Iterable[bytes | SuperPacket]) -> int:
        """Hand packets to the host; how many it refused."""
        refused = 0
        write, fd, plain = os.writev, self._fd, virtio.PLAIN
        for packet in packets:
            try:
                if isinstance(packet, SuperPacket):
                    write(fd, virtio.handed_over(packet))
                else:
                    write(fd, (plain, packet))
            except OSError:
                refused += packet.segments if isinstance(packet, SuperPacket) else 1
        return refused

    def close(self) -> None:
        """Remove the device."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1

    def _offload(self) -> None:
        """Take super-packets, as many kinds and as large as suit us."""
        for offload in _OFFLOADS:
            with suppress(OSError):
                fcntl.ioctl(self._fd, _TUNSETOFFLOAD, offload)
                break
        with suppress(NetlinkError), IPRoute() as netlink:
            netlink.link("set", index=self.index, gso_max_size=_LARGEST_SUPER)

    def _quieten(self) -> None:
        """No link-local address: nothing but what a route brings enters the device."""
        mode = Path(f"/proc/sys/net/ipv6/conf/{self.name}/addr_gen_mode")
        with suppress(OSError):
            mode.write_text(_NO_LINK_LOCAL)

    def _up(self) -> None:
        _, flags = _NAME_FLAGS.unpack(self._ioctl(_SIOCGIFFLAGS, _NAME_FLAGS.pack(self.name.encode(), 0)))
        self._ioctl(_SIOCSIFFLAGS, _NAME_FLAGS.pack(self.name.encode(), flags | _IFF_UP))

    def _ioctl(self, request: int, argument: bytes) -> bytes:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
            return fcntl.ioctl(control, request, argument)
