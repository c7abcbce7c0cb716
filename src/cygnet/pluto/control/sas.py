"""``--initiate``, ``--terminate`` and the like: orders, followed to their end unless asynchronous."""

from collections.abc import Callable
from dataclasses import dataclass

from cygnet.base.effects import Log
from cygnet.base.errors import LocalError
from cygnet.ctl.whack import Crash, DeleteState, Initiate, Opportunistic, Rekey, Route, Terminate, Unroute
from cygnet.ctl.whack_codes import Rc
from cygnet.pluto.backends.connections import Connection, Connections, UnknownNameError
from cygnet.pluto.backends.specifier import FORMS, Specifier, SpecifierError, parse, parse_suite
from cygnet.pluto.control.replies import Reply, code_of
from cygnet.pluto.jobs.core import Core, Finished, Progress
from cygnet.pluto.jobs.negotiations import Dialogue, Negotiations, Target, check_begins, check_oriented

CHECK_S = 0.5
"""How often a silent dialogue looks whether its client is still there."""


@dataclass(frozen=True, slots=True)
class SaHandler:
    """Brings connections up and down. ``listening`` tells whether peers are heard."""

    connections: Connections
    negotiations: Negotiations
    core: Core
    listening: Callable[[], bool]

    def initiate(self, request: Initiate, reply: Reply) -> None:
        """``NAME`` or an instance ``NAME[n]``."""
        connection = self._connection(request.name)
        if not self.listening():
            reply.line(Rc.DEAF, "need --listen before --initiate")
            return
        if request.lasting:
            check_begins(connection)
            self.core.keep(connection)
            return
        self.core.wanted(connection)
        self._follow(self.negotiations.initiate(connection), reply, request.asynchronous)

    def terminate(self, request: Terminate, reply: Reply) -> None:
        """All SAs of ``NAME``, of instances, or one by its number; a known name may have none."""
        targets = self._targets(request, reply)
        for target in targets:
            name = f"#{target[1] or target[0]}"
            reply.line(Rc.LOG, f"terminating {name}")
            self._follow(self.negotiations.terminate(target), reply, request.asynchronous)

    def rekey(self, request: Rekey, reply: Reply) -> None:
        """New keys for an IPsec SA; phase 1 anew for an ISAKMP SA, which is only begun here."""
        targets = self.negotiations.find_shown(parse_suite(request.name))
        if not targets:
            raise LocalError(f"no IKE_SA or CHILD_SA '{request.name}' found")
        for target in targets:
            self._follow(self.negotiations.rekey(target), reply, asynchronous=False)

    def _targets(self, request: Terminate, reply: Reply) -> list[Target]:
        if request.suite:
            targets = self.negotiations.find_shown(parse_suite(request.name))
            if not targets and self.core.cancel(request.name):
                reply.line(Rc.LOG, f"connection '{request.name}' was not up and is wanted no longer")
            elif not targets:
                raise LocalError(f"no IKE_SA or CHILD_SA '{request.name}' found")
            return targets
        wanted = parse(request.name)
        targets = self.negotiations.find(wanted)
        if not targets:
            self._check_known(wanted, request.name)
            self.core.cancel(request.name)
            reply.line(Rc.LOG, f"no SA of {request.name} is there to be terminated")
        return targets

    def delete_state(self, request: DeleteState, reply: Reply) -> None:
        """One SA by its number."""
        self.terminate(Terminate(f"#{request.number}"), reply)

    def crash(self, request: Crash, reply: Reply) -> None:
        """The peer forgot everything: its SAs end, their connections begin anew."""
        found = self.negotiations.of_peer(request.host)
        if not found:
            reply.line(Rc.LOG, f"no SA with {request.host}")
        again = {(sa.name, sa.instance): sa for sa in found}
        self.negotiations.forget((sa.number, 0) for sa in found)
        for name, instance in again:
            connection = self.connections.instance(name, instance)
            self._follow(self.negotiations.initiate(connection, anew=True), reply, asynchronous=True)
            reply.line(Rc.LOG, f"{connection.label} is initiated anew")

    def opportunistic(self, request: Opportunistic, reply: Reply) -> None:
        """No connection is for peers that nobody has configured: keys are not looked up in DNS."""
        text = f"can't opportunistically initiate for {request.here} to {request.there}: "
        reply.line(Rc.OPPORTUNISM_FAILED, text + "no opportunistic connection covers this pair")

    def route(self, request: Route, reply: Reply) -> None:
        """Catch packets of a connection that is not up."""
        connection = self._connection(request.name)
        check_oriented(connection)
        try:
            self.core.route(connection)
        except LocalError as error:
            if code_of(error) is not Rc.LOG_SERIOUS:
                raise
            reply.line(Rc.ROUTE, str(error))
            return
        reply.line(Rc.COMMENT, f"{connection.label} routed")

    def unroute(self, request: Unroute, reply: Reply) -> None:
        """Catch them no more."""
        connection = self._connection(request.name)
        self.core.unroute(connection)
        reply.line(Rc.COMMENT, f"{connection.label} unrouted")

    def _connection(self, name: str) -> Connection:
        wanted = parse(name)
        if wanted.state or wanted.every:
            raise SpecifierError(f"'{name}' is no single connection: NAME or NAME[n]")
        return self.connections.instance(wanted.name, wanted.instance)

    def _check_known(self, wanted: Specifier, text: str) -> None:
        if wanted.state:
            raise UnknownNameError(f"no SA {text} ({FORMS})")
        self.connections.instance(wanted.name, wanted.instance)

    def _follow(self, dialogue: Dialogue, reply: Reply, asynchronous: bool) -> None:
        """Hand the lines to the client until the end."""
        try:
            while not asynchronous:
                item = dialogue.read(CHECK_S)
                if item is None:
                    reply.check()
                elif isinstance(item, Progress):
                    reply.line(item.code, f"{item.label} #{item.number}: {item.text}")
                elif isinstance(item, Log):
                    reply.line(Rc.LOG, item.text)
                else:
                    _end(item, reply)
                    return
        finally:
            dialogue.close()


def _end(end: Finished, reply: Reply) -> None:
    """The last line: its code is what whack ends with."""
    reply.line(end.code if not end.ok else Rc.SUCCESS, end.reason or ("done" if end.ok else "failed"))
