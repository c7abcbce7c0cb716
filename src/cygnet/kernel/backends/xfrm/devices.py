"""Interfaces that belong to a connection: XFRM interfaces, or VTI where the kernel has only those.

An XFRM interface (Linux 4.19) is bound to SAs and policies by a number; a VTI by a mark that its packets
get, and by the two outer addresses. Ours are recognised by their alias (``ip link show``).
"""

import errno
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from cygnet.kernel.port import Interface, InterfaceKind, InterfaceSpec, KernelError, Mark, PolicySpec

FIRST_NUMBER = 0x43590000
"""Interface ids and marks of ours count from here, so that they differ from what people choose."""
MAX_DEVICES = 0x10000
MAX_NAME = 15
_UNKNOWN_KIND = (errno.EOPNOTSUPP, errno.ENODEV)
_NEEDS = {
    InterfaceKind.XFRM: "XFRM interfaces (modprobe xfrm_interface, CONFIG_XFRM_INTERFACE)",
    InterfaceKind.VTI: "VTI (modprobe ip_vti ip6_vti, CONFIG_NET_IPVTI, CONFIG_IPV6_VTI)",
}
_SYSCTL = Path("/proc/sys/net/ipv4/conf")


@dataclass(slots=True)
class _Device:
    interface: Interface
    spec: InterfaceSpec
    kind: InterfaceKind
    number: int
    index: int
    users: int = 1


