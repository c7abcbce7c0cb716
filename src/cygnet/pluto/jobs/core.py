"""The protocol core as the daemon drives it: narrow, so that each can be tested without the other.

The daemon runs ISAKMP SAs as charon runs IKE_SAs: the manager lends each to one worker at a time, what it
wants done comes back as effects (:mod:`cygnet.base.effects`), and status commands read the pictures that it
publishes. What belongs to no SA is decided by :meth:`Core.decide`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from cygnet.base.addresses import Address, Host
from cygnet.base.effects import Effect
from cygnet.kernel.port import SaId, Usage
from cygnet.keying.sa.routed import Routed
from cygnet.pluto.backends.connections import Connection
from cygnet.pluto.config.records import PeerConfig
from cygnet.pluto.sa import orders
from cygnet.runtime.network.datagrams import Datagram

UNUSED = Usage()


@dataclass(frozen=True, slots=True)
class Establish:
    """Bring up the connection: phase 1 if need be, then phase 2. ``ticket`` comes back in Finished."""

    connection: Connection
    ticket: int = 0


@dataclass(frozen=True, slots=True)
class Terminate:
    """Delete the ISAKMP SA with all its IPsec SAs, or with ``child`` the IPsec SA of that number."""

    child: int = 0
    ticket: int = 0


@dataclass(frozen=True, slots=True)
class Rekey:
    """Do phase 1 anew, or with ``child`` negotiate the IPsec SA of that number anew."""

    child: int = 0
    ticket: int = 0


Order = Establish | Terminate | Rekey | orders.Order
"""What an ISAKMP SA is told: by operators, or in the core's own words by the daemon's jobs."""


@dataclass(frozen=True, slots=True)
class Progress:
    """An SA came to another state, or something is to be said about it: a line for who follows.

    ``number`` is that of the ISAKMP or IPsec SA, ``label`` the connection's (``"rw"[2]``); ``code`` is
    whack's (100 plus the state's number, 004 when established).
    """

    ike_id: int
    number: int
    label: str
    code: int
    text: str


@dataclass(frozen=True, slots=True)
class Finished:
    """The outcome of the order with this ticket; ``code`` is whack's."""

    ticket: int
    ok: bool
    code: int
    reason: str = ""


@dataclass(frozen=True, slots=True)
class ChildPicture:
    """An IPsec SA. ``state`` is the one of its exchange (``STATE_QUICK_I2``), ``life`` as charon names it.

    ``ids`` are the kernel's names of it, in and out.
    ``usage_in`` and ``usage_out`` are what the kernel counted.
    """

    number: int
    name: str
    state: str
    story: str
    life: str
    mode: str
    protocol: str
    reqid: int
    spi_in: int
    spi_out: int
    local_ts: str
    remote_ts: str
    proposal: str = ""
    udp: bool = False
    cpis: tuple[int, int] | None = None
    ids: tuple[SaId, SaId] | None = None
    usage_in: Usage = UNUSED
    usage_out: Usage = UNUSED
    event: str = ""
    event_at: float = 0.0
    expire_at: float | None = None

    @property
    def established(self) -> bool:
        """Whether it carries traffic."""
        return self.life in ("INSTALLED", "REKEYING", "REKEYED")


@dataclass(frozen=True, slots=True)
class Picture:
    """An ISAKMP SA of ``config``. Times are seconds of the monotonic clock; ``event`` is its next timer.

    ``auth`` is how both sides authenticated, for people. ``half_open`` is the peer's address while the
    peer has begun and not proved itself. ``replaces`` is the ISAKMP SA whose renewal of ours this is. Mode
    config has given the peer ``given_addresses``, and us ``received_addresses`` with name servers ``dns``.
    """

    number: int
    name: str
    instance: int
    state: str
    story: str
    life: str
    initiator: bool
    local: Host
    remote: Host
    local_id: str = "%any"
    remote_id: str = "%any"
    cookies: tuple[bytes, bytes] = (bytes(8), bytes(8))
    proposal: str = ""
    auth: str = ""
    xauth_user: str = ""
    established_at: float | None = None
    reauth_at: float | None = None
    event: str = ""
    event_at: float = 0.0
    dpd: bool = False
    replaces: int = 0
    half_open: bool = False
    given_addresses: tuple[Address, ...] = ()
    received_addresses: tuple[Address, ...] = ()
    dns: tuple[Address, ...] = ()
    children: tuple[ChildPicture, ...] = ()
    config: PeerConfig | None = None

    @property
    def established(self) -> bool:
        """Whether phase 1 is over."""
        return self.life in ("ESTABLISHED", "REKEYED")

    @property
    def label(self) -> str:
        """``"rw"[2]``."""
        return f'"{self.name}"' + (f"[{self.instance}]" if self.instance else "")

    def concerns(self, name: str) -> bool:
        """Whether this is its name, or that of one of its IPsec SAs."""
        return name == self.name or any(child.name == name for child in self.children)


