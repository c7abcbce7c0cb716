"""Which handler answers which request."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from cygnet.charon.control.counters import CountersHandler
from cygnet.charon.control.export import ExportHandler
from cygnet.charon.control.initiate import InitiateHandler
from cygnet.charon.control.kernel import KernelHandler
from cygnet.charon.control.leases import LeasesHandler
from cygnet.charon.control.list import ListHandler
from cygnet.charon.control.load import LoadHandler
from cygnet.charon.control.loglevel import LogLevelHandler
from cygnet.charon.control.memusage import MemUsageHandler
from cygnet.charon.control.ports import Reply
from cygnet.charon.control.purge import PurgeHandler
from cygnet.charon.control.rekey import RekeyHandler
from cygnet.charon.control.reread import RereadHandler
from cygnet.charon.control.route import RouteHandler, UnrouteHandler
from cygnet.charon.control.status import StatusHandler
from cygnet.charon.control.terminate import TerminateHandler
from cygnet.charon.control.user_credentials import UserCredentialsHandler
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
    rekey: RekeyHandler
    route: RouteHandler
    unroute: UnrouteHandler
    load: LoadHandler
    reread: RereadHandler
    purge: PurgeHandler
    loglevel: LogLevelHandler
    kernel: KernelHandler
    leases: LeasesHandler
    counters: CountersHandler
    export: ExportHandler
    memusage: MemUsageHandler
    users: UserCredentialsHandler

    def table(self) -> Mapping[type[Request], Handler]:
        """Message class to handler, for every message there is."""
        return {
            stroke.Status: self.status,
            stroke.List: self.lists,
            stroke.Initiate: self.initiate,
            stroke.Terminate: self.terminate,
            stroke.TerminateSourceIp: self.terminate.by_source_ip,
            stroke.Rekey: self.rekey,
            stroke.Route: self.route,
            stroke.Unroute: self.unroute,
            stroke.AddConnection: self.load.add_connection,
            stroke.DeleteConnection: self.load.delete_connection,
            stroke.AddAuthority: self.load.add_authority,
            stroke.DeleteAuthority: self.load.delete_authority,
            stroke.Reread: self.reread,
            stroke.Purge: self.purge,
            stroke.LogLevel: self.loglevel,
            stroke.Kernel: self.kernel,
            stroke.Leases: self.leases,
            stroke.Counters: self.counters,
            stroke.Export: self.export,
            stroke.MemUsage: self.memusage,
            stroke.UserCredentials: self.users,
        }
