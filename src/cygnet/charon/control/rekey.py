"""``rekey``: new keys now for what ``down`` would close, following the log."""

from dataclasses import dataclass

from cygnet.charon.control.following import REKEYING, Follower
from cygnet.charon.control.ports import Dialogue, Negotiations, Reply, Snapshots
from cygnet.charon.control.replies import refuse
from cygnet.charon.control.specifier import FORMS, Target, find, parse_specifier
from cygnet.ctl.stroke import EXIT_USAGE, Done, Rekey


@dataclass(frozen=True, slots=True)
class RekeyHandler:
    """Answers ``rekey``. An IKE_SA whose connection says ``reauth=yes`` is authenticated anew."""

    snapshots: Snapshots
    negotiations: Negotiations
    follower: Follower

    def __call__(self, request: Rekey, reply: Reply) -> Done:
        """Rekey what the name stands for, one SA after the other."""
        wanted = parse_specifier(request.name)
        if wanted is None:
            reply.text("error parsing specifier string")
            return Done(EXIT_USAGE, f"'{request.name}' is not {FORMS}")
        targets = find(self.snapshots.snapshots(), wanted)
        if not targets:
            return refuse(reply, f"no {wanted.kind} '{request.name}' found")

        def order(target: Target) -> Dialogue:
            if target.child_id:
                return self.negotiations.rekey_child(target.ike_id, target.child_id, request.level)
            return self.negotiations.rekey_ike(target.ike_id, request.level)

        return self.follower.each(targets, order, REKEYING, reply, wait=request.wait)
