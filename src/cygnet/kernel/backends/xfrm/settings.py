"""What ``strongswan.conf`` says about the kernel's IPsec, and what the daemon tells the backend."""

from dataclasses import dataclass
from pathlib import Path

ACQUIRE_SYSCTL = Path("/proc/sys/net/core/xfrm_acq_expires")


@dataclass(frozen=True, slots=True)
class XfrmSettings:
    """``state_file`` keeps whose our entries are across restarts; ``install_routes``, ``routing_table`` and
    ``routing_table_prio`` are charon's; ``spis`` are the lowest and the highest to hand out.

    ``acquire_s`` is how long the kernel keeps asking for an SA, and a reserved SPI, before it forgets
    (``charon.plugins.kernel-netlink.xfrm_acq_expires``); 0 leaves the kernel's own setting alone.
    ``rank`` tells routes and rules of daemons apart: 0 for charon, 1 for pluto.
    """

    state_file: Path
    install_routes: bool = True
    table: int = 220
    priority: int = 220
    spis: tuple[int, int] = (0xC0000000, 0xCFFFFFFF)
    acquire_s: int = 165
    rank: int = 0
