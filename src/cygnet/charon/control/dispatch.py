"""Which handler answers which request."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from cygnet.charon.control.initiate import InitiateHandler
from cygnet.charon.control.kernel import KernelHandler
from cygnet.charon.control.list import ListHandler
from cygnet.charon.control.load import LoadHandler
from cygnet.charon.control.loglevel import LogLevelHandler
from cygnet.charon.control.ports import Reply
from cygnet.charon.control.replies import refuse
from cygnet.charon.control.reread import RereadHandler
from cygnet.charon.control.route import RouteHandler, UnrouteHandler
from cygnet.charon.control.status import StatusHandler
from cygnet.charon.control.terminate import TerminateHandler
from cygnet.ctl import stroke
from cygnet.ctl.stroke import Done, Request

Handler = Callable[[Any, Reply], Done]


@dataclass(frozen=True, slots=True)
class Handlers:
    """Every handler there is, built by the daemon with its collaborators."""

    status: StatusHandler
    lists: ListHandler
    initiate: InitiateHandler
    terminate: TerminateHandler
    route: RouteHandler
    unroute: UnrouteHandler
    load: LoadHandler
    reread: RereadHandler
    loglevel: LogLevelHandler
    kernel: KernelHandler

    def table(self) -> Mapping[type[Request], Handler]:
        """Message class to handler; what is absent is not part of this version."""
        return {
            stroke.Status: self.status,
            stroke.List: self.lists,
            stroke.Initiate: self.initiate,
            stroke.Terminate: self.terminate,
            stroke.Route: self.route,
            stroke.Unroute: self.unroute,
            stroke.AddConnection: self.load.add_connection,
            stroke.DeleteConnection: self.load.delete_connection,
            stroke.AddAuthority: self.load.add_authority,
            stroke.DeleteAuthority: self.load.delete_authority,
            stroke.Reread: self.reread,
            stroke.LogLevel: self.loglevel,
            stroke.Kernel: self.kernel,
        }


def answer(table: Mapping[type[Request], Handler], request: Request, reply: Reply) -> Done:
    """The answer of the handler for this request, or that this version has none."""
    handler = table.get(type(request))
    if handler is None:
        return refuse(reply, f"'{request.kind}' is not part of this version")
    return handler(request, reply)
