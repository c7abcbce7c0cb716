"""What the kernel holds, for people, and where it is not what it should be."""

import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from cygnet.base.errors import LocalError
from cygnet.kernel.backends.netlink import Netlink, RefusedError
from cygnet.kernel.backends.xfrm.associations import Associations, usage_of
from cygnet.kernel.backends.xfrm.constants import DIRECTIONS, DIRECTIONS_BACK, ENCAP_TCP, MODES, Attr
from cygnet.kernel.backends.xfrm.devices import Devices
from cygnet.kernel.backends.xfrm.errors import said
from cygnet.kernel.backends.xfrm.holdings import (
    HeldPolicy,
    HeldSa,
    delete,
    held_policies,
    held_sas,
    is_ours,
    is_reservation,
)
from cygnet.kernel.backends.xfrm.owner import Owner
from cygnet.kernel.backends.xfrm.policies import Policies, templates
from cygnet.kernel.backends.xfrm.primitives import unpack_mark
from cygnet.kernel.backends.xfrm.routes import Routes, Table
from cygnet.kernel.backends.xfrm.sa_layout import unpack_encapsulation
from cygnet.kernel.backends.xfrm.states import compression_id
from cygnet.kernel.backends.xfrm.table import Change, priority_of
from cygnet.kernel.backends.xfrm.ways import Way
from cygnet.kernel.port import (
    Difference,
    DropCount,
    Encapsulation,
    KernelError,
    KernelView,
    Mark,
    PolicySpec,
    SaId,
    SaSpec,
    SaView,
)

STATISTICS = Path("/proc/net/xfrm_stat")
REASONS = {
    "XfrmInHdrError": ": headers came in that make no sense",
    "XfrmInNoStates": ": packets came in for an SPI that is unknown here",
    "XfrmInStateProtoError": ": packets came in that were not authentic, or damaged",
    "XfrmInStateModeError": ": packets came in whose mode is not that of their SA",
    "XfrmInStateSeqError": ": packets came in that were replayed, or too late for the window",
    "XfrmInStateExpired": ": packets came in for an SA at the end of its life",
    "XfrmInStateMismatch": ": packets came in that are not what their SA is for, or without UDP",
    "XfrmInStateInvalid": ": packets came in for an SA that was not ready yet",
    "XfrmInTmplMismatch": ": packets came in by another SA, or none, than their policy wants",
    "XfrmInNoPols": ": packets came in for which there is no policy",
    "XfrmInPolBlock": ": packets came in that a policy drops",
    "XfrmOutNoStates": ": packets went to a policy that has no SA yet",
    "XfrmOutStateSeqError": ": an SA had used up its sequence numbers",
    "XfrmOutStateExpired": ": packets went to an SA at the end of its life",
    "XfrmOutPolBlock": ": packets went out that a policy drops",
    "XfrmFwdHdrError": ": packets to be passed on had headers that make no sense",
    "XfrmAcquireError": ": nobody wanted to hear that an SA is needed",
}
"""What the kernel's counters of dropped packets mean (Documentation/networking/xfrm_proc.rst)."""
_MODES_BACK = {number: mode for mode, number in MODES.items()}
_ACTIONS = ("allow", "block")


@dataclass(frozen=True, slots=True)
class Parts:
    """All that the backend is made of; ``table`` and ``routes`` are ``None`` without ``install_routes``."""

    netlink: Netlink
    owner: Owner
    associations: Associations
    policies: Policies
    devices: Devices
    table: Table | None
    routes: Routes | None
    clock: Callable[[], float]


def view(parts: Parts) -> KernelView:
    """What there is; raises :class:`KernelError`."""
    try:
        sas, policies = held_sas(parts.netlink), held_policies(parts.netlink)
    except RefusedError as error:
        raise KernelError(f"the kernel does not tell what it holds: {said(error)}") from error
    now, owner = parts.clock(), parts.owner
    valid = [held for held in sas if held.info.spi and not is_reservation(held, owner)]
    ours = [held for held in policies if is_ours(held, owner)]
    return KernelView(
        "xfrm",
        tuple(_sa_view(held, owner, now) for held in valid),
        tuple(policy_text(held) for held in sorted(ours, key=lambda held: held.info.priority)),
        tuple(_route_text(*item) for item in (parts.table.held() if parts.table else {}).items()),
        parts.devices.names(),
        sum(is_reservation(held, owner) for held in sas),
        len(ours),
        len(policies) - len(ours),
        drops(STATISTICS),
    )


def drops(path: Path) -> tuple[DropCount, ...]:
    """The counters of ``/proc/net/xfrm_stat`` that are not zero."""
    try:
        words = [line.split() for line in path.read_text("ascii").splitlines()]
    except OSError:
        return ()
    return tuple(
        DropCount(f"{name}{REASONS.get(name, '')}", int(number)) for name, number in words if int(number)
    )


def policy_text(held: HeldPolicy) -> str:
    """``out 10.1.0.0/16 === 10.2.0.0/16, priority 375423: esp reqid 1 tunnel 192.0.2.1 to 192.0.2.2``."""
    info = held.info
    value, mask = unpack_mark(held.attributes.get(Attr.MARK, b""))
    mark = f", mark 0x{value:x}/0x{mask:x}" if mask else ""
    if_id = int.from_bytes(held.attributes.get(Attr.IF_ID, b""), sys.byteorder)
    bound = f", if_id 0x{if_id:x}" if if_id else ""
    shown = " in ".join(map(str, held.templates))
    what = shown or _ACTIONS[info.action]
    return f"{DIRECTIONS_BACK[info.direction]} {info.selector}, priority {info.priority}{mark}{bound}: {what}"


