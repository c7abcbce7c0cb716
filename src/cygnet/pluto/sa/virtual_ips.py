"""Virtual addresses of this host that mode config brought: they come, and go with their ISAKMP SA."""

from typing import TYPE_CHECKING

from cygnet.base.addresses import Address
from cygnet.base.errors import LocalError
from cygnet.base.groups import Group
from cygnet.pluto.sa.events import Configured, Unconfigured
from cygnet.pluto.sa.ports import Ports

if TYPE_CHECKING:
    from cygnet.pluto.sa.association import Association


def install(sa: "Association", address: Address) -> bool:
    """Give this host an address; whether it has it."""
    settings = sa.ports.settings
    if not settings.install_virtual_ip:
        return True
    sa.log(Group.IKE, f"installing new virtual IP {address}")
    try:
        sa.ports.kernel.add_address(address, settings.install_virtual_ip_on)
    except LocalError as error:
        sa.log(Group.KNL, f"installing virtual IP {address} failed: {error}")
        return False
    return True


def take(sa: "Association", configured: Configured) -> None:
    """Live by what the peer gave now; what it gave earlier goes afterwards, so that nothing common does."""
    earlier, sa.virtual.received = sa.virtual.received, configured
    sa.announce(configured)
    if earlier is not None:
        sa.announce(gone(sa.ports, earlier))


def gone(ports: Ports, received: Configured) -> Unconfigured:
    """Take the addresses back; what the kernel refuses to remove stays there. The event tells of it."""
    settings = ports.settings
    for address in received.addresses if settings.install_virtual_ip else ():
        try:
            ports.kernel.delete_address(address, settings.install_virtual_ip_on)
        except LocalError:  # it is gone already, with its interface
            continue
    return Unconfigured(received.ike_id, received.config, received.addresses, received.attributes)
