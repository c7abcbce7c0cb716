"""``route`` and ``unroute``: trap and shunt policies."""

from dataclasses import dataclass

from cygnet.base.errors import LocalError
from cygnet.charon.control.ports import Connections, Reply, Traps
from cygnet.charon.control.replies import refuse
from cygnet.ctl.stroke import EXIT_FAILED, Done, Route, Unroute
from cygnet.kernel.port import Mode
from cygnet.keying.config.records import ChildConfig, PeerConfig

SHUNTS = (Mode.PASS, Mode.DROP)


@dataclass(frozen=True, slots=True)
class RouteHandler:
    """Answers ``route``."""

    connections: Connections
    traps: Traps

    def __call__(self, request: Route, reply: Reply) -> Done:
        """Install the policy of a child of that name, else of every child of the peer of that name."""
        found = self._wanted(request.name)
        if not found:
            return refuse(reply, f"no config named '{request.name}'")
        done = Done()
        for peer, child in found:
            outcome = self._install(peer, child, reply)
            done = outcome if outcome.exit_code else done
        return done

    def _wanted(self, name: str) -> list[tuple[PeerConfig, ChildConfig]]:
        child = self.connections.child(name)
        if child is not None:
            return [child]
        peer = self.connections.peer(name)
        return [(peer, each) for each in peer.children] if peer else []

    def _install(self, peer: PeerConfig, child: ChildConfig, reply: Reply) -> Done:
        shunt = child.mode in SHUNTS
        try:
            self.traps.install(peer, child)
        except LocalError as error:
            policy = f"'{child.name}' shunt {child.mode} policy installation failed"
            reply.text(policy if shunt else f"routing '{child.name}' failed")
            return Done(EXIT_FAILED, str(error))
        installed = f"'{child.name}' shunt {child.mode} policy installed"
        reply.text(installed if shunt else f"'{child.name}' routed")
        return Done()


@dataclass(frozen=True, slots=True)
class UnrouteHandler:
    """Answers ``unroute``."""

    traps: Traps

    def __call__(self, request: Unroute, reply: Reply) -> Done:
        """Remove the policy of that name."""
        removed = self.traps.uninstall(request.name)
        if removed is None:
            return refuse(reply, f"configuration '{request.name}' not found")
        if removed.mode in SHUNTS:
            reply.text(f"shunt policy '{request.name}' uninstalled")
        else:
            reply.text(f"trap policy '{request.name}' unrouted")
        return Done()
