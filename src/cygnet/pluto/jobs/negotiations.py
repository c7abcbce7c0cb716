"""What operators and starter ask of ISAKMP SAs: each order is given, and followed to its end."""

import itertools
from collections.abc import Callable, Iterable

from cygnet.base.effects import Effect, Log
from cygnet.base.errors import LocalError
from cygnet.ctl.whack_codes import Rc
from cygnet.pluto.backends.connections import Connection, Connections, OrientationError
from cygnet.pluto.backends.specifier import Specifier, SuiteSpecifier
from cygnet.pluto.jobs.core import Core, Establish, Finished, Order, Picture, Progress, Rekey, Sa, Terminate
from cygnet.pluto.jobs.routes import NoPeerError
from cygnet.runtime.bus.bus import Bus, Subscription
from cygnet.runtime.bus.records import Levels
from cygnet.runtime.manager import Manager
from cygnet.runtime.queues.jobs import Priority

Target = tuple[int, int]
"""An ISAKMP SA, and an IPsec SA of it, or 0 for the ISAKMP SA itself."""


class Dialogue:
    """The lines of one order up to the event that ends it."""

    def __init__(self, bus: Bus, ike_id: int, ticket: int) -> None:
        suffix = f"|{ike_id}"

        def wanted(event: object) -> bool:
            if isinstance(event, Log):
                return event.sa.endswith(suffix)
            if isinstance(event, Progress):
                return event.ike_id == ike_id
            return isinstance(event, Finished) and event.ticket == ticket

        self.ticket = ticket
        self._subscription: Subscription = bus.subscribe(wanted, levels=Levels(1))

    def read(self, timeout_s: float) -> Log | Progress | Finished | None:
        """The next of them, ``None`` if nothing came in time."""
        record = self._subscription.next(timeout_s)
        found: Log | Progress | Finished | None = record.event if record is not None else None
        return found

    def close(self) -> None:
        """Stop following; the order goes on."""
        self._subscription.close()


class Negotiations:
    """Initiates and terminates on behalf of commands."""

    def __init__(
        self, core: Core, manager: Manager[Sa], connections: Connections, bus: Bus, clock: Callable[[], float]
    ) -> None:
        self._core, self._manager, self._connections, self._bus = core, manager, connections, bus
        self._clock = clock
        self._tickets = itertools.count(1)

    def initiate(self, connection: Connection, *, anew: bool = False) -> Dialogue:
        """Bring a connection up, on an ISAKMP SA that is there unless ``anew``; raises ``LocalError``."""
        check_begins(connection)
        number = None if anew else self._core.usable(connection)
        if number is None:
            fresh = self._manager.next_unique_id()
            number = self._manager.register(self._core.initiator(fresh, connection))
        ticket = next(self._tickets)
        return self._ordered(number, Establish(connection, ticket), ticket)

    def find(self, wanted: Specifier) -> list[Target]:
        """The SAs meant, newest first; of an ISAKMP SA that is meant as a whole only it."""
        targets: list[Target] = []
        for sa in sorted(self._manager.snapshots(), key=lambda sa: -sa.number):
            if wanted.means(sa.number, sa.name, sa.instance):
                targets.append((sa.number, 0))
            else:
                targets += [
                    (sa.number, child.number)
                    for child in sa.children
                    if wanted.means(child.number, child.name, sa.instance)
                ]
        return targets

    def find_shown(self, wanted: SuiteSpecifier) -> list[Target]:
        """The SAs meant in terms of ``ipsec status``, newest first: one, unless every one is."""
        sas = sorted(self._manager.snapshots(), key=lambda sa: (not sa.established, -sa.number))
        whole: list[Target] = [(sa.number, 0) for sa in sas if wanted.means(sa.number, sa.name)]
        if wanted.child or (wanted.plain and not whole):
            whole = [
                (sa.number, child.number)
                for sa in sas
                for child in sorted(sa.children, key=lambda child: -child.number)
                if wanted.means(child.number, child.name)
            ]
        return whole if wanted.every else whole[:1]

    def of_peer(self, address: str) -> list[Picture]:
        """The ISAKMP SAs with the peer at this address, newest first."""
        found = [sa for sa in self._manager.snapshots() if str(sa.remote.address) == address]
        return sorted(found, key=lambda sa: -sa.number)

    def terminate(self, target: Target) -> Dialogue:
        """Delete one SA, for an operator; raises ``LocalError`` if it is gone already."""
        picture = self._manager.snapshot(target[0])
        if picture is not None:
            self._core.cancel(picture.label.replace('"', ""))
        ticket = next(self._tickets)
        return self._ordered(target[0], Terminate(target[1], ticket), ticket)

    def rekey(self, target: Target) -> Dialogue:
        """New keys for one SA, for an operator; raises ``LocalError`` if it is gone already."""
        ticket = next(self._tickets)
        return self._ordered(target[0], Rekey(target[1], ticket), ticket)

    def forget(self, targets: Iterable[Target]) -> None:
        """Delete SAs without following."""
        for number, child in targets:
            self._post(number, Terminate(child))

    def end_childless(self) -> None:
        """Delete the established ISAKMP SAs that have no IPsec SA, without following."""
        idle = (sa for sa in self._manager.snapshots() if sa.life == "ESTABLISHED" and not sa.children)
        self.forget((sa.number, 0) for sa in idle)

    def _ordered(self, number: int, order: Order, ticket: int) -> Dialogue:
        dialogue = Dialogue(self._bus, number, ticket)
        if self._post(number, order):
            return dialogue
        dialogue.close()
        raise LocalError(f"#{number} is gone")

    def _post(self, number: int, order: Order) -> bool:
        def command(sa: Sa) -> list[Effect]:
            return sa.command(order, self._clock())

        def lost() -> None:
            ticket = getattr(order, "ticket", 0)
            self._bus.publish(Finished(ticket, False, Rc.UNKNOWN_NAME, f"#{number} is gone"))

        name = type(order).__name__
        return self._manager.post(number, command, Priority.MEDIUM, name, sure=True, lost=lost)


def check_oriented(connection: Connection) -> None:
    """Raises ``OrientationError`` where neither end is this host."""
    if connection.remote is None:
        raise OrientationError(f"we cannot identify ourselves with either end of {connection.label}")


def check_begins(connection: Connection) -> None:
    """Raises ``LocalError`` where nothing can be begun: the peer may be anybody, or there is none."""
    check_oriented(connection)
    if connection.message.shunt != "trap":
        raise LocalError(f"{connection.label} is a shunt, with nothing to negotiate: --route installs it")
    if connection.is_template:
        raise NoPeerError(f"cannot initiate {connection.label} without knowing the peer's address")
