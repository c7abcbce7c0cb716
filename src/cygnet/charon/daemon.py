"""The IKEv2 daemon: builds the real things, connects them, starts and stops them. No global state."""

import secrets
import time
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial

from cygnet import __version__
from cygnet.base.addresses import Address
from cygnet.base.groups import Group, Level
from cygnet.charon import facts
from cygnet.charon.backends.manager import BackendManager, chosen
from cygnet.charon.backends.told import Told
from cygnet.charon.control.counters import CountersHandler
from cygnet.charon.control.dispatch import Handlers
from cygnet.charon.control.export import ExportHandler
from cygnet.charon.control.following import Follower
from cygnet.charon.control.initiate import InitiateHandler
from cygnet.charon.control.kernel import KernelHandler
from cygnet.charon.control.leases import LeasesHandler
from cygnet.charon.control.list import CERTIFICATES, ListHandler
from cygnet.charon.control.load import LoadHandler
from cygnet.charon.control.loglevel import LogLevelHandler
from cygnet.charon.control.memusage import MemUsageHandler
from cygnet.charon.control.purge import PurgeHandler
from cygnet.charon.control.rekey import RekeyHandler
from cygnet.charon.control.reread import RereadHandler
from cygnet.charon.control.route import RouteHandler, UnrouteHandler
from cygnet.charon.control.server import Limits, stroke_server
from cygnet.charon.control.status import StatusHandler
from cygnet.charon.control.terminate import TerminateHandler
from cygnet.charon.control.user_credentials import UserCredentialsHandler
from cygnet.charon.jobs.addresses import Interfaces, UsableAddresses
from cygnet.charon.jobs.contacts import Contacts
from cygnet.charon.jobs.ike_counters import IkeCounters
from cygnet.charon.jobs.initiation import Initiation
from cygnet.charon.jobs.installed import Installed
from cygnet.charon.jobs.kernel_events import KernelEvents
from cygnet.charon.jobs.loading import Loading
from cygnet.charon.jobs.negotiations import Negotiations
from cygnet.charon.jobs.reactions import Reactions
from cygnet.charon.jobs.receive import DatagramHandler, DropReports, InterfaceFilter
from cygnet.charon.jobs.reconciler import Reconciler
from cygnet.charon.jobs.roaming import Roaming
from cygnet.charon.jobs.workplace import Workplace
from cygnet.charon.memory import Holdings
from cygnet.charon.sa.endpoint import Endpoint
from cygnet.charon.sa.ike_sa import IkeSa
from cygnet.charon.sa.orders import TerminateIke
from cygnet.charon.sa.ports import Ports
from cygnet.charon.sa.snapshot import IkeSnapshot
from cygnet.charon.sockets import open_sockets
from cygnet.kernel.backends.factory import choose
from cygnet.kernel.backends.host import interface_of, local_addresses
from cygnet.kernel.backends.interfaces import has_route, placed_addresses
from cygnet.kernel.port import AddressChange, Expire, Kernel, SaId
from cygnet.keying.backends import address_claims
from cygnet.keying.backends.configuration import StrongswanConf
from cygnet.keying.backends.environment import Environment
from cygnet.keying.backends.resolver import Resolver
from cygnet.keying.backends.saved_keys import saved_keys
from cygnet.keying.backends.stroke import Host, StrokeBackend
from cygnet.keying.backends.stroke_files import Places
from cygnet.keying.data_plane import Owner, open_data_plane
from cygnet.keying.hosts import ends
from cygnet.keying.name_servers import NameServers
from cygnet.keying.numbers import Numbers
from cygnet.keying.traps import Traps
from cygnet.keying.updown import Updown
from cygnet.runtime import paths
from cygnet.runtime.bus.bus import Bus
from cygnet.runtime.bus.configured import add_loggers
from cygnet.runtime.bus.ratelimit import RateLimitedLog
from cygnet.runtime.control_socket import listen
from cygnet.runtime.counters import Counters
from cygnet.runtime.fetching.fetcher import Fetcher, FetchLimits
from cygnet.runtime.files import FileReader
from cygnet.runtime.manager import SA_LIMIT, Manager
from cygnet.runtime.name_servers import keeper_of
from cygnet.runtime.network.datagrams import Datagram
from cygnet.runtime.performer import EffectPerformer
from cygnet.runtime.queues.events import EventQueue
from cygnet.runtime.queues.jobs import JobQueue
from cygnet.runtime.queues.sends import SendQueue
from cygnet.runtime.sa_index import Keys
from cygnet.runtime.scripts import run_script
from cygnet.runtime.threads.pool import Pool
from cygnet.runtime.threads.receiver import Receivers
from cygnet.runtime.threads.scheduler import Scheduler
from cygnet.runtime.threads.sender import Sender
from cygnet.runtime.tokens.tokens import Tokens, modules_of

