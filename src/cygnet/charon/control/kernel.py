"""``ipsec kernel``: what the data plane holds, by CHILD_SA, and where it is not what we believe."""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from cygnet.charon.control.ports import Reply, Snapshots
from cygnet.charon.control.replies import refuse
from cygnet.ctl.stroke import EXIT_FAILED, Done, Kernel
from cygnet.kernel.port import Difference, KernelError, KernelView, SaId, SaView
from cygnet.keying.sa.child_snapshot import ChildSnapshot

HELD = ("INSTALLED", "REKEYING", "REKEYED", "UPDATING")
"""States of a CHILD_SA in which the data plane has both of its SAs."""
SETTLE_S = 0.5
"""How long an SA may be there before its CHILD_SA shows, and the other way round."""


class Inspected(Protocol):
    """The part of the kernel port that is needed here."""

    def view(self) -> KernelView:
        """What there is."""

    def check(self, repair: bool) -> tuple[Difference, ...]:
        """Where it is not what it was told to be."""

    def delete_sa(self, id: SaId) -> None:
        """Remove an SA."""


@dataclass(frozen=True, slots=True)
class KernelHandler:
    """Answers ``kernel``. ``renew`` lets the CHILD_SA of a lost SA be negotiated again."""

    kernel: Inspected
    snapshots: Snapshots
    renew: Callable[[SaId], None]
    sleep: Callable[[float], None] = time.sleep

    def __call__(self, request: Kernel, reply: Reply) -> Done:
        """Show, or compare; with ``repair`` mend."""
        try:
            if request.check or request.repair:
                return self._compare(request.repair, reply)
            for line in overview(self.kernel.view(), self._children()):
                reply.text(line)
        except KernelError as error:
            return refuse(reply, str(error))
        return Done()

    def _compare(self, repair: bool, reply: Reply) -> Done:
        found = list(self.kernel.check(repair))
        told = {one.missing for one in found}
        more = self._against_children(repair)
        found += [one for one in more if one.missing is None or one.missing not in told]
        lost = dict.fromkeys(one.missing for one in found if one.missing is not None)
        for sa in lost if repair else ():
            self.renew(sa)
        for one in found:
            reply.text(_line(one, repair))
        left = sum(not one.repaired and not (repair and one.missing) for one in found)
        if not found:
            reply.text("the kernel holds what it should")
            return Done()
        summary = f"{len(found)} differences, {left} left" if repair else f"{len(found)} differences"
        reply.text(summary)
        return Done(EXIT_FAILED, summary) if left else Done()

    def _against_children(self, repair: bool) -> Iterator[Difference]:
        """SAs of ours without a CHILD_SA, and CHILD_SAs without their SAs: now and a moment later."""
        strays, lost = self._unmatched()
        if strays or lost:
            self.sleep(SETTLE_S)
            later = self._unmatched()
            strays, lost = strays & later[0], lost & later[1]
        for stray in sorted(strays, key=str):
            if repair:
                self.kernel.delete_sa(stray)
            yield Difference(f"{_sa_name(stray)} has no CHILD_SA", repaired=repair)
        for gone in sorted(lost, key=str):
            yield Difference(f"{_sa_name(gone)} is missing", missing=gone)

    def _unmatched(self) -> tuple[set[SaId], set[SaId]]:
        children = self._children()
        held = {sa.id for sa in self.kernel.view().sas if sa.ours}
        owners = {name for child in children for name in _names(child)}
        wanted = [end for child in children if child.state in HELD for end in (child.inbound, child.outbound)]
        there = set(map(_key, held))
        strays = {sa for sa in held if _key(sa) not in owners}
        return strays, {end for end in wanted if _key(end) not in there}

    def _children(self) -> list[ChildSnapshot]:
        return [child for sa in self.snapshots.snapshots() for child in sa.children]


def overview(view: KernelView, children: Sequence[ChildSnapshot]) -> Iterator[str]:
    """The whole view, a caption above each kind that there is."""
    ours = [sa for sa in view.sas if sa.ours]
    foreign = len(view.sas) - len(ours)
    own = f"{len(ours)} SAs, {view.policy_count} policies, {view.reservations} reserved SPIs"
    yield f"Data plane {view.name}: {own}; of others {foreign} SAs, {view.foreign_policies} policies"
    yield from _captioned("SAs:", [_sa_text(sa, _owner(sa, children)) for sa in ours])
    yield from _captioned("Policies:", view.policies)
    yield from _captioned("Routes:", view.routes)
    yield from _captioned("Interfaces:", view.interfaces)
    yield from _captioned("Dropped packets:", [f"{one.packets} {one.reason}" for one in view.drops])


def _captioned(caption: str, lines: Sequence[str]) -> Iterator[str]:
    if lines:
        yield caption
        yield from (f"  {line}" for line in lines)


def _sa_text(sa: SaView, owner: str) -> str:
    parts = [f"{sa.id.source} to {sa.id.destination}", f"reqid {sa.reqid}"]
    if sa.mode is not None:
        parts.append(sa.mode)
    if sa.encapsulation is not None:
        carrier = "TCP" if sa.encapsulation.tcp else "UDP"
        parts.append(f"in {carrier} {sa.encapsulation.source_port}-{sa.encapsulation.destination_port}")
    if sa.mark is not None:
        parts.append(f"mark 0x{sa.mark.value:x}/0x{sa.mark.mask:x}")
    if sa.if_id:
        parts.append(f"if_id 0x{sa.if_id:x}")
    used = f"{sa.usage.bytes} bytes, {sa.usage.packets} packets"
    if sa.usage.last_used_s is not None:
        used += f", {int(sa.usage.last_used_s)}s ago"
    for lost in sa.usage.drops:
        used += f", {lost.packets} {lost.reason}"
    return f"{owner} {sa.id.protocol.name} {sa.id.spi:08x} {', '.join(parts)}: {used}"


def _owner(sa: SaView, children: Sequence[ChildSnapshot]) -> str:
    for child in children:
        if _key(sa.id) in _names(child):
            way = "in" if sa.id.destination == child.inbound.destination else "out"
            return f"{child.name}{{{child.unique_id}}} {way}"
    return "(no CHILD_SA)"


def _names(child: ChildSnapshot) -> list[tuple[object, ...]]:
    """Its SAs, IPComp's included, without the hosts, which may be moving."""
    names = [(end.protocol.name, end.spi) for end in (child.inbound, child.outbound)]
    return [*names, *(("IPCOMP", cpi) for cpi in child.cpis)]


def _key(id: SaId) -> tuple[object, ...]:
    return (id.protocol.name, id.spi)


def _sa_name(id: SaId) -> str:
    return f"{id.protocol.name} SA {id.spi:08x} ({id.source} to {id.destination})"


def _line(one: Difference, repair: bool) -> str:
    if one.failure:
        return f"{one.text}; repairing failed: {one.failure}"
    if one.repaired:
        return f"{one.text}; repaired"
    if repair and one.missing is not None:
        return f"{one.text}; its CHILD_SA is negotiated anew"
    return one.text
