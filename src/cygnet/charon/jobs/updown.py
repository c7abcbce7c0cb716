"""``leftupdown``: scripts that run when a CHILD_SA comes up and when it goes; a listener of the bus."""

from collections.abc import Callable, Mapping
from dataclasses import replace

from cygnet.base.addresses import Address
from cygnet.base.groups import Group, Level
from cygnet.charon.jobs.updown_environment import DOWN, UP, Tunnel, environments
from cygnet.charon.sa.events import ChildDown, ChildUp
from cygnet.charon.sa.snapshot import IkeSnapshot
from cygnet.runtime.bus.records import Record
from cygnet.runtime.scripts import Ended

DEADLINE_S = 30.0
"""How long one script may take."""

LIMIT = 100_000
"""How many CHILD_SAs with a script may be up."""

Find = Callable[[int], IkeSnapshot | None]
Run = Callable[[str, Mapping[str, str], float], Ended]
Log = Callable[[Group, int, str], None]


class Updown:
    """Runs on a thread of its own, one script after the other. A rekeying runs none.

    The script that ran for ``up`` runs for ``down``, with the facts of then: the IKE_SA may be gone.
    """

    name = "updown"

    def __init__(self, find: Find, interface: Callable[[Address], str], run: Run, log: Log) -> None:
        self._find = find
        self._interface = interface
        self._run = run
        self._log = log
        self._up: dict[int, Tunnel] = {}

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
        number = event.child.unique_id
        old = self._up.pop(event.replaces, None)
        if old is not None:
            self._up[number] = replace(old, child=event.child)
            return
        sa = self._find(event.ike_id)
        if sa is None or len(self._up) >= LIMIT:
            return
        tunnel = Tunnel(event.config, event.child, sa, self._interface(event.child.inbound.destination))
        self._up[number] = tunnel
        self._all(UP, tunnel)

    def _ended(self, event: ChildDown) -> None:
        tunnel = self._up.get(event.child.unique_id)
        if tunnel is not None and not event.rekeyed:
            del self._up[event.child.unique_id]
            self._all(DOWN, tunnel)

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
