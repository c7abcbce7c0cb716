"""What the control handlers ask of the rest of the daemon: narrow protocols, wired in ``daemon.py``.

Everything here answers from snapshots or queues a job; only :class:`Dialogue` waits.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from cygnet.base.identities import Identity
from cygnet.base.secret import Secret
from cygnet.cert.certificates import Certificate
from cygnet.charon.sa.events import Finished
from cygnet.charon.sa.snapshot import IkeSnapshot
from cygnet.ctl.stroke import AddAuthority, AddConnection
from cygnet.kernel.port import DropCount, SaId, Usage
from cygnet.keying.config.authorities import AuthoritySection
from cygnet.keying.config.documents import Document
from cygnet.keying.config.pools import Lease, Pool
from cygnet.keying.config.records import ChildConfig, PeerConfig
from cygnet.keying.sa.routed import Routed


class Dialogue(Protocol):
    """The log lines of one negotiation, then its end. ``close`` when nobody follows any more."""

    def read(self, timeout_s: float) -> str | Finished | None:
        """The next line or the end, ``None`` if nothing came in time."""

    def close(self) -> None:
        """Stop following; the negotiation goes on."""


class Negotiations(Protocol):
    """Orders to IKE_SAs, queued as jobs. ``level`` is the most detailed log level to be followed."""

    def keep(self, child: ChildConfig) -> None:
        """Have it up from now on (``auto=start``)."""

    def cancel(self, name: str) -> bool:
        """Have the child of that name no longer wanted; whether it was."""

    def initiate(self, peer: PeerConfig, child: ChildConfig | None, level: int) -> Dialogue:
        """Negotiate an IKE_SA, and with ``child`` a CHILD_SA on it or on an existing one."""

    def terminate_ike(self, unique_id: int, level: int) -> Dialogue:
        """Delete an IKE_SA with its children."""

    def terminate_child(self, ike_id: int, child_id: int, level: int) -> Dialogue:
        """Delete one CHILD_SA."""

    def rekey_ike(self, unique_id: int, level: int) -> Dialogue:
        """Rekey an IKE_SA, or authenticate anew where its connection says so."""

    def rekey_child(self, ike_id: int, child_id: int, level: int) -> Dialogue:
        """Rekey one CHILD_SA."""


class Snapshots(Protocol):
    """All IKE_SAs as they were at their last check-in."""

    def snapshots(self) -> Sequence[IkeSnapshot]:
        """In any order."""


class Connections(Protocol):
    """The loaded connections."""

    def peers(self) -> Sequence[PeerConfig]:
        """In the order loaded."""

    def peer(self, name: str) -> PeerConfig | None:
        """The peer config of that name."""

    def child(self, name: str) -> tuple[PeerConfig, ChildConfig] | None:
        """The child config of that name, with its peer's."""


class Loader(Protocol):
    """Takes connections and authorities from starter; refusals raise ``LocalError`` with the reason."""

    def add(self, request: AddConnection) -> Sequence[str]:
        """Load or replace a connection; the answer is warnings."""

    def remove(self, name: str) -> bool:
        """Forget a connection; whether it was there."""

    def add_authority(self, request: AddAuthority) -> Sequence[str]:
        """Load or replace a ``ca`` section; the answer is warnings."""

    def remove_authority(self, name: str) -> bool:
        """Forget a ``ca`` section; whether it was there."""


class Traps(Protocol):
    """Trap and shunt policies."""

    def install(self, peer: PeerConfig, child: ChildConfig) -> Routed:
        """Install the child's policy, over one that is there; raises ``LocalError``."""

    def uninstall(self, name: str) -> Routed | None:
        """Remove the policy of that name; what it was, ``None`` if there was none."""

    def installed(self) -> Sequence[Routed]:
        """Traps and shunts, in the order installed."""


class Usages(Protocol):
    """The part of the kernel port that status needs."""

    def query_sa(self, id: SaId) -> Usage:
        """What the SA has carried and dropped; raises ``KernelError``."""

    def drops(self) -> tuple[DropCount, ...]:
        """What the data plane has dropped, of all SAs and of none; raises ``KernelError``."""


