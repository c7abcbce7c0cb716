"""``down``, ``down-srcip`` and ``purgeike``: delete SAs, following the log."""

from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import ip_address

from cygnet.base.addresses import Address
from cygnet.charon.control.following import CLOSING, Follower
from cygnet.charon.control.ports import Dialogue, Negotiations, Reply, Snapshots
from cygnet.charon.control.replies import refuse
from cygnet.charon.control.specifier import FORMS, Target, childless, find, parse_specifier
from cygnet.charon.sa.snapshot import IkeSnapshot
from cygnet.ctl.stroke import EXIT_USAGE, Done, Terminate, TerminateSourceIp


@dataclass(frozen=True, slots=True)
class TerminateHandler:
    """Closes SAs, by what an operator calls them."""

    snapshots: Snapshots
    negotiations: Negotiations
    follower: Follower

    def __call__(self, request: Terminate, reply: Reply) -> Done:
        """``down``: what the name stands for, one SA after the other."""
        wanted = parse_specifier(request.name)
        if wanted is None:
            reply.text("error parsing specifier string")
            return Done(EXIT_USAGE, f"'{request.name}' is not {FORMS}")
        targets = find(self.snapshots.snapshots(), wanted)
        if not targets:
            return refuse(reply, f"no {wanted.kind} '{request.name}' found")
        return self._close(targets, request.level, reply, request.wait)

    def by_source_ip(self, request: TerminateSourceIp, reply: Reply) -> Done:
        """``down-srcip``: the IKE_SAs whose peer was given a virtual address of the range."""
        try:
            start, end = ip_address(request.start), ip_address(request.end or request.start)
        except ValueError as error:
            return refuse(reply, str(error), EXIT_USAGE)
        if start.version != end.version or int(end) < int(start):
            return refuse(reply, f"{start} to {end} is no range of addresses", EXIT_USAGE)
        targets = [Target(sa.unique_id) for sa in self.snapshots.snapshots() if _uses(sa, start, end)]
        if not targets:
            return refuse(reply, f"no IKE_SA with a virtual IP from {start} to {end} found")
        return self._close(targets, request.level, reply, request.wait)

    def childless(self, reply: Reply, level: int = 1) -> Done:
        """``purgeike``: the established IKE_SAs that have no CHILD_SA."""
        return self._close(list(childless(self.snapshots.snapshots())), level, reply, wait=True)

    def _close(self, targets: Sequence[Target], level: int, reply: Reply, wait: bool) -> Done:
        def order(target: Target) -> Dialogue:
            if target.child_id:
                return self.negotiations.terminate_child(target.ike_id, target.child_id, level)
            return self.negotiations.terminate_ike(target.ike_id, level)

        return self.follower.each(targets, order, CLOSING, reply, wait=wait)


def _uses(sa: IkeSnapshot, start: Address, end: Address) -> bool:
    return any(
        one.version == start.version and int(start) <= int(one) <= int(end) for one in sa.remote_virtual_ips
    )
