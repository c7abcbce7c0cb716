"""Trap and shunt policies: what ``route`` installs, and which connection a packet asks for."""

import threading
from collections.abc import Callable
from dataclasses import dataclass

from cygnet.base.addresses import Address
from cygnet.base.errors import LocalError
from cygnet.base.groups import Group, Level
from cygnet.base.selectors import TrafficSelector
from cygnet.charon.config.records import ChildConfig, PeerConfig
from cygnet.charon.jobs.hosts import Names, local_host, remote_host
from cygnet.charon.jobs.numbers import Numbers
from cygnet.charon.jobs.workplace import Board
from cygnet.charon.sa.snapshot import Routed
from cygnet.kernel.port import Direction, Kernel, KernelError, Mode, PolicySpec

SHUNTS = (Mode.PASS, Mode.DROP)


@dataclass(frozen=True, slots=True)
class Trap:
    """An installed policy with what it was made from."""

    peer: PeerConfig
    child: ChildConfig
    routed: Routed
    policies: tuple[PolicySpec, ...]


class Traps:
    """All traps and shunts by name; safe for any thread, the lock is not held while the kernel works."""

    def __init__(self, kernel: Kernel, numbers: Numbers, names: Names, bus: Board) -> None:
        self._kernel = kernel
        self._numbers = numbers
        self._names = names
        self._bus = bus
        self._lock = threading.Lock()
        self._traps: dict[str, Trap] = {}

    def install(self, peer: PeerConfig, child: ChildConfig) -> Routed:
        """Install the child's policy over one that is there; raises :class:`LocalError`."""
        trap = self._make(peer, child)
        self._add(trap)
        with self._lock:
            old = self._traps.pop(child.name, None)
            self._traps[child.name] = trap
        if old is not None:
            self._remove(old)
        return trap.routed

    def uninstall(self, name: str) -> Routed | None:
        """Remove the policy of that name; what it was, ``None`` if there was none."""
        with self._lock:
            trap = self._traps.pop(name, None)
        if trap is None:
            return None
        self._remove(trap)
        return trap.routed

    def installed(self) -> tuple[Routed, ...]:
        """Traps and shunts, in the order installed."""
        with self._lock:
            return tuple(trap.routed for trap in self._traps.values())

    def find(self, reqid: int) -> Trap | None:
        """The trap with this reqid."""
        with self._lock:
            return next((trap for trap in self._traps.values() if trap.routed.reqid == reqid), None)

    def restore(self) -> None:
        """Install everything again, in a kernel that has forgotten it."""
        with self._lock:
            traps = tuple(self._traps.values())
        for trap in traps:
            try:
                self._add(trap)
            except KernelError as error:
                self._bus.log(Group.KNL, Level.CONTROL, f"restoring trap '{trap.child.name}' failed: {error}")

    def _make(self, peer: PeerConfig, child: ChildConfig) -> Trap:
        if child.mode in SHUNTS:
            routed = Routed(child.name, 0, 0, child.mode, child.local_ts, child.remote_ts)
            return Trap(peer, child, routed, _policies(child, routed, None))
        try:
            remote = remote_host(peer.ike, self._names)
            local = local_host(peer.ike, remote, self._kernel.source_address, self._names)
        except LocalError as error:
            raise LocalError(f"installing trap failed: {error}") from None
        ours = tuple(selector.resolve(local.address) for selector in child.local_ts)
        theirs = tuple(selector.resolve(remote.address) for selector in child.remote_ts)
        reqid = child.reqid or self._numbers.reqid(ours, theirs)
        routed = Routed(child.name, self._numbers.child(), reqid, child.mode, ours, theirs)
        return Trap(peer, child, routed, _policies(child, routed, (local.address, remote.address)))

    def _add(self, trap: Trap) -> None:
        """Install all policies, or none and raise."""
        done: list[PolicySpec] = []
        try:
            for policy in trap.policies:
                self._kernel.add_policy(policy)
                done.append(policy)
        except KernelError:
            self._delete(done)
            self._numbers.release_reqid(trap.routed.reqid)
            raise

    def _remove(self, trap: Trap) -> None:
        self._delete(list(trap.policies))
        self._numbers.release_reqid(trap.routed.reqid)

    def _delete(self, policies: list[PolicySpec]) -> None:
        for policy in policies:
            try:
                self._kernel.delete_policy(policy)
            except KernelError as error:
                self._bus.log(Group.KNL, Level.CONTROL, f"removing a policy failed: {error}")


def _policies(
    child: ChildConfig, routed: Routed, outer: tuple[Address, Address] | None
) -> tuple[PolicySpec, ...]:
    """Out, in and forward policies for every pair of selectors of one family."""
    make = _shunt(child) if outer is None else _trap(child, routed, *outer)
    pairs = [
        (ours, theirs)
        for ours in routed.local_ts
        for theirs in routed.remote_ts
        if ours.family == theirs.family
    ]
    return tuple(make(direction, ours, theirs) for ours, theirs in pairs for direction in Direction)


Make = Callable[[Direction, TrafficSelector, TrafficSelector], PolicySpec]


def _shunt(child: ChildConfig) -> Make:
    def make(direction: Direction, ours: TrafficSelector, theirs: TrafficSelector) -> PolicySpec:
        source, destination = (ours, theirs) if direction is Direction.OUT else (theirs, ours)
        return PolicySpec(direction, source, destination, child.mode)

    return make


def _trap(child: ChildConfig, routed: Routed, local: Address, remote: Address) -> Make:
    def make(direction: Direction, ours: TrafficSelector, theirs: TrafficSelector) -> PolicySpec:
        out = direction is Direction.OUT
        source, destination = (ours, theirs) if out else (theirs, ours)
        outer = (local, remote) if out else (remote, local)
        return PolicySpec(direction, source, destination, child.mode, routed.reqid, *outer, trap=True)

    return make
