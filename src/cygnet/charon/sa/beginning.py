"""Beginning an IKE_SA again that did not come to be."""

from cygnet.base.addresses import Address, Host
from cygnet.charon.sa.association import NO_SPI, Association, Nat
from cygnet.charon.sa.handshake import Handshake
from cygnet.charon.sa.ike_ports import first_local_port
from cygnet.charon.sa.task_manager import TaskManager
from cygnet.charon.sa.tasks.cert_pre import CertPre
from cygnet.charon.sa.tasks.ike_init import IkeInit
from cygnet.charon.sa.tasks.nat_detection import NatDetection


def begin_again(sa: Association, tasks: TaskManager, source: Address | None = None) -> None:
    """The first message once more, under the same SPI but otherwise new, from ``source`` if given."""
    sa.handshake, sa.keys, sa.proposal = Handshake(retries=0), None, None
    sa.spi_r, sa.nat = NO_SPI, Nat()
    if sa.first is not None:
        sa.local, sa.remote = sa.first
    if source is not None:
        sa.local = Host(source, sa.local.port)
    sa.local = sa.local.with_port(first_local_port(sa.peer_config, sa.remote, sa.ports.settings))
    sa.first = sa.local, sa.remote
    tasks.restart((IkeInit(sa), NatDetection(sa), CertPre(sa)))
