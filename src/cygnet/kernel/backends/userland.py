"""The kernel port over ``espd``: requests with deadlines, events on a thread of their own.

When espd goes away every request fails at once, the connection is tried again, and a new espd (or the
old one, come back) is greeted; the daemon hears :class:`KernelReset` if what it installed is gone.
"""

import queue
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from cygnet.base.addresses import Address
from cygnet.kernel.backends import host, together
from cygnet.kernel.backends.host_watch import HostWatch
from cygnet.kernel.backends.spi_stock import SPIS, SpiStock
from cygnet.kernel.backends.userland_link import Link
from cygnet.kernel.backends.userland_wire import (
    ANOTHER_RUNS,
    PAGE,
    AcquireFailed,
    AddAddress,
    AddPolicy,
    AddSa,
    AllocateSpi,
    Bye,
    DeleteAddress,
    DeletePolicy,
    DeleteSa,
    Failed,
    Greeting,
    HandOver,
    Inspect,
    Install,
    Inventory,
    QuerySa,
    Remove,
    Reply,
    Request,
    SaStatus,
    Spis,
    UpdateSa,
)
from cygnet.kernel.port import (
    Difference,
    Direction,
    DropCount,
    Encapsulation,
    Features,
    Interface,
    InterfaceSpec,
    IpProtocol,
    KernelError,
    KernelEvent,
    KernelReset,
    KernelView,
    PolicyMove,
    PolicySpec,
    SaId,
    SaMove,
    SaSpec,
    SaView,
    Usage,
)

START_S = 10.0
"""How long ``start`` waits for espd to listen."""
TOGETHER = 256
"""Policies in one message; each takes about 200 octets of :data:`userland_wire.MAX_MESSAGE`."""
_RETRY_S = 0.1
_JOIN_S = 2.0
_EVENTS = 4096
_UNKNOWN = Features("userland", frozenset(), frozenset(), frozenset())

Log = Callable[[int, str], None]
"""Level and text of a line for log group KNL."""


@dataclass(frozen=True, slots=True)
class EspdAccess:
    """Where espd is and what it gets from us.

    ``owner`` names this daemon there. ``sockets`` are ESP-in-UDP sockets to hand over (``esp4``, ``esp6``:
    descriptors), where espd does not inherit its own; with ``yields`` only if it has none of another daemon.
    ``spawn``: nobody else starts espd, so we do.
    """

    path: Path
    owner: str
    sockets: Mapping[str, int] = field(default_factory=dict)
    spawn: bool = False
    yields: bool = False


def take_back_sockets(path: Path) -> bool:
    """Have a running espd close its ESP-in-UDP sockets, so that their port can be bound; False without one.

    For a daemon that opens the port itself: an earlier run of it left them there, for traffic to go on.
    """
    try:
        link = Link(path, lambda event: None)
    except OSError:
        return False
    try:
        return not isinstance(link.ask(HandOver(())), Failed)
    except KernelError:
        return False
    finally:
        link.close()