@dataclass(frozen=True, slots=True)
class Figures:
    """The daemon's own numbers for ``statusall``.

    ``working`` and ``queued`` are by priority, critical to low; ``memory`` is in octets: sbrk, mmap, used
    and free, empty if unknown.
    """

    version: str = ""
    uptime_s: float = 0
    started_at: float = 0
    threads: int = 0
    idle: int = 0
    working: tuple[int, int, int, int] = (0, 0, 0, 0)
    queued: tuple[int, int, int, int] = (0, 0, 0, 0)
    scheduled: int = 0
    plugins: tuple[str, ...] = ()
    addresses: tuple[str, ...] = ()
    memory: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Plugin:
    """A part of the daemon as ``listplugins`` shows it; ``features`` read like ``PRF:PRF_HMAC_SHA1``."""

    name: str
    features: tuple[str, ...] = ()


class Facts(Protocol):
    """The daemon as a whole."""

    def figures(self) -> Figures:
        """How things stand now."""

    def plugins(self) -> Sequence[Plugin]:
        """The daemon's parts, in the order loaded."""


class Certificates(Protocol):
    """The credential store as the list and export commands see it."""

    def listed(self, kind: str) -> Sequence[tuple[Certificate, bool]]:
        """``certs``, ``cacerts``, ``aacerts`` or ``ocspcerts``, each with whether we have its private key."""

    def documents(self, kind: str) -> Sequence[Document]:
        """``pubkeys``, ``acerts``, ``groups``, ``crls`` or ``ocsp``."""

    def sections(self) -> Sequence[AuthoritySection]:
        """The loaded ``ca`` sections, in their order."""

    def find(self, identity: Identity) -> Sequence[Certificate]:
        """Every certificate, of whatever kind, that speaks for ``identity``."""


class Pools(Protocol):
    """Virtual addresses."""

    def pools(self) -> Sequence[Pool]:
        """Every pool, in the order configured."""

    def leases(self, pool: str) -> Iterable[Lease]:
        """The leases of the pool of that name."""


class Purger(Protocol):
    """Stores that remember what was received or fetched."""

    def purge(self, kinds: frozenset[str]) -> None:
        """Forget it: ``certs``, ``crls``, ``ocsp``."""


class Users(Protocol):
    """User names and passwords set by hand."""

    def set_user(self, connection: str, username: str, password: Secret) -> None:
        """Use these for ``connection`` from now on; raises ``LocalError`` if there are too many."""


Ask = Callable[[str], str]
"""Asks the operator, without echo; an empty answer is a refusal."""


class Rereader(Protocol):
    """Stores that are read from files."""

    def reread(self, kinds: frozenset[str], ask: Ask | None = None) -> tuple[Sequence[str], bool]:
        """Read ``secrets``, ``cacerts`` and so on again, each kind as a whole.

        The answer is what is wrong, and whether everything could be used all the same. ``ask`` is for
        passphrases that are to be prompted for.
        """


class IkeCounters(Protocol):
    """IKE messages and rekeyings, counted under strongSwan's names."""

    def names(self) -> Sequence[str]:
        """The connections that have counters."""

    def of(self, name: str) -> Mapping[str, int] | None:
        """Every counter of a connection, ``None`` if it has none; of the daemon for the empty name."""

    def reset(self, name: str | None) -> None:
        """Begin anew: for a connection, the daemon (empty name) or every connection (``None``)."""


class Memory(Protocol):
    """What the daemon holds."""

    def memory(self) -> Iterable[tuple[str, Sequence[tuple[str, str]]]]:
        """Captions, each with labels and figures."""


class LogLevels(Protocol):
    """The log's levels."""

    def set_level(self, group: str, level: int) -> None:
        """Set one group's level, or that of ``any``."""


class Reply(Protocol):
    """The client's end of the socket. All raise ``ClientGoneError`` once it has gone."""

    def text(self, line: str) -> None:
        """Send one line now."""

    def texts(self, lines: Iterable[str]) -> None:
        """Send many lines, as they come but in larger pieces."""

    def ask(self, prompt: str) -> str:
        """Have the operator asked, without echo; empty if there is nobody to ask."""

    def check(self) -> None:
        """Find out whether the client still listens."""


Clock = Callable[[], float]