class Comparison:
    """Finds differences and, when asked, repairs them."""

    def __init__(self, parts: Parts, repair: bool) -> None:
        self._parts = parts
        self._repair = repair

    def differences(self) -> tuple[Difference, ...]:
        """All of them; raises :class:`KernelError` when the kernel does not tell what it holds.

        What should be there is listed before and after the kernel is asked: what comes or goes meanwhile is
        no difference.
        """
        parts = self._parts
        sas, policies = parts.associations.installed(), parts.policies.expected()
        try:
            held, held_now = held_sas(parts.netlink), held_policies(parts.netlink)
        except RefusedError as error:
            raise KernelError(f"the kernel does not tell what it holds: {said(error)}") from error
        return (
            *self._devices(),
            *self._lost_sas(sas, {one.id for one in held}),
            *self._stray_sas(held),
            *self._policies(policies, held_now),
            *self._routing(),
        )

    def _lost_sas(self, wanted: Iterable[SaSpec], held: set[SaId]) -> Iterable[Difference]:
        for spec in wanted:
            if spec.id not in held and self._parts.associations.known(spec.id) is not None:
                yield Difference(f"{_sa_text(spec.id)} is missing", missing=spec.id)

    def _stray_sas(self, held: list[HeldSa]) -> Iterable[Difference]:
        known = self._parts.associations
        wanted = {spec.id for spec in known.installed()} | set(known.reservations())
        wanted |= {compression_id(spec) for spec in known.installed() if spec.compression is not None}
        for one in held:
            if is_ours(one, self._parts.owner) and one.id not in wanted:
                yield self._mend(f"{_sa_text(one.id)} is there and belongs to nothing", one)

    def _policies(self, before: list[Change], held: list[HeldPolicy]) -> Iterable[Difference]:
        ours = {one.info.index: one for one in held if is_ours(one, self._parts.owner)}
        now = set(self._parts.policies.expected())
        for change in (one for one in before if one in now):
            found = ours.get(self._index(change))
            text = f"policy {change.key.direction} {change.key.selector}"
            if found is None:
                yield self._restore(f"{text} is missing", replace(change, fresh=True))
            elif change.spec is not None and not _is_as_wanted(found, change.spec):
                yield self._restore(f"{text} has been changed: {policy_text(found)}", change)
        wanted = {self._index(change) for change in (*before, *now)}
        for index, stray in ours.items():
            if index not in wanted:
                yield self._mend(f"policy {policy_text(stray)} is there and belongs to nothing", stray)

    def _index(self, change: Change) -> int:
        return self._parts.owner.index(change.number, DIRECTIONS[change.key.direction])

    def _routing(self) -> Iterable[Difference]:
        table, routes = self._parts.table, self._parts.routes
        if table is None or routes is None:
            return
        for version in table.rules_missing():
            text = f"the IPv{version} rule for the routing table is missing"
            yield self._try(text, partial(table.restore_rule, version))
        for network, way in routes.missing().items():
            yield self._try(f"route to {network} is missing or different", partial(table.put, network, way))
        for network, way in routes.strays().items():
            text = f"route to {network} is there and belongs to nothing"
            yield self._try(text, partial(table.drop, network, way))

    def _devices(self) -> Iterable[Difference]:
        devices = self._parts.devices
        for interface in devices.missing():
            yield self._try(f"interface {interface.name} is missing", partial(devices.restore, interface))

    def _restore(self, text: str, change: Change) -> Difference:
        return self._try(text, lambda: self._parts.policies.restore(change))

    def _mend(self, text: str, stray: HeldSa | HeldPolicy) -> Difference:
        return self._try(text, lambda: delete(self._parts.netlink, stray))

    def _try(self, text: str, action: Callable[[], object]) -> Difference:
        if not self._repair:
            return Difference(text)
        try:
            action()
        except RefusedError as error:
            return Difference(text, failure=said(error))
        except LocalError as error:
            return Difference(text, failure=str(error))
        return Difference(text, repaired=True)


def _is_as_wanted(held: HeldPolicy, spec: PolicySpec) -> bool:
    wanted = templates(spec, held.info.selector.version)
    there = [(t.source, t.destination, t.protocol, t.reqid, t.mode) for t in held.templates]
    return held.info.priority == priority_of(spec) and there == [
        (t.source, t.destination, t.protocol, t.reqid, t.mode) for t in wanted
    ]


def _sa_view(held: HeldSa, owner: Owner, now: float) -> SaView:
    more = held.attributes
    value, mask = unpack_mark(more.get(Attr.MARK, b""))
    return SaView(
        held.id,
        is_ours(held, owner),
        held.info.reqid,
        _MODES_BACK.get(held.info.mode),
        usage_of(held.body, now),
        _encapsulation(more.get(Attr.ENCAP, b"")),
        Mark(value, mask) if mask else None,
        int.from_bytes(more.get(Attr.IF_ID, b""), sys.byteorder),
    )


def _encapsulation(data: bytes) -> Encapsulation | None:
    if not data:
        return None
    kind, source_port, destination_port = unpack_encapsulation(data)
    return Encapsulation(source_port, destination_port, kind == ENCAP_TCP)


def _sa_text(id: SaId) -> str:
    return f"{id.protocol.name} SA {id.spi:08x} ({id.source} to {id.destination})"


def _route_text(network: object, way: Way) -> str:
    if way.throw:
        return f"{network} to the next table"
    gateway = f" via {way.gateway}" if way.gateway else ""
    return f"{network}{gateway} interface {way.interface}{f' source {way.source}' if way.source else ''}"
