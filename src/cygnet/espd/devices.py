"""The TUN devices: one for all packets, and one for each mark that policies ask for.

A TUN device does not tell the marks of the packets it delivers, so a routing rule leads those with a
mark to a device of their own. What comes out of tunnels enters by the first device, without a mark.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator

from cygnet.base.errors import LocalError
from cygnet.esp.superpackets import SuperPacket
from cygnet.espd.tun import TunDevice
from cygnet.kernel.port import Mark

MAX_MARKS = 64
_NAME_SIZE = 15

Watch = Callable[[TunDevice, Mark | None], None]


class Devices:
    """Devices by mark. ``begin`` and ``end`` are called when one comes and before it goes."""

    def __init__(self, name: str, mtu: int, begin: Watch, end: Watch) -> None:
        self._name, self._mtu = name, mtu
        self._begin, self._end = begin, end
        self._devices: dict[Mark | None, TunDevice] = {}
        self._users: Counter[Mark] = Counter()
        self._open(None, name)

    @property
    def first(self) -> TunDevice:
        """The one for packets without a mark."""
        return self._devices[None]

    def enter(self, mark: Mark | None) -> int:
        """The index of the device for a mark, made if it is not there; raises :class:`LocalError`."""
        if mark is not None:
            if mark not in self._devices:
                self._open(mark, self._free_name())
            self._users[mark] += 1
        return self._devices[mark].index

    def leave(self, mark: Mark | None) -> None:
        """One user less; the device of a mark goes with its last."""
        if mark is None:
            return
        self._users[mark] -= 1
        if not self._users[mark]:
            del self._users[mark]
            device = self._devices.pop(mark)
            self._end(device, mark)
            device.close()

    def set_mtu(self, mtu: int) -> None:
        """Of all devices, those to come included."""
        self._mtu = mtu
        for device in self._devices.values():
            device.set_mtu(mtu)

    @property
    def senseless(self) -> int:
        """Super-packets of the host's that cannot be cut."""
        return sum(device.senseless for device in self)

    def write(self, packets: Iterable[bytes | SuperPacket]) -> int:
        """Hand packets to the host; how many it refused."""
        return self.first.write(packets)

    def close(self) -> None:
        """Remove all of them."""
        for device in self._devices.values():
            device.close()

    def __iter__(self) -> Iterator[TunDevice]:
        return iter(self._devices.values())

    def _open(self, mark: Mark | None, name: str) -> None:
        device = TunDevice(name, self._mtu)
        self._devices[mark] = device
        self._begin(device, mark)

    def _free_name(self) -> str:
        names = {device.name for device in self}
        for number in range(1, MAX_MARKS + 1):
            suffix = f"m{number}"
            name = self._name[: _NAME_SIZE - len(suffix)] + suffix
            if name not in names:
                return name
        raise LocalError(f"policies with more than {MAX_MARKS} different marks")