class Devices:
    """All interfaces of ours. ``netlink`` makes a ``pyroute2.IPRoute``; ``tag`` tells instances apart."""

    def __init__(self, tag: int, netlink: Callable[[], Any]) -> None:
        self._alias = f"cygnet {tag:03x}"
        self._open = netlink
        self._lock = threading.Lock()
        self._devices: dict[str, _Device] = {}

    def open(self, spec: InterfaceSpec) -> Interface:
        """Make, or find and move to other hosts, a connection's interface; raises :class:`KernelError`."""
        with self._lock:
            device = self._devices.get(spec.connection)
            if device is None:
                device = self._devices[spec.connection] = self._make(spec)
                return device.interface
            if device.kind is InterfaceKind.VTI and device.spec != spec:
                self._rehome(device, spec)
            device.users += 1
            return device.interface

    def close(self, interface: Interface) -> None:
        """One user less; raises :class:`KernelError` for an interface without users."""
        with self._lock:
            device = self._devices.get(interface.connection)
            if device is None or device.interface != interface:
                raise KernelError(f"no interface {interface.name} to remove")
            device.users -= 1
            if device.users:
                return
            del self._devices[interface.connection]
            self._delete(device.index)

    def index_of(self, spec: PolicySpec) -> int | None:
        """The index of the interface that a policy is bound to."""
        with self._lock:
            for device in self._devices.values():
                made = device.interface
                if (made.if_id and made.if_id == spec.if_id) or (made.mark and made.mark == spec.mark):
                    return device.index
        return None

    def missing(self) -> tuple[Interface, ...]:
        """Interfaces that somebody has removed."""
        there = self._held()
        with self._lock:
            return tuple(device.interface for device in self._devices.values() if device.index not in there)

    def restore(self, interface: Interface) -> None:
        """Make an interface again under its old name and number; raises :class:`KernelError`."""
        with self._lock:
            device = self._devices.get(interface.connection)
            if device is not None:
                device.index = self._create(device.kind, device.spec, device.interface.name, device.number)

    def names(self) -> tuple[str, ...]:
        """Of all interfaces, with what they are and for whom."""
        with self._lock:
            return tuple(
                f"{device.interface.name} ({device.kind}, number 0x{device.number:x}) for {connection}"
                for connection, device in self._devices.items()
            )

    def clear(self) -> int:
        """Remove everything of ours, whoever made it; how many there were."""
        there = self._held()
        for index in there:
            self._delete(index)
        self._devices.clear()
        return len(there)

    def _make(self, spec: InterfaceSpec) -> _Device:
        wanted = spec.kind
        kinds = (InterfaceKind.XFRM, InterfaceKind.VTI) if wanted is InterfaceKind.AUTO else (wanted,)
        number = self._free_number()
        name = spec.name or _default_name(number)
        if len(name) > MAX_NAME:
            raise KernelError(f"interface name {name} is longer than {MAX_NAME} characters")
        for kind in kinds:
            try:
                index = self._create(kind, spec, name, number)
            except _KindError:
                continue
            return _Device(_bound(spec, kind, name, number), spec, kind, number, index)
        raise KernelError(f"interface {name}: the kernel has no {' and no '.join(_NEEDS[k] for k in kinds)}")

    def _create(self, kind: InterfaceKind, spec: InterfaceSpec, name: str, number: int) -> int:
        from pyroute2.netlink.exceptions import NetlinkError

        try:
            with self._open() as netlink:
                netlink.link("add", ifname=name, **_options(kind, spec, number))
                index = int(netlink.link_lookup(ifname=name)[0])
                netlink.link("set", index=index, ifalias=f"{self._alias} {spec.connection}", state="up")
        except NetlinkError as error:
            if error.code in _UNKNOWN_KIND:
                raise _KindError from error
            taken = error.code == errno.EEXIST
            reason = "an interface of that name exists already" if taken else error.args[1]
            raise KernelError(f"making interface {name} failed: {reason}") from error
        if kind is InterfaceKind.VTI:  # what comes out of it has met its policy already
            with suppress(OSError):
                (_SYSCTL / name / "disable_policy").write_text("1")
        return index

    def _rehome(self, device: _Device, spec: InterfaceSpec) -> None:
        from pyroute2.netlink.exceptions import NetlinkError

        try:
            with self._open() as netlink:
                netlink.link("set", index=device.index, **_options(device.kind, spec, device.number))
        except NetlinkError as error:
            raise KernelError(f"moving interface {device.interface.name} failed: {error.args[1]}") from error
        device.spec = spec

    def _delete(self, index: int) -> None:
        from pyroute2.netlink.exceptions import NetlinkError

        with suppress(NetlinkError), self._open() as netlink:
            netlink.link("del", index=index)

    def _held(self) -> list[int]:
        """Indices of interfaces with our alias."""
        with self._open() as netlink:
            return [
                int(link["index"])
                for link in netlink.get_links()
                if (link.get_attr("IFLA_IFALIAS") or "").startswith(f"{self._alias} ")
            ]

    def _free_number(self) -> int:
        taken = {device.number for device in self._devices.values()}
        with self._open() as netlink:
            names = {link.get_attr("IFLA_IFNAME") for link in netlink.get_links()}
        for number in range(FIRST_NUMBER + 1, FIRST_NUMBER + MAX_DEVICES):
            if number not in taken and _default_name(number) not in names:
                return number
        raise KernelError(f"more than {MAX_DEVICES} interfaces")


class _KindError(Exception):
    """The kernel does not know this kind of interface."""


def _default_name(number: int) -> str:
    return f"ipsec{number - FIRST_NUMBER}"


def _bound(spec: InterfaceSpec, kind: InterfaceKind, name: str, number: int) -> Interface:
    interface = Interface(spec.connection, name)
    if kind is InterfaceKind.VTI:
        return replace(interface, mark=Mark(number))
    return replace(interface, if_id=number)


def _options(kind: InterfaceKind, spec: InterfaceSpec, number: int) -> dict[str, Any]:
    if kind is InterfaceKind.XFRM:
        return {"kind": "xfrm", "xfrm_if_id": number}
    name = "vti" if spec.local.version == 4 else "vti6"
    found: dict[str, Any] = {"kind": name, "vti_ikey": number, "vti_okey": number}
    for end, address in (("vti_local", spec.local), ("vti_remote", spec.remote)):
        if not address.is_unspecified:
            found[end] = str(address)
    return found
