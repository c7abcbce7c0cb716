"""``leftupdown``: scripts that run when a CHILD_SA comes up and when it goes; a listener of the bus."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

from cygnet.base.addresses import Address
from cygnet.base.groups import Group, Level
from cygnet.keying.sa.events import ChildDown, ChildUp
from cygnet.keying.updown_environment import DOWN, UP, Peer, Tunnel, environments
from cygnet.runtime.bus.records import Record
from cygnet.runtime.scripts import Ended

DEADLINE_S = 30.0
"""How long one script may take."""

LIMIT = 100_000
"""How many CHILD_SAs with a script may be up."""

Find = Callable[[int], Peer | None]
Run = Callable[[str, Mapping[str, str], float], Ended]
Log = Callable[[Group, int, str], None]


@dataclass(slots=True)
class _Line:
    """CHILD_SAs that carry the same one after the other, or at once while one takes the other's place."""

    tunnel: Tunnel
    members: set[int] = field(default_factory=set)


class Updown:
    """Runs on a thread of its own, one script after the other.

    A CHILD_SA that takes the place of another runs none: one that a rekeying made, and one of another IKE_SA
    about which a script would be told the same (re-authentication, a peer that begins anew). ``down`` follows
    once the last of them is gone. The script that ran for ``up`` runs for it, with the facts of then: the
    IKE_SA may be gone.
    """

    name = "updown"

    def __init__(
        self,
        find: Find,
        interface: Callable[[Address], str],
        run: Run,
        log: Log,
        device: Callable[[], str] = str,
    ) -> None:
        """``device`` is the interface that tunnels lead through, if there is one."""
        self._device = device
        self._find = find
        self._interface = interface
        self._run = run
        self._log = log
        self._lines: dict[int, _Line] = {}
        self._by_facts: dict[frozenset[tuple[str, str]], _Line] = {}

    @staticmethod
    def wants(event: object) -> bool:
        """Whether the event concerns a script."""
        return isinstance(event, ChildUp | ChildDown) and bool(event.config.updown)

    def handle(self, record: Record) -> None:
        """Run the scripts for one event."""
        event = record.event
        if isinstance(event, ChildUp):
            self._began(event)
        elif isinstance(event, ChildDown):
            self._ended(event)

    def idle(self) -> None:
        """Nothing is buffered."""

    def close(self) -> None:
        """Nothing is held open."""

    def _began(self, event: ChildUp) -> None:
        line = self._lines.get(event.replaces)
        if line is not None:
            self._join(line, replace(line.tunnel, child=event.child))
            return
        sa = self._find(event.ike_id)
        if sa is None or len(self._lines) >= LIMIT:
            return
        interface = self._interface(event.child.inbound.destination)
        tunnel = Tunnel(event.config, event.child, sa, interface, self._device())
        line = self._by_facts.get(_facts(tunnel))
        self._join(line or _Line(tunnel), tunnel)
        if line is None:
            self._all(UP, tunnel)

    def _join(self, line: _Line, tunnel: Tunnel) -> None:
        self._by_facts.pop(_facts(line.tunnel), None)
        line.tunnel = tunnel
        line.members.add(tunnel.child.unique_id)
        self._lines[tunnel.child.unique_id] = self._by_facts[_facts(tunnel)] = line

    def _ended(self, event: ChildDown) -> None:
        line = self._lines.pop(event.child.unique_id, None)
        if line is None:
            return
        line.members.discard(event.child.unique_id)
        if not line.members:
            self._by_facts.pop(_facts(line.tunnel), None)
            self._all(DOWN, line.tunnel)

    def _all(self, verb: str, tunnel: Tunnel) -> None:
        for environment in environments(verb, tunnel):
            self._one(tunnel, environment)

    def _one(self, tunnel: Tunnel, environment: Mapping[str, str]) -> None:
        script, what = tunnel.config.updown, f"{environment['PLUTO_VERB']} of {tunnel.child.name}"
        try:
            ended = self._run(script, environment, DEADLINE_S)
        except OSError as error:
            self._say(f"{script} cannot run ({what}): {error.strerror}")
            return
        for line in ended.lines:
            self._say(line)
        if ended.late:
            self._say(f"{script} took longer than {DEADLINE_S:.0f} s and was killed ({what})")
        elif ended.status:
            self._say(f"{script} ended with {ended.status} ({what})")

    def _say(self, text: str) -> None:
        self._log(Group.CHD, Level.CONTROL, f"updown: {text}")


def _facts(tunnel: Tunnel) -> frozenset[tuple[str, str]]:
    """All that scripts are told, but for the number of the IKE_SA."""
    told = (pair for environment in environments(UP, tunnel) for pair in environment.items())
    return frozenset({*(pair for pair in told if pair[0] != "PLUTO_UNIQUEID"), ("", tunnel.config.updown)})
