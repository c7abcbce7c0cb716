"""``up``: negotiate a connection, following its log to the end."""

from collections.abc import Sequence
from dataclasses import dataclass

from cygnet.charon.control.advice import Route, explain
from cygnet.charon.control.following import Follower, Outcome
from cygnet.charon.control.ports import Connections, Negotiations, Reply
from cygnet.charon.control.replies import refuse
from cygnet.ctl.stroke import EXIT_FAILED, Done, Initiate
from cygnet.kernel.port import Mode
from cygnet.keying.config.records import ChildConfig, PeerConfig

SHUNTS = (Mode.PASS, Mode.DROP)


@dataclass(frozen=True, slots=True)
class InitiateHandler:
    """Answers ``up``; ``route`` is asked when a peer does not answer."""

    connections: Connections
    negotiations: Negotiations
    follower: Follower
    route: Route

    def __call__(self, request: Initiate, reply: Reply) -> Done:
        """A child of that name anywhere, else the peer of that name with all its children."""
        wanted = self._wanted(request.name)
        if not wanted:
            return refuse(reply, f"no config named '{request.name}'")
        if any(child is not None and child.mode in SHUNTS for _, child in wanted):
            return refuse(reply, f"'{request.name}' is a shunt policy; it is routed, not initiated")
        if any(peer.ike.version == 1 for peer, _ in wanted):
            return refuse(reply, f"'{request.name}' wants IKEv1, which is not part of this version")
        done = Done()
        for peer, child in wanted:
            outcome = self._initiate(peer, child, request, reply)
            done = outcome if outcome.exit_code else done
        return done

    def _wanted(self, name: str) -> Sequence[tuple[PeerConfig, ChildConfig | None]]:
        found = self.connections.child(name)
        if found is not None:
            return [found]
        peer = self.connections.peer(name)
        if peer is None:
            return []
        return [(peer, child) for child in peer.children] or [(peer, None)]

    def _initiate(
        self, peer: PeerConfig, child: ChildConfig | None, request: Initiate, reply: Reply
    ) -> Done:
        if request.lasting and child is not None:
            self.negotiations.keep(child)
            return Done()
        dialogue = self.negotiations.initiate(peer, child, request.level)
        try:
            if not request.wait:
                return Done()
            outcome = self.follower.one(dialogue, reply)
        finally:
            dialogue.close()
        reply.text(_last_line(child.name if child else request.name, outcome))
        if outcome.ok:
            return Done()
        return Done(EXIT_FAILED, explain(outcome.reason, peer, child, self.route))


def _last_line(name: str, outcome: Outcome) -> str:
    if outcome.ok:
        return f"connection '{name}' established successfully"
    if outcome.late_ms is not None:
        return f"connection '{name}' not established after {outcome.late_ms}ms, detaching"
    return f"establishing connection '{name}' failed"