DELETE_S = 1.2
"""How long a stopping daemon waits for its peers to confirm that SAs are deleted."""
THREADS_S = 0.3
"""How long each kind of thread may take to end."""
SCRIPTS_S = 2.5
"""How long updown scripts may take when the daemon ends."""
HALF_OPEN = ("CREATED", "CONNECTING")


@dataclass(frozen=True, slots=True)
class Invocation:
    """What the command line says: log levels by group, whether to log on standard error too."""

    debug: Mapping[str, int]
    stderr: bool = False


class Daemon:
    """charon: the parts, from the outside in. Raises :class:`LocalError` for what it cannot do without."""

    def __init__(self, invocation: Invocation) -> None:
        self._began, self._started_at = time.monotonic(), time.time()
        self._counters = Counters()
        self._bus = Bus(self._counters)
        self._reader = FileReader()
        conf = StrongswanConf(paths.strongswan_conf(), self._reader)
        self._settings = conf.settings
        self._told = Told(conf.settings, conf.tree.items)
        self._tokens = Tokens(modules_of(conf.tree, "charon"))
        self._files = add_loggers(self._bus, conf.tree, invocation.debug, invocation.stderr)
        self._report_conf(conf)
        self._build_runtime()
        self._build_network_and_kernel()
        self._build_core()
        self._build_control()

    def start(self) -> None:
        """Start the kernel backend, all threads, and last the control socket; raises :class:`LocalError`."""
        self._kernel.start(self._kernel_events)
        for thread in self._threads:
            thread.start()
        self._pool.start()
        self._control.start()
        self._bus.log(Group.DMN, Level.CONTROL, self._pool.statistics().describe(len(self._events)))

    def stop(self) -> None:
        """Delete the SAs at the peers, as far as they answer in time, then end everything."""
        self._bus.log(Group.DMN, Level.AUDIT, "SIGTERM received, shutting down")
        self._reactions.stop()
        for number in self._manager.unique_ids():
            self._place.order(number, TerminateIke(reason="shutting down"))
        if not self._manager.wait_empty(DELETE_S):
            self._bus.log(Group.DMN, Level.CONTROL, f"{len(self._manager)} IKE_SAs end without an answer")
        self._control.close(THREADS_S)
        self._pool.stop(THREADS_S)
        for thread in self._threads:
            thread.stop(THREADS_S)
        self._tokens.close()
        self._kernel.close(flush=True)
        self._socket.close()
        for sock in self._esp_sockets.values():
            sock.close()
        self._bus.close(SCRIPTS_S if self._bus.waiting().get("bus updown") else THREADS_S)

    def reopen_logs(self) -> None:
        """After rotation (SIGHUP)."""
        for file in self._files:
            file.reopen()

    def _build_runtime(self) -> None:
        settings = self._settings
        reserved = (
            settings.critical_threads,
            settings.high_threads,
            settings.medium_threads,
            settings.low_threads,
        )
        self._jobs = JobQueue(settings.threads, reserved, settings.receive_queue, self._counters)
        self._events = EventQueue(time.monotonic, settings.event_queue, self._counters)
        self._sends = SendQueue(settings.send_queue, self._counters)
        self._pool = Pool(self._jobs, self._report)

    def _build_network_and_kernel(self) -> None:
        settings, log = self._settings, partial(self._bus.log, Group.KNL)
        chosen = choose(settings.kernel, log)
        with_espd = chosen == "userland"
        self._socket, self._esp_sockets = open_sockets(
            settings, self._counters, local_addresses, with_espd=with_espd
        )
        self._bus.log(Group.NET, Level.CONTROL, f"using {self._socket.kind} IKE sockets")
        if not with_espd and not self._socket.enable_udp_encapsulation():
            self._bus.log(Group.KNL, Level.CONTROL, "the kernel does not take ESP out of UDP (RFC 3948)")
        inherited = self._socket.kind == "inherited"
        descriptors = {name: sock.fileno() for name, sock in self._esp_sockets.items()}
        owner = Owner("charon", paths.charon_xfrm(), not inherited, descriptors)
        self._kernel: Kernel = open_data_plane(chosen, settings, owner, log)

    def _build_core(self) -> None:
        settings, clock = self._settings, time.monotonic
        self._sender = Sender(self._sends, self._socket, self._report, self._counters, self._refused)
        performer = EffectPerformer(self._sender, self._events, self._bus, self._counters, clock)
        performer.name = lambda sa: f"IKE_SA {sa.name}[{sa.unique_id}]"
        self._manager: Manager[IkeSa] = Manager(
            self._jobs, performer, _keys, clock, self._counters,
            sa_limit=settings.ikesa_limit or SA_LIMIT, mailbox_limit=settings.mailbox,
        )  # fmt: skip
        self._ike_counters = IkeCounters(self._connection_of)
        resolver = Resolver()
        limits = FetchLimits(
            settings.revocation_timeout_s, settings.revocation_max_fetches, settings.revocation_failure_s,
            settings.curl_redirects,
        )  # fmt: skip
        environment = Environment(self._reader, time.time, self._bus.log, Fetcher(limits), self._tokens)
        host = Host(
            environment, resolver, self._is_local, lambda: self._kernel.features,
            address_claims.open_claims(partial(self._bus.log, Group.CFG)),
        )  # fmt: skip
        self._stroke = StrokeBackend(
            Places.below(paths.confdir(), settings.stroke_secrets_file), settings, host
        )
        stores = chosen(settings.backends, [self._stroke.connections])
        self._backends = BackendManager(
            stores, [self._stroke.credentials], [self._stroke.connections], [self._stroke.pools],
            self._told.attributes,
        )  # fmt: skip
        numbers = Numbers(self._manager.next_unique_id, settings.reqid_base)
        self._installed = Installed()
        self._interfaces = Interfaces(settings.interfaces_use, settings.interfaces_ignore)
        self._addresses = UsableAddresses(
            self._interfaces, placed_addresses, self._kernel.source_address, has_route,
            self._kernel.virtual_addresses,
        )  # fmt: skip
        ports = Ports(
            self._backends, self._backends, self._kernel, numbers, secrets.token_bytes, settings,
            Contacts(self._manager, self._installed,
                     lambda ike: ends(ike, resolver.resolve, self._addresses.source)),
            self._addresses,
            self._backends,
            key_log=saved_keys(settings, partial(self._bus.log, Group.ENC)),
        )  # fmt: skip
        self._place = Workplace(
            self._manager, ports, numbers, self._bus, self._jobs, self._events, resolver.resolve,
            self._backends, clock,
        )  # fmt: skip
        self._traps = Traps(self._kernel, numbers, resolver.resolve, self._bus)
        self._build_jobs(performer)

    def _build_jobs(self, performer: EffectPerformer) -> None:
        place, installed = self._place, self._installed
        reconciler = Reconciler(place, Initiation(place), self._traps, installed)
        self._reactions = Reactions(place, reconciler, installed)
        self._negotiations, self._loading = (
            Negotiations(place, reconciler),
            Loading(self._stroke, reconciler, place),
        )
        reactions = self._reactions
        performer.react, performer.gone = reactions, lambda sa: reactions.retired(sa.unique_id)
        performer.expire, performer.count = self._manager.expire, self._ike_counters
        self._roaming = Roaming(
            self._settings, self._events, self._bus, place.order, self._manager.unique_ids, place.clock
        )
        self._kernel_events = KernelEvents(place, reconciler, self._traps, installed, self._moved)
        updown = Updown(self._manager.snapshot, interface_of, run_script, self._bus.log, self._device)
        self._bus.listen(updown, events=updown.wants)
        if self._settings.resolve_load:
            keeper = keeper_of(self._settings, run_script)
            servers = NameServers(keeper, interface_of, self._bus.log)
            self._bus.listen(servers, events=servers.wants)
        endpoint = Endpoint(self._settings, self._manager, secrets.token_bytes)
        log = RateLimitedLog(self._bus, place.clock)
        reports = DropReports(log, self._counters, self._ike_counters, place.clock)
        handler = DatagramHandler(endpoint, self._manager, place.ports, self._jobs, self._sender, reports)
        accept = InterfaceFilter(handler, self._addresses.is_ignored, reports)
        handle = handler if self._interfaces.all_used else accept
        receivers = Receivers(self._socket, handle, self._jobs, self._report)
        self._threads = (Scheduler(self._events, self._report), self._sender, *receivers.threads)

    def _build_control(self) -> None:
        settings = self._settings
        about = facts.Facts(
            __version__, self._started_at, self._began, self._place.clock, self._pool, self._events,
            self._addresses.usable, facts.parts(self._socket.kind, self._kernel.features.name),
        )  # fmt: skip
        follower = Follower(self._place.clock, settings.stroke_timeout_s)
        terminate = TerminateHandler(self._manager, self._negotiations, follower)
        handlers = Handlers(
            status=StatusHandler(
                self._manager, self._backends, self._traps, self._kernel, about, self._backends,
                self._place.clock,
            ),
            lists=ListHandler(self._stroke, about, time.time),
            initiate=InitiateHandler(
                self._backends, self._negotiations, follower, self._addresses.source
            ),
            terminate=terminate,
            rekey=RekeyHandler(self._manager, self._negotiations, follower),
            route=RouteHandler(self._backends, self._traps),
            unroute=UnrouteHandler(self._traps),
            load=LoadHandler(self._loading),
            reread=RereadHandler(self._stroke),
            purge=PurgeHandler(self._stroke, terminate),
            loglevel=LogLevelHandler(self, settings.stroke_prevent_loglevel_changes),
            kernel=KernelHandler(self._kernel, self._manager, self._renew),
            leases=LeasesHandler(self._backends),
            counters=CountersHandler(self._ike_counters),
            export=ExportHandler(self._stroke, self._manager),
            memusage=MemUsageHandler(self._holdings()),
            users=UserCredentialsHandler(self._backends, self._stroke.users),
        )  # fmt: skip
        limits = Limits(settings.stroke_max_clients, settings.stroke_max_concurrent)
        listener = listen(paths.charon_ctl())
        self._control = stroke_server(listener, handlers.table(), limits, partial(self._bus.log, Group.CFG))

    def _renew(self, lost: SaId) -> None:
        """An SA has gone from the kernel: as if it had expired."""
        self._kernel_events(Expire(lost, hard=True))

    def _holdings(self) -> Holdings:
        manager = self._manager

        def listed(kind: str) -> int:
            return len(self._stroke.listed(kind))

        tables: dict[str, Callable[[], int]] = {
            "IKE_SAs": lambda: len(manager),
            "half-open IKE_SAs": manager.half_open,
            "CHILD_SAs": lambda: sum(len(sa.children) for sa in manager.snapshots()),
            "traps and shunts": lambda: len(self._traps.installed()),
            "connections": lambda: sum(len(peer.children) for peer in self._backends.peers()),
            "connections with counters": lambda: len(self._ike_counters.names()),
            "counts of other connections lost": lambda: self._ike_counters.refused,
            **{kind: partial(listed, kind) for kind in CERTIFICATES},
        }

        def queues() -> dict[str, int]:
            jobs = zip(("critical", "high", "medium", "low"), self._jobs.lengths(), strict=True)
            named = {f"jobs, {priority}": length for priority, length in jobs}
            return {**named, "timers": len(self._events), "sends": len(self._sends), **self._bus.waiting()}

        return Holdings(tables, queues, self._counters.snapshot)

    def set_level(self, group: str, level: int) -> None:
        """``stroke loglevel``."""
        self._bus.set_level(None if group == "any" else Group(group), level)

    def _moved(self, change: AddressChange) -> None:
        """On the kernel's thread."""
        self._addresses.changed()
        self._roaming(change)

    def _connection_of(self, ike_id: int) -> str:
        snapshot = self._manager.snapshot(ike_id)
        return snapshot.name if snapshot is not None else ""

    def _device(self) -> str:
        return self._kernel.features.device

    def _is_local(self, address: Address) -> bool:
        return address in self._kernel.local_addresses() or address.is_loopback

    def _report_conf(self, conf: StrongswanConf) -> None:
        product = f"Starting IKE charon daemon (Cygnet {__version__}, {facts.system()})"
        self._bus.log(Group.DMN, Level.CONTROL, product)
        for problem in (*conf.problems(), *self._told.problems):
            self._bus.log(Group.DMN, Level.CONTROL, problem)
        missing = conf.missing_plugins()
        if missing:
            names = ", ".join(missing)
            self._bus.log(
                Group.DMN, Level.CONTROL, f"plugins named in charon.load that there are not: {names}"
            )

    def _report(self, name: str, error: BaseException) -> None:
        trace = "".join(traceback.format_exception(error)).rstrip()
        self._bus.log(Group.DMN, Level.AUDIT, f"{name} failed\n{trace}")

    def _refused(self, datagram: Datagram, error: OSError) -> None:
        way = f"{datagram.source.with_brackets()} to {datagram.destination.with_brackets()}"
        self._bus.log(Group.NET, Level.CONTROL, f"error writing to socket: {error.strerror} ({way})")


def _keys(snapshot: IkeSnapshot) -> Keys:
    """By what the manager finds an IKE_SA."""
    half_open = snapshot.state in HALF_OPEN
    identities = None if half_open else snapshot.identities
    return Keys(
        snapshot.name,
        identities,
        snapshot.remote.address if half_open and not snapshot.initiator else None,
        next_spi=snapshot.next_spi,
    )
