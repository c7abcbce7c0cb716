"""The IKEv1 daemon: builds the real things, connects them, starts and stops them. No global state."""

import time
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from cygnet import __version__
from cygnet.base.groups import Group, Level
from cygnet.charon.control.list import ListHandler
from cygnet.charon.facts import Facts as PartsAndFigures
from cygnet.conf.settings import parse_settings
from cygnet.kernel.backends.host import interface_of, local_addresses
from cygnet.keying.backends.stroke import KINDS
from cygnet.pluto.backends.configuration import ShellSettings, load
from cygnet.pluto.backends.connections import Connection, Connections
from cygnet.pluto.control.daemon_verbs import DaemonHandler, DaemonState, levels
from cygnet.pluto.control.dispatch import Handlers
from cygnet.pluto.control.load import Authorities, LoadHandler
from cygnet.pluto.control.public_keys import PublicKeysHandler
from cygnet.pluto.control.sas import SaHandler
from cygnet.pluto.control.server import Limits, whack_server
from cygnet.pluto.control.shared import SharedHandler
from cygnet.pluto.control.smart_cards import SmartCardHandler
from cygnet.pluto.control.status import Facts, StatusHandler
from cygnet.pluto.control.users import UsersHandler
from cygnet.pluto.control.view import View
from cygnet.pluto.jobs.core import Core, Picture, Sa
from cygnet.pluto.jobs.negotiations import Negotiations
from cygnet.pluto.jobs.pictures import with_usage
from cygnet.pluto.jobs.receive import DatagramHandler, Reports
from cygnet.pluto.protocol import Machinery, Protocol, Stores
from cygnet.pluto.sockets import open_for_espd, open_sockets
from cygnet.runtime import paths
from cygnet.runtime.bus.bus import Bus
from cygnet.runtime.bus.configured import add_loggers
from cygnet.runtime.bus.ratelimit import RateLimitedLog
from cygnet.runtime.control_socket import listen
from cygnet.runtime.counters import Counters
from cygnet.runtime.files import FileReader
from cygnet.runtime.manager import Manager
from cygnet.runtime.network.datagrams import Datagram
from cygnet.runtime.performer import EffectPerformer
from cygnet.runtime.queues.events import EventQueue
from cygnet.runtime.queues.jobs import JobQueue
from cygnet.runtime.queues.sends import SendQueue
from cygnet.runtime.sa_index import Keys
from cygnet.runtime.threads.pool import Pool
from cygnet.runtime.threads.receiver import Receivers
from cygnet.runtime.threads.scheduler import Scheduler
from cygnet.runtime.threads.sender import Sender

DELETE_S = 0.5
"""How long a stopping daemon waits until its SAs have told their peers; none confirms it (RFC 2408, 3.15)."""
THREADS_S = 0.3
"""How long each kind of thread may take to end."""
SCRIPTS_S = 2.5
"""How long updown scripts may take when the daemon ends."""


@dataclass(frozen=True, slots=True)
class Invocation:
    """What the command line says. ``ctlbase`` is the control socket without its ``.ctl``, ports 0
    are those of ``strongswan.conf``, and so is what is empty or ``None``."""

    debug: tuple[str, ...] = ()
    stderr: bool = False
    ctlbase: str = ""
    port: int = 0
    port_nat_t: int = 0
    ignored: tuple[str, ...] = ()
    secrets_file: str = ""
    keep_alive_s: float | None = None

    @property
    def settings(self) -> dict[str, object]:
        """Settings of ``strongswan.conf`` that it replaces, by their names here."""
        given = {"stroke_secrets_file": self.secrets_file or None, "keep_alive_s": self.keep_alive_s}
        return {name: value for name, value in given.items() if value is not None}


