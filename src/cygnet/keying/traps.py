"""Trap and shunt policies: what ``route`` installs, and which connection a packet asks for."""

import threading
from dataclasses import dataclass, replace
from itertools import product
from typing import Any, Protocol

from cygnet.base.addresses import Address
from cygnet.base.errors import LocalError
from cygnet.base.groups import Group, Level
from cygnet.base.selectors import TrafficSelector, pairs
from cygnet.kernel.port import Direction, Interface, Kernel, KernelError, Mode, PolicySpec
from cygnet.keying.config.records import AddressSpec, ChildConfig, PeerConfig, UniqueMark
from cygnet.keying.hosts import Names, is_anybody, literal, local_host, remote_host
from cygnet.keying.numbers import Numbers
from cygnet.keying.sa.bindings import if_ids, marks_with, open_interface
from cygnet.keying.sa.marks import Marks
from cygnet.keying.sa.matching import Selectors, narrow
from cygnet.keying.sa.routed import SHUNTS, Routed

MAX_ASKED = 4096


class Log(Protocol):
    """Where lines go (``runtime.bus.bus.Bus``)."""

    def log(self, group: Any, level: int, text: str, sa: str = "") -> None:
        """Publish a line."""


@dataclass(frozen=True, slots=True)
class Trap:
    """An installed policy with what it was made from.

    ``counted``: its reqid is to be released. ``wildcard``: each packet's destination is a peer.
    """

    peer: PeerConfig
    child: ChildConfig
    routed: Routed
    policies: tuple[PolicySpec, ...]
    counted: bool = False
    wildcard: bool = False
    interface: Interface | None = None

    def wanted_for(self, source: Address, destination: Address) -> tuple[Selectors, Selectors] | None:
        """Where the trap knows no peer, the selectors that a packet asks its destination for."""
        if not self.wildcard:
            return None
        local_ts = narrow(self.routed.local_ts, (TrafficSelector(source, source),))
        remote_ts = narrow(self.routed.remote_ts, (TrafficSelector(destination, destination),))
        return local_ts, remote_ts


class Traps:
    """All traps and shunts by name; safe for any thread, the lock is not held while the kernel works."""

    def __init__(self, kernel: Kernel, numbers: Numbers, names: Names, bus: Log) -> None:
        self._kernel = kernel
        self._numbers = numbers
        self._names = names
        self._bus = bus
        self._lock = threading.Lock()
        self._traps: dict[str, Trap] = {}
        self._asked: dict[int, int] = {}

    def install(self, peer: PeerConfig, child: ChildConfig, key: str = "") -> Routed:
        """Install the child's policy over one that is there; raises :class:`LocalError`.

        ``key`` tells several of one name apart; it stands for the name in :meth:`uninstall`.
        """
        trap = self._make(peer, child)
        self._add(trap)
        with self._lock:
            old = self._traps.pop(key or child.name, None)
            self._traps[key or child.name] = trap
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

    def asked(self, reqid: int, ticket: int) -> None:
        """Packets at the trap wait for the order with this ticket; see :meth:`answered`."""
        with self._lock:
            while len(self._asked) >= MAX_ASKED:
                del self._asked[next(iter(self._asked))]
            self._asked[ticket] = reqid

    def answered(self, ticket: int) -> int:
        """An order is done: the reqid of the trap that waited for it, 0 if none did."""
        with self._lock:
            return self._asked.pop(ticket, 0)

    def acquire_failed(self, reqid: int) -> None:
        """The kernel hears that nothing came of what packets at a trap asked for."""
        try:
            self._kernel.acquire_failed(reqid)
        except KernelError as error:
            text = f"the kernel does not hear that the acquire of reqid {{{reqid}}} failed: {error}"
            self._bus.log(Group.KNL, Level.CONTROL, text)

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
            ours = everywhere(child.local_ts, peer.ike.local)
            theirs = everywhere(child.remote_ts, peer.ike.remote)
            routed = Routed(child.name, 0, 0, child.mode, ours, theirs)
            return Trap(peer, child, routed, _policies(child, routed, (None, None), _fixed_marks(child)))
        try:
            return self._trap(peer, child)
        except LocalError as error:
            raise LocalError(f"installing trap failed: {error}") from None

    def _trap(self, peer: PeerConfig, child: ChildConfig) -> Trap:
        if not child.install_policies:
            raise LocalError("the connection installs no policies (installpolicy=no)")
        marks = _fixed_marks(child)
        local, remote = self._hosts(peer, child)
        ours = everywhere(child.local_ts, peer.ike.local, local)
        theirs = everywhere(child.remote_ts, peer.ike.remote, remote)
        interface = open_interface(self._kernel, child, local, remote)
        reqid = child.reqid or self._numbers.reqid(ours, theirs, marks)
        routed = Routed(child.name, self._numbers.child(), reqid, child.mode, ours, theirs)
        policies = _policies(child, routed, (local, remote), marks_with(marks, interface))
        bound = _bound(policies, child, interface)
        return Trap(peer, child, routed, bound, not child.reqid, remote is None, interface)

    def _hosts(self, peer: PeerConfig, child: ChildConfig) -> tuple[Address | None, Address | None]:
        """The two ends; ``None`` for both where the destination of each packet is a peer of its own.

        Only transport mode leaves a peer's address to packets, and only where selectors say which ones.
        """
        if is_anybody(peer.ike.remote) and child.mode is Mode.TRANSPORT:
            if any(one.dynamic for one in child.remote_ts):
                what = "remote address unknown with dynamic traffic selector"
                raise LocalError(f"{what}: name the peer (right=) or the hosts (rightsubnet=)")
            return None, None
        remote = remote_host(peer.ike, self._names)
        local = local_host(peer.ike, remote, self._kernel.source_address, self._names)
        return local.address, remote.address

    def _add(self, trap: Trap) -> None:
        """Install all policies, or none and raise."""
        done: list[PolicySpec] = []
        try:
            for policy in trap.policies:
                self._kernel.add_policy(policy)
                done.append(policy)
        except KernelError:
            self._delete(done)
            self._release(trap)
            raise

    def _remove(self, trap: Trap) -> None:
        self._delete(list(trap.policies))
        self._release(trap)

    def _release(self, trap: Trap) -> None:
        if trap.counted:
            self._numbers.release_reqid(trap.routed.reqid)
        if trap.interface is not None:
            try:
                self._kernel.close_interface(trap.interface)
            except KernelError as error:
                self._bus.log(Group.KNL, Level.CONTROL, f"removing an interface failed: {error}")

    def _delete(self, policies: list[PolicySpec]) -> None:
        for policy in policies:
            try:
                self._kernel.delete_policy(policy)
            except KernelError as error:
                self._bus.log(Group.KNL, Level.CONTROL, f"removing a policy failed: {error}")


