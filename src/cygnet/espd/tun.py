"""The TUN device that plain packets enter and leave by (Linux ``if_tun.h``, ``sockios.h``)."""

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

_TUNSETIFF = 0x400454CA
_IFF_TUN, _IFF_NO_PI = 0x0001, 0x1000
_SIOCGIFFLAGS, _SIOCSIFFLAGS, _SIOCSIFMTU = 0x8913, 0x8914, 0x8922
_IFF_UP = 1
_NAME_FLAGS = Struct("16sH22x")
_NAME_INT = Struct("16si20x")
_LARGEST = 65536
_QUEUE = 1000
"""Packets; set by netlink, since the kernel refuses the ioctl for it to the root of a user namespace."""
_NO_LINK_LOCAL = "1"


class TunDevice:
    """An open TUN device; it goes, with its routes, when the process does."""

    def __init__(self, name: str, mtu: int) -> None:
        """Create ``name`` with ``mtu`` and set it up; raises :class:`LocalError`."""
        self.name = name
        self._fd = -1
        try:
            self._fd = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)
            fcntl.ioctl(self._fd, _TUNSETIFF, _NAME_FLAGS.pack(name.encode(), _IFF_TUN | _IFF_NO_PI))
            self.index = socket.if_nametoindex(name)
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

    def read(self, limit: int) -> list[bytes]:
        """Up to ``limit`` packets that are waiting."""
        packets: list[bytes] = []
        read, fd = os.read, self._fd
        try:
            while len(packets) < limit:
                packets.append(read(fd, _LARGEST))
        except BlockingIOError:
            pass
        return packets

    def write(self, packets: Iterable[bytes]) -> int:
        """Hand packets to the host; how many it refused."""
        refused = 0
        write, fd = os.write, self._fd
        for packet in packets:
            try:
                write(fd, packet)
            except OSError:
                refused += 1
        return refused

    def close(self) -> None:
        """Remove the device."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1

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
