"""The daemon as ``statusall`` and ``listplugins`` show it."""

import platform
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from cygnet.base.addresses import Address
from cygnet.charon.control.ports import Figures, Plugin
from cygnet.crypto.tables import TABLES, TransformType
from cygnet.runtime.queues.events import EventQueue
from cygnet.runtime.threads.pool import Pool

FEATURES = {
    TransformType.ENCR: "CRYPTER",
    TransformType.INTEG: "SIGNER",
    TransformType.PRF: "PRF",
    TransformType.KE: "KE",
}


@dataclass(frozen=True, slots=True)
class Facts:
    """Numbers of the moment; ``clock`` is monotonic, ``started_at`` POSIX seconds."""

    version: str
    started_at: float
    began: float
    clock: Callable[[], float]
    pool: Pool
    events: EventQueue
    addresses: Callable[[], tuple[Address, ...]]
    parts: tuple[str, ...]

    def figures(self) -> Figures:
        """How things stand now."""
        pool = self.pool.statistics()
        return Figures(
            version=self.version,
            uptime_s=self.clock() - self.began,
            started_at=self.started_at,
            threads=pool.total,
            idle=pool.idle,
            working=_four(pool.working),
            queued=_four(pool.waiting),
            scheduled=len(self.events),
            plugins=self.parts,
            addresses=tuple(map(str, self.addresses())),
            memory=memory(),
        )

    def plugins(self) -> Sequence[Plugin]:
        """Our parts under the names strongSwan gives such parts."""
        return [Plugin(name, algorithm_features() if name == "openssl" else ()) for name in self.parts]


def algorithm_features() -> tuple[str, ...]:
    """``CRYPTER:AES_CBC`` and so on, by the tables."""
    return tuple(f"{feature}:{row.name}" for kind, feature in FEATURES.items() for row in TABLES[kind])


def parts(socket: str, kernel: str) -> tuple[str, ...]:
    """What ``loaded plugins:`` lists, under the names that strongSwan gives such parts."""
    core = ("charon", "openssl", "random", "nonce", "x509", "constraints", "pubkey", "pem", "pkcs1", "pkcs8")
    return (*core, "kdf", f"kernel-{kernel}", f"socket-{socket}", "revocation", "addrblock", "stroke")


def system() -> str:
    """``Linux 6.1.0, x86_64``."""
    return f"{platform.system()} {platform.release()}, {platform.machine()}"


def memory() -> tuple[int, ...]:
    """Octets of heap: size, mapped, resident, and what of the size is not resident (from ``/proc``)."""
    try:
        pages = [int(word) for word in Path("/proc/self/statm").read_text().split()]
    except (OSError, ValueError):
        return ()
    data, resident, shared = pages[5] * 4096, pages[1] * 4096, pages[2] * 4096
    return data, shared, resident, max(0, data - resident)


def _four(numbers: Sequence[int]) -> tuple[int, int, int, int]:
    critical, high, medium, low = numbers
    return critical, high, medium, low