class UserlandKernel:
    """Client of the espd that listens on ``access.path``."""

    def __init__(self, access: EspdAccess, log: Log) -> None:
        self._access = access
        self._log = log
        self._sockets = dict(access.sockets)
        self._children: list[subprocess.Popen[bytes]] = []
        self._link: Link | None = None
        self._spis = SpiStock()
        self._greeting = Greeting("", _UNKNOWN)
        self._events: queue.Queue[KernelEvent | None] = queue.Queue(_EVENTS)
        self._stop = threading.Event()
        self._threads: list[threading.Thread] = []
        self._watch = HostWatch()
        self._virtual: Counter[tuple[Address, str]] = Counter()

    @property
    def features(self) -> Features:
        """What espd said it can do."""
        return self._greeting.features

    def start(self, listener: Callable[[KernelEvent], None]) -> None:
        """Connect, flush what this owner left, deliver events. Raises :class:`KernelError` without espd."""
        if not self._access.path.exists() or not self._try_connect(flush=True):
            self._start_espd()
        waited = 0.0
        while self._link is None and not self._try_connect(flush=True):
            ended = self._children[-1].poll() if self._children else None
            if ended not in (None, ANOTHER_RUNS) or waited >= START_S or self._stop.wait(_RETRY_S):
                raise KernelError(f"espd does not listen on {self._access.path}{self._last_words()}")
            waited += _RETRY_S
        self._run("kernel-events", self._deliver, listener)
        self._run("kernel-link", self._keep_connected)
        self._run("kernel-addresses", self._watch_addresses)

    def close(self, flush: bool) -> None:
        """Say goodbye and end the threads."""
        if self._link is not None and not self._stop.is_set():
            try:
                self._ask(Bye(flush))
            except KernelError as error:
                self._log(1, f"espd was not told of our end: {error}")
        self._stop.set()
        if self._link is not None:
            self._link.close()
        self._put(None)
        self._watch.wake()
        for thread in self._threads:
            if thread is not threading.current_thread():
                thread.join(_JOIN_S)
        self._watch.close()

    def allocate_spi(self, source: Address, destination: Address, protocol: IpProtocol) -> int:
        """A reserved SPI."""
        request = AllocateSpi(source, destination, protocol, SPIS)
        if protocol is not IpProtocol.ESP:
            return self._reserve(request)[0]  # espd says why not
        return self._spis.take(partial(self._reserve, request))

    def _reserve(self, request: AllocateSpi) -> tuple[int, ...]:
        reply = self._ask(request)
        if not isinstance(reply, Spis):
            raise KernelError("espd answered an SPI request with something else")
        return reply.spis

    def allocate_cpi(self, source: Address, destination: Address) -> int:
        """Refused: espd has no IPComp."""
        what = "espd does not compress (IPComp)"
        raise KernelError(f"{what}; the kernel's own IPsec does (charon.kernel = xfrm)")

    def release_cpi(self, source: Address, destination: Address, cpi: int) -> None:
        """There is none."""

    def add_sa(self, spec: SaSpec) -> None:
        """Install an SA."""
        self._ask(AddSa(spec))

    def update_sa(self, id: SaId, new: SaId, encapsulation: Encapsulation | None) -> None:
        """Move an SA."""
        self._ask(UpdateSa(id, new, encapsulation))

    def migrate(self, sas: tuple[SaMove, ...], policies: tuple[PolicyMove, ...]) -> None:
        """Move all or none, one by one."""
        together.migrate(self, sas, policies)

    def delete_sa(self, id: SaId) -> None:
        """Remove an SA or a reservation."""
        self._ask(DeleteSa(id))

    def query_sa(self, id: SaId) -> Usage:
        """What an SA has carried."""
        reply = self._ask(QuerySa(id))
        if not isinstance(reply, Usage):
            raise KernelError("espd answered a query with something else")
        return reply

    def add_policy(self, spec: PolicySpec) -> None:
        """Install or count a policy."""
        if _wanted((spec,)):
            self._ask(AddPolicy(spec))

    def delete_policy(self, spec: PolicySpec) -> None:
        """Take back one use of a policy."""
        if _wanted((spec,)):
            self._ask(DeletePolicy(spec))

    def install(self, sas: tuple[SaSpec, ...], policies: tuple[PolicySpec, ...]) -> None:
        """In one request, unless there are very many policies."""
        parts = _parts(_wanted(policies))
        self._ask(Install(sas, parts[0]))
        for done, part in enumerate(parts[1:], 1):
            try:
                self._ask(Install((), part))
            except KernelError:
                installed = tuple(spec for before in parts[:done] for spec in before)
                self.remove(installed, tuple(spec.id for spec in sas))
                raise

    def remove(self, policies: tuple[PolicySpec, ...], sas: tuple[SaId, ...]) -> None:
        """In one request, unless there are very many policies."""
        *parts, last = _parts(_wanted(policies))
        for part in parts:
            self._ask(Remove(part, ()))
        self._ask(Remove(last, sas))

    def add_address(self, address: Address, device: str) -> None:
        """Give this host an address."""
        self._virtual[address, device] += 1
        try:
            self._ask(AddAddress(address, device))
        except KernelError:
            self._forget_address(address, device)
            raise

    def delete_address(self, address: Address, device: str) -> None:
        """Take back one use of an address."""
        self._forget_address(address, device)
        self._ask(DeleteAddress(address, device))

    def _forget_address(self, address: Address, device: str) -> None:
        self._virtual[address, device] -= 1
        if self._virtual[address, device] <= 0:
            self._virtual.pop((address, device), None)

    def virtual_addresses(self) -> frozenset[Address]:
        """Those that espd gave this host for us."""
        return frozenset(address for address, _ in tuple(self._virtual))

    def acquire_failed(self, reqid: int) -> None:
        """Let packets ask again soon."""
        self._ask(AcquireFailed(reqid))

    def open_interface(self, spec: InterfaceSpec) -> Interface:
        """Refused: espd has one TUN device for all."""
        raise KernelError("espd has one interface for all (interface=no); the kernel's IPsec can have more")

    def close_interface(self, interface: Interface) -> None:
        """There is none."""

    def view(self) -> KernelView:
        """What espd holds."""
        pages = self._pages()
        return KernelView(
            "userland",
            tuple(self._sa_view(one) for page in pages for one in page.sas),
            tuple(line for page in pages for line in page.policies),
            tuple(line for page in pages for line in page.routes),
            reservations=pages[-1].reservations,
            policy_count=pages[-1].total_policies,
            drops=pages[-1].drops,
        )

    def check(self, repair: bool) -> tuple[Difference, ...]:
        """None: only our requests change what espd holds, and its restart is told (:class:`KernelReset`)."""
        return ()

    def _sa_view(self, one: SaStatus) -> SaView:
        ours = one.owner == self._access.owner
        return SaView(one.id, ours, one.reqid, one.mode, one.usage, one.encapsulation, one.mark)

    def _pages(self) -> list[Inventory]:
        pages = [self.inventory()]
        while len(pages) * PAGE < max(pages[-1].total_sas, pages[-1].total_policies, pages[-1].total_routes):
            pages.append(self.inventory(len(pages) * PAGE))
        return pages

    def drops(self) -> tuple[DropCount, ...]:
        """What espd has dropped for everybody."""
        return self.inventory(most=0).drops

    def inventory(self, offset: int = 0, most: int = PAGE) -> Inventory:
        """What espd holds for everybody."""
        reply = self._ask(Inspect(offset, most))
        if not isinstance(reply, Inventory):
            raise KernelError("espd answered an inspection with something else")
        return reply

    def hand_over(self, sockets: dict[str, int]) -> None:
        """Give espd ESP-in-UDP sockets (``esp4``, ``esp6``), in place of others; later espds get them too."""
        self._sockets = dict(sockets)
        self._ask(HandOver(tuple(sockets)), tuple(sockets.values()))

    def source_address(self, destination: Address) -> Address | None:
        """The address this host uses towards ``destination`` outside all tunnels."""
        return host.source_address(destination)

    def local_addresses(self) -> tuple[Address, ...]:
        """This host's addresses."""
        return host.local_addresses()

    def _ask(self, request: Request, descriptors: tuple[int, ...] = ()) -> Reply:
        link = self._link
        if link is None:
            raise KernelError("espd is not running")
        reply = link.ask(request, descriptors)
        if isinstance(reply, Failed):
            raise KernelError(reply.reason)
        return reply

    def _try_connect(self, flush: bool) -> bool:
        """Greet an espd; tell the daemon if it knows nothing of us any more."""
        try:
            link = Link(self._access.path, self._put)
        except OSError:
            return False
        try:
            greeting = link.greet(self._access.owner, flush)
            if self._sockets:
                offered = HandOver(tuple(self._sockets), self._access.yields)
                reply = link.ask(offered, tuple(self._sockets.values()))
                if isinstance(reply, Failed):
                    self._log(1, f"espd did not take our ESP-in-UDP sockets: {reply.reason}")
        except KernelError as error:
            self._log(1, f"espd did not welcome us: {error}")
            link.close()
            return False
        if not isinstance(greeting, Greeting):
            self._log(1, f"espd did not welcome us: {getattr(greeting, 'reason', greeting)}")
            link.close()
            return False
        known = self._greeting.instance
        self._spis.forget()
        self._greeting, self._link = greeting, link
        if known and known != greeting.instance:
            self._log(1, "espd has restarted and holds nothing of ours")
            self._restore_addresses(link)
            self._put(KernelReset())
        return True

    def _restore_addresses(self, link: Link) -> None:
        """IKE_SAs make their CHILD_SAs anew, but have their addresses already."""
        for (address, device), users in tuple(self._virtual.items()):
            for _ in range(users):
                reply = link.ask(AddAddress(address, device))
                if isinstance(reply, Failed):
                    self._log(1, f"installing virtual IP {address} failed: {reply.reason}")

    def _start_espd(self) -> None:
        if not self._access.spawn:
            return
        self._log(1, "no espd listens, starting one")
        self._children = [child for child in self._children if child.poll() is None]
        command = [sys.executable, "-m", "cygnet.espd.main", "--socket", str(self._access.path)]
        try:
            with self._espd_log.open("wb") as log:
                self._children.append(
                    subprocess.Popen(
                        command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
                    )
                )
        except OSError as error:
            self._log(1, f"espd cannot be started: {error}")

    @property
    def _espd_log(self) -> Path:
        return self._access.path.with_suffix(".log")

    def _last_words(self) -> str:
        """What an espd that we started said last."""
        if not self._children:
            return ""
        try:
            lines = self._espd_log.read_text("utf-8", "replace").splitlines()
        except OSError:
            return ""
        return f" ({lines[-1]})" if lines else ""

    def _keep_connected(self) -> None:
        while not self._stop.is_set():
            link = self._link
            if link is not None:
                link.wait_closed()
                self._link = None
                if not self._stop.is_set():
                    self._log(1, "connection to espd lost")
                    self._start_espd()
            if not self._try_connect(flush=False):
                self._stop.wait(_RETRY_S)

    def _deliver(self, listener: Callable[[KernelEvent], None]) -> None:
        while (event := self._events.get()) is not None:
            try:
                listener(event)
            except Exception as error:
                self._log(1, f"kernel event {type(event).__name__} failed: {error!r}")

    def _watch_addresses(self) -> None:
        while (change := self._watch.wait()) is not None:
            self._put(change)

    def _put(self, event: KernelEvent | None) -> None:
        try:
            self._events.put_nowait(event)
        except queue.Full:
            self._log(1, f"event queue is full, {type(event).__name__} lost")

    def _run(self, name: str, target: Callable[..., None], *arguments: object) -> None:
        thread = threading.Thread(target=target, args=arguments, name=name, daemon=True)
        self._threads.append(thread)
        thread.start()


def _parts(policies: tuple[PolicySpec, ...]) -> list[tuple[PolicySpec, ...]]:
    """So many at a time as one message surely holds; one part at least."""
    starts = range(0, max(1, len(policies)), TOGETHER)
    return [policies[start : start + TOGETHER] for start in starts]


def _wanted(policies: tuple[PolicySpec, ...]) -> tuple[PolicySpec, ...]:
    """Those that espd needs: it forwards what an IN policy lets in."""
    return tuple(spec for spec in policies if spec.direction is not Direction.FORWARD)
