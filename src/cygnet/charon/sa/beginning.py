"""Beginning an IKE_SA again that did not come to be."""

from cygnet.base.addresses import Host
from cygnet.charon.sa.association import NO_SPI, Association
from cygnet.charon.sa.facts import Nat
from cygnet.charon.sa.handshake import Handshake
from cygnet.charon.sa.ike_ports import first_local_port
from cygnet.charon.sa.task_manager import TaskManager
from cygnet.charon.sa.tasks import BEGINNING


def begin_again(sa: Association, tasks: TaskManager, *, elsewhere: bool = False) -> None:
    """The first message once more, under the same SPI but otherwise new, to where the peer is by now.

    ``elsewhere``: from the address that the kernel would take, whatever is configured.
    """
    sa.handshake, sa.keys, sa.proposal = Handshake(retries=0), None, None
    sa.spi_r, sa.nat, sa.ppk = NO_SPI, Nat(), ""
    sa.local, sa.remote = _ends(sa)
    if elsewhere and (source := sa.ports.addresses.source(sa.remote.address)) is not None:
        sa.local = Host(source, sa.local.port)
    sa.local = sa.local.with_port(first_local_port(sa.peer_config, sa.remote, sa.ports.settings))
    sa.first = sa.local, sa.remote
    tasks.restart(tuple(kind(sa) for kind in BEGINNING))


def _ends(sa: Association) -> tuple[Host, Host]:
    """As names resolve now; what is to take another IKE_SA's place stays with the hosts of that."""
    found = None if sa.succeeds else sa.ports.contacts.ends(sa.peer_config)
    return found or sa.first or (sa.local, sa.remote)