class Sa(Protocol):
    """An ISAKMP SA; one thread at a time calls it (``runtime.manager``). Nothing in it blocks for long."""

    @property
    def unique_id(self) -> int:
        """Its number."""

    @property
    def spi_local(self) -> bytes:
        """Our cookie."""

    def begin(self, now: float) -> list[Effect]:
        """What it has to say first when another SA made it."""

    def receive(self, datagram: Datagram, now: float) -> list[Effect]:
        """Handle a message of the peer."""

    def command(self, order: Order, now: float) -> list[Effect]:
        """Carry out what an operator wants."""

    def expire(self, timer: Any, now: float) -> list[Effect]:
        """Handle a timer that was scheduled earlier."""

    def abandon(self, now: float) -> list[Effect]:
        """Give back what it holds, after a failure; nothing goes to the peer."""

    def snapshot(self, now: float) -> Picture:
        """How it stands."""


@dataclass(frozen=True, slots=True)
class Drop:
    """Do nothing but count."""

    counter: str


@dataclass(frozen=True, slots=True)
class Reply:
    """Answer with these octets and count."""

    data: bytes
    counter: str


@dataclass(frozen=True, slots=True)
class Create:
    """Make an ISAKMP SA with this cookie of ours, and let it receive."""

    cookie: bytes


@dataclass(frozen=True, slots=True)
class Dispatch:
    """Let this ISAKMP SA receive it; ``urgent`` where a peer waits for a sign of life."""

    unique_id: int
    urgent: bool = False


Decision = Drop | Reply | Create | Dispatch


class Core(Protocol):
    """IKEv1. The receivers call :meth:`decide`, one at a time; the rest may be called from any."""

    def decide(self, datagram: Datagram, now: float) -> Decision:
        """What to do with a datagram of version 1."""

    def responder(self, unique_id: int, cookie: bytes, datagram: Datagram) -> Sa:
        """A new ISAKMP SA for a peer's first message, which it receives next."""

    def initiator(self, unique_id: int, connection: Connection) -> Sa:
        """A new ISAKMP SA to the peer of a connection; raises ``LocalError`` if there is nowhere to go."""

    def usable(self, connection: Connection) -> int | None:
        """The ISAKMP SA that an IPsec SA of a connection can be made on, ``None`` without one.

        Connections that differ in name and networks only share them.
        """

    def load(self, connection: Connection) -> Sequence[str]:
        """Take a loaded connection in; the answer is what is odd but usable. Raises ``LocalError``."""

    def forget(self, name: str) -> None:
        """Have a connection no more; SAs go on as they were made."""

    def keep(self, connection: Connection) -> None:
        """From now on it is to be up for good (``auto=start``); raises ``LocalError``."""

    def wanted(self, connection: Connection) -> None:
        """An operator wants it up: what was wanted before :meth:`cancel` is wanted again."""

    def cancel(self, label: str) -> bool:
        """An operator took down ``NAME`` or ``NAME[n]``: nothing establishes it unasked from now on.

        Whether it was wanted.
        """

    def route(self, connection: Connection) -> None:
        """Install the connection's traps or its shunt; raises ``LocalError``."""

    def unroute(self, connection: Connection) -> None:
        """Take them back; raises ``LocalError``."""

    def routed(self) -> Sequence[Routed]:
        """The traps and shunts that are installed."""
