"""Which handler answers which request."""

from collections.abc import Mapping
from dataclasses import dataclass

from cygnet.ctl import whack
from cygnet.ctl.whack import Request
from cygnet.pluto.control.daemon_verbs import DaemonHandler
from cygnet.pluto.control.load import Authorities, LoadHandler
from cygnet.pluto.control.public_keys import PublicKeysHandler
from cygnet.pluto.control.replies import Handler
from cygnet.pluto.control.sas import SaHandler
from cygnet.pluto.control.shared import SharedHandler
from cygnet.pluto.control.smart_cards import SmartCardHandler
from cygnet.pluto.control.status import StatusHandler
from cygnet.pluto.control.users import UsersHandler


@dataclass(frozen=True, slots=True)
class Handlers:
    """Every handler there is, built by the daemon with its collaborators."""

    status: StatusHandler
    load: LoadHandler
    authorities: Authorities
    sas: SaHandler
    daemon: DaemonHandler
    users: UsersHandler
    shared: SharedHandler
    public_keys: PublicKeysHandler
    smart_cards: SmartCardHandler

    def table(self) -> Mapping[type[Request], Handler]:
        """Request class to handler, for every request there is."""
        return {
            whack.Status: self.status,
            whack.Shutdown: self.daemon.shutdown,
            whack.Options: self.daemon.options,
            whack.MyId: self.load.my_id,
            whack.AddConnection: self.load.add,
            whack.DeleteConnection: self.load.delete,
            whack.DeleteState: self.sas.delete_state,
            whack.Crash: self.sas.crash,
            whack.AddAuthority: self.authorities.add,
            whack.DeleteAuthority: self.authorities.delete,
            whack.Listen: self.daemon.listen,
            whack.Unlisten: self.daemon.unlisten,
            whack.Reread: self.daemon.reread,
            whack.Purge: self.shared.purge,
            whack.AddKey: self.public_keys,
            whack.Route: self.sas.route,
            whack.Unroute: self.sas.unroute,
            whack.UserCredentials: self.users,
            whack.Initiate: self.sas.initiate,
            whack.Opportunistic: self.sas.opportunistic,
            whack.Terminate: self.sas.terminate,
            whack.Rekey: self.sas.rekey,
            whack.List: self.shared.list,
            whack.Leases: self.shared.leases,
            whack.SmartCard: self.smart_cards,
        }
