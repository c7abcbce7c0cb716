"""Opening the data plane that a daemon's settings choose: the kernel's IPsec or espd."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from cygnet.kernel.backends.factory import open_kernel
from cygnet.kernel.backends.userland import EspdAccess
from cygnet.kernel.backends.xfrm.settings import XfrmSettings
from cygnet.kernel.port import Kernel
from cygnet.keying.config.settings import DaemonSettings
from cygnet.runtime import paths

RANKS = {"charon": 0, "pluto": 1}
"""Whose routes and rules are whose in the kernel."""


@dataclass(frozen=True, slots=True)
class Owner:
    """The daemon whose SAs there will be.

    ``state_file`` keeps which entries of the kernel are its own, ``spawns`` says whether it starts espd
    where there is none; ``sockets`` are those it opened for espd, by name, which with ``yields`` are of use
    only where espd has none of another daemon.
    """

    name: str
    state_file: Path
    spawns: bool
    sockets: Mapping[str, int] = field(default_factory=dict)
    yields: bool = False


def open_data_plane(
    chosen: str, settings: DaemonSettings, owner: Owner, log: Callable[[int, str], None]
) -> Kernel:
    """``chosen`` is what ``kernel.backends.factory.choose`` said; raises ``LocalError``."""
    access = EspdAccess(
        paths.espd_socket(), owner.name, owner.sockets, spawn=owner.spawns, yields=owner.yields
    )
    return open_kernel(chosen, access, _xfrm(settings, owner), log)


def _xfrm(settings: DaemonSettings, owner: Owner) -> XfrmSettings:
    """What the kernel's IPsec is told."""
    return XfrmSettings(
        owner.state_file,
        settings.install_routes,
        settings.routing_table,
        settings.routing_table_priority,
        (min(settings.spi_min, settings.spi_max), max(settings.spi_min, settings.spi_max)),
        settings.xfrm_acq_expires or round(settings.answer_patience_s),
        RANKS.get(owner.name, 0),
    )