def everywhere(
    selectors: tuple[TrafficSelector, ...], spec: AddressSpec, host: Address | None = None
) -> tuple[TrafficSelector, ...]:
    """Selectors whose ``dynamic`` is a host: this one, or the one configured, else every address."""
    known = host or literal(spec)
    found: list[TrafficSelector] = []
    for one in selectors:
        if known is not None or not one.dynamic:
            found.append(one.resolve(known) if known is not None else one)
        else:
            ports = (one.start_port, one.end_port)
            found += [TrafficSelector.of(text, one.protocol, ports) for text in ("0.0.0.0/0", "::/0")]
    return tuple(found)


def _fixed_marks(child: ChildConfig) -> Marks:
    into, out = child.mark_in, child.mark_out
    if isinstance(into, UniqueMark) or isinstance(out, UniqueMark):
        raise LocalError("traps and shunts need marks that are known; %unique is made with each CHILD_SA")
    return Marks(into, out)


def _bound(
    policies: tuple[PolicySpec, ...], child: ChildConfig, interface: Interface | None
) -> tuple[PolicySpec, ...]:
    """The policies with the interface ids of their directions."""
    into, out = if_ids(child.binding, interface)
    return tuple(replace(one, if_id=out if one.direction is Direction.OUT else into) for one in policies)


def _policies(
    child: ChildConfig, routed: Routed, outer: tuple[Address | None, Address | None], marks: Marks
) -> tuple[PolicySpec, ...]:
    """Out, in and forward policies for every pair of selectors that can go together."""
    shunt = child.mode in SHUNTS
    specs: list[PolicySpec] = []
    for (ours, theirs), direction in product(pairs(routed.local_ts, routed.remote_ts), Direction):
        out = direction is Direction.OUT
        source, destination = (ours, theirs) if out else (theirs, ours)
        mark = marks.out if out else marks.into
        spec = PolicySpec(direction, source, destination, child.mode, routed.reqid, mark=mark)
        if not shunt:
            ends = outer if out else outer[::-1]
            spec = replace(spec, outer_source=ends[0], outer_destination=ends[1])
            spec = replace(spec, protocol=child.protocol, trap=True)
        specs.append(spec)
    return tuple(specs)