class Daemon:
    """pluto: the parts, from the outside in. Raises :class:`LocalError` for what it cannot do without.

    ``end`` is called when an operator wants the process to end. ``core`` stands in for IKEv1 in tests.
    """

    def __init__(self, invocation: Invocation, end: Callable[[], None], core: Core | None = None) -> None:
        self._began, self._started_at, self._clock = time.monotonic(), time.time(), time.monotonic
        self._invocation, self._end = invocation, end
        self._counters = Counters()
        self._bus = Bus(self._counters)
        tree = parse_settings(str(paths.strongswan_conf()), FileReader())
        self._settings = _settings(load(tree), invocation)
        debug = {str(group): level for group, level in levels(invocation.debug).items()}
        self._files = add_loggers(self._bus, tree, debug, invocation.stderr, "pluto")
        self._bus.log(Group.DMN, Level.CONTROL, f"Starting IKEv1 pluto daemon (Cygnet {__version__})")
        for problem in tree.problems:
            self._bus.log(Group.DMN, Level.CONTROL, str(problem))
        for option in invocation.ignored:
            self._bus.log(Group.DMN, Level.CONTROL, f"{option} has no effect in this version of pluto")
        self._build_runtime()
        self._build_core(core)
        self._build_control()

    def start(self) -> None:
        """Start the kernel backend, all threads, and last the control socket; raises :class:`LocalError`."""
        if self._protocol is not None:
            self._protocol.start()
        for thread in self._threads:
            thread.start()
        self._pool.start()
        self._control.start()
        self._bus.log(Group.DMN, Level.CONTROL, self._pool.statistics().describe(len(self._events)))

    def stop(self) -> None:
        """Delete the SAs at the peers, then end everything."""
        self._bus.log(Group.DMN, Level.AUDIT, "shutting down")
        if self._protocol is not None:
            self._protocol.reconciler.stop()
        self._negotiations.forget((number, 0) for number in self._manager.unique_ids())
        self._manager.wait_empty(DELETE_S)
        self._control.close(THREADS_S)
        self._pool.stop(THREADS_S)
        for thread in self._threads:
            thread.stop(THREADS_S)
        if self._protocol is not None:
            self._protocol.stop()
        self._stores.tokens.close()
        self._socket.close()
        self._bus.close(SCRIPTS_S if self._bus.waiting().get("bus updown") else THREADS_S)

    def reopen_logs(self) -> None:
        """After rotation (SIGHUP)."""
        for file in self._files:
            file.reopen()

    def _build_runtime(self) -> None:
        settings, clock, bus = self._settings, self._clock, self._bus
        self._socket = open_sockets(settings, self._counters, local_addresses)
        bus.log(Group.NET, Level.CONTROL, f"using {self._socket.kind} IKE sockets")
        self._jobs = JobQueue(settings.threads, (0, 1, 0, 0), settings.receive_queue, self._counters)
        self._pool = Pool(self._jobs, self._report)
        self._events = EventQueue(clock, settings.event_queue, self._counters)
        queue = SendQueue(settings.send_queue, self._counters)
        self._sender = Sender(queue, self._socket, self._report, self._counters, self._refused)
        self._performer = EffectPerformer(self._sender, self._events, bus, self._counters, clock)
        self._performer.name = lambda sa: f"ISAKMP SA #{sa.unique_id}"
        self._manager: Manager[Sa] = Manager(
            self._jobs, self._performer, _keys, clock, self._counters,
            sa_limit=settings.sa_limit, mailbox_limit=settings.mailbox,
        )  # fmt: skip
        self._performer.expire = self._manager.expire
        self._connections = Connections(local_addresses)

    def _build_core(self, core: Core | None) -> None:
        bus, clock = self._bus, self._clock
        self._protocol: Protocol | None = None
        self._stores = Stores(bus, self._invocation.settings)
        if core is None:
            machinery = Machinery(
                self._manager, self._jobs, self._events, bus, self._socket,
                partial(open_for_espd, self._socket), clock,
            )  # fmt: skip
            self._protocol = Protocol(machinery, self._stores, self._connections)
            self._performer.react = self._protocol.reactions
            self._performer.gone = self._protocol.gone
            core = self._protocol.core
        self._core = core
        self._negotiations = Negotiations(self._core, self._manager, self._connections, bus, clock)
        reports = Reports(RateLimitedLog(bus, clock), self._counters, clock)
        self._handler = DatagramHandler(self._core, self._manager, self._sender, reports)
        receivers = Receivers(self._socket, self._handler, self._jobs, self._report)
        self._threads = (Scheduler(self._events, self._report), self._sender, *receivers.threads)

    def _build_control(self) -> None:
        parts = ("pluto", "openssl", "x509", "xauth-generic", f"socket-{self._socket.kind}", "whack")
        state = DaemonState(debug=tuple(word for word in self._invocation.debug if word != "none"))
        facts = Facts(
            (self._socket.port, self._socket.port_nat_t), local_addresses, interface_of,
            parts, self._counters.snapshot, self._clock,
        )  # fmt: skip
        banner = f"Status of IKEv1 pluto daemon (Cygnet {__version__}):"
        view = View(
            self._clock, banner, self._began, self._started_at, self._core.routed, self._stores.pools.pools
        )
        authorities = Authorities(self._stores.credentials)
        handlers = Handlers(
            status=StatusHandler(self._connections, self._pictures, state, facts, view),
            load=LoadHandler(self._connections, self._negotiations, self._core),
            authorities=authorities,
            sas=SaHandler(self._connections, self._negotiations, self._core, lambda: state.listening),
            daemon=DaemonHandler(
                state, self._listen_to_peers, self._bus.set_level, self._end, self._reread,
                self._stores.impaired,
            ),
            shared=self._shared_handler(parts),
            users=self._users_handler(),
            public_keys=PublicKeysHandler(self._stores.peer_keys),
            smart_cards=SmartCardHandler(self._stores.credentials.private_keys),
        )
        base = self._invocation.ctlbase
        listener = listen(Path(base + ".ctl") if base else paths.pluto_ctl())
        log = partial(self._bus.log, Group.CFG)
        self._control = whack_server(listener, handlers.table(), Limits(self._settings.max_clients), log)

    def _users_handler(self) -> UsersHandler:
        def is_user(connection: Connection) -> bool:
            return self._protocol is not None and self._protocol.configs.of(connection).is_user

        return UsersHandler(self._connections, self._stores.credentials.users, is_user)

    def _shared_handler(self, parts: tuple[str, ...]) -> SharedHandler:
        stores, negotiations = self._stores, self._negotiations
        facts = PartsAndFigures(
            __version__, self._started_at, self._began, self._clock, self._pool, self._events,
            lambda: tuple(local_addresses()), parts,
        )  # fmt: skip
        lists = ListHandler(stores.credentials, facts, time.time)
        return SharedHandler(stores.pools, lists, stores.credentials, negotiations.end_childless)

    def _pictures(self) -> Sequence[Picture]:
        """All ISAKMP SAs, their IPsec SAs with what the kernel counted."""
        if self._protocol is None:
            return self._manager.snapshots()
        return with_usage(self._manager.snapshots, self._protocol.kernel)

    def _reread(self, kinds: frozenset[str]) -> Sequence[str]:
        wanted = KINDS if "all" in kinds else kinds & KINDS
        return self._stores.credentials.reread(wanted)[0]

    def _listen_to_peers(self, wanted: bool) -> None:
        self._handler.listening = wanted

    def _report(self, name: str, error: BaseException) -> None:
        trace = "".join(traceback.format_exception(error)).rstrip()
        self._bus.log(Group.DMN, Level.AUDIT, f"{name} failed unexpectedly\n{trace}")

    def _refused(self, datagram: Datagram, error: OSError) -> None:
        target = datagram.destination.with_brackets()
        self._bus.log(Group.NET, Level.CONTROL, f"error writing to socket for {target}: {error.strerror}")


def _settings(settings: ShellSettings, invocation: Invocation) -> ShellSettings:
    """With the ports of the command line, if it names any."""
    port, port_nat_t = invocation.port or settings.port, invocation.port_nat_t or settings.port_nat_t
    return replace(settings, port=port, port_nat_t=port_nat_t)


def _keys(picture: Picture) -> Keys:
    ids = (picture.local_id, picture.remote_id) if picture.established else None
    spis = frozenset(spi for child in picture.children for spi in (child.spi_in, child.spi_out) if spi)
    return Keys(picture.name, ids, picture.remote.address if picture.half_open else None, spis)


