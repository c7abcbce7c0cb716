"""Virtual addresses of this host that mode config brought: they come, and go with their ISAKMP SA."""

from typing import TYPE_CHECKING

from cygnet.base.groups import Group
from cygnet.keying.sa import own_addresses
from cygnet.pluto.sa.events import Configured, Unconfigured
from cygnet.pluto.sa.ports import Ports

if TYPE_CHECKING:
    from cygnet.pluto.sa.association import Association


def take(sa: "Association", configured: Configured) -> None:
    """Live by what the peer gave now; what it gave earlier goes afterwards, so that nothing common does."""
    earlier, sa.virtual.received = sa.virtual.received, configured
    sa.announce(configured)
    if earlier is not None:
        sa.announce(gone(sa.ports, earlier))


def gone(ports: Ports, received: Configured) -> Unconfigured:
    """Take the addresses back; the event tells of it."""
    for address in received.addresses:
        own_addresses.uninstall(ports.kernel, ports.settings, address, _quiet)
    return Unconfigured(received.ike_id, received.config, received.addresses, received.attributes)


def _quiet(group: Group, text: str) -> None:
    """An address that cannot be removed is gone already, with its interface."""
