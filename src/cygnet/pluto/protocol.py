"""IKEv1 itself with what it stands on: credentials, connections as the core sees them, the kernel."""

import random
import secrets
import socket
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from cygnet.base.addresses import Address
from cygnet.base.groups import Group, Level
from cygnet.charon.backends.told import Told
from cygnet.kernel.backends.factory import choose
from cygnet.kernel.backends.host import interface_of, local_addresses
from cygnet.kernel.port import Kernel
from cygnet.keying.backends import address_claims
from cygnet.keying.backends.address_pools import StrokePools
from cygnet.keying.backends.configuration import StrongswanConf
from cygnet.keying.backends.environment import Environment
from cygnet.keying.backends.resolver import Resolver
from cygnet.keying.backends.saved_keys import saved_keys
from cygnet.keying.backends.stroke import KINDS
from cygnet.keying.backends.stroke_credentials import StrokeCredentials
from cygnet.keying.backends.stroke_files import Places
from cygnet.keying.backends.stroke_translation import Translator
from cygnet.keying.config.settings import DaemonSettings
from cygnet.keying.data_plane import Owner, open_data_plane
from cygnet.keying.name_servers import NameServers
from cygnet.keying.numbers import Numbers
from cygnet.keying.traps import Traps
from cygnet.keying.updown import Updown
from cygnet.pluto.backends.addresses import Addresses, Networks
from cygnet.pluto.backends.configs import PeerConfigs
from cygnet.pluto.backends.connections import Connections
from cygnet.pluto.backends.core_settings import core_settings
from cygnet.pluto.backends.peer_keys import PeerKeys
from cygnet.pluto.backends.translation import PeerTranslator
from cygnet.pluto.backends.users import Users
from cygnet.pluto.jobs.core import Core, Sa
from cygnet.pluto.jobs.ikev1 import Ikev1
from cygnet.pluto.jobs.initiator import Initiator
from cygnet.pluto.jobs.instances import Instances
from cygnet.pluto.jobs.kernel_events import KernelEvents
from cygnet.pluto.jobs.reactions import Reactions
from cygnet.pluto.jobs.reconciler import Makers, Reconciler
from cygnet.pluto.jobs.routes import Hosts, Routes
from cygnet.pluto.jobs.told import script_facts
from cygnet.pluto.jobs.workplace import Workplace
from cygnet.pluto.sa.ports import Ports
from cygnet.runtime import paths
from cygnet.runtime.bus.bus import Bus
from cygnet.runtime.fetching.fetcher import Fetcher, FetchLimits
from cygnet.runtime.files import FileReader
from cygnet.runtime.manager import Manager
from cygnet.runtime.name_servers import keeper_of
from cygnet.runtime.network.datagrams import IkeSocket
from cygnet.runtime.queues.events import EventQueue
from cygnet.runtime.queues.jobs import JobQueue
from cygnet.runtime.scripts import run_script
from cygnet.runtime.tokens.tokens import Tokens, modules_of

REQID_BASE = 1 << 24
"""charon counts its reqids from 1; both daemons' SAs are in one kernel."""

Sockets = Mapping[str, socket.socket]


@dataclass(frozen=True, slots=True)
class Machinery:
    """The daemon's parts that the protocol is driven by.

    ``open_for_espd`` opens what espd needs for ESP in UDP, by name; raises ``OSError``.
    """

    manager: Manager[Sa]
    jobs: JobQueue
    events: EventQueue
    bus: Bus
    socket: IkeSocket
    open_for_espd: Callable[[], Sockets]
    clock: Callable[[], float]


class Stores:
    """What is read from files: settings, credentials; pools of connections, keys that operators tell.

    ``given`` are settings of the command line.
    """

    def __init__(self, bus: Bus, given: Mapping[str, Any]) -> None:
        reader = FileReader()
        self.conf = StrongswanConf(paths.strongswan_conf(), reader)
        self.settings = both = replace(self.conf.settings, **given)
        self.tokens = Tokens(modules_of(self.conf.tree, "charon"))
        fetcher = Fetcher(FetchLimits(
            both.revocation_timeout_s, both.revocation_max_fetches, both.revocation_failure_s,
            both.curl_redirects,
        ))  # fmt: skip
        environment = Environment(reader, time.time, bus.log, fetcher, self.tokens)
        places = Places.below(paths.confdir(), both.stroke_secrets_file)
        self.credentials = StrokeCredentials(places, both, environment)
        self.credentials.reread(KINDS)
        self.pools = StrokePools(address_claims.open_claims(partial(bus.log, Group.CFG)))
        self.peer_keys = PeerKeys()
        self.impaired: set[str] = set()
        self.credentials.raw_keys.told = self.peer_keys.all


class Protocol:
    """Everything behind :attr:`core`. Raises ``LocalError`` for what the machine lacks."""

    def __init__(self, machinery: Machinery, stores: Stores, connections: Connections) -> None:
        bus, both, tree = machinery.bus, stores.settings, stores.conf.tree
        log = partial(bus.log, Group.KNL)
        chosen = choose(both.kernel, log)
        self._esp_sockets = machinery.open_for_espd() if chosen == "userland" else {}
        self.kernel = _open_kernel(chosen, both, machinery.socket, self._esp_sockets, log)
        resolver = Resolver()
        credentials, told, networks = stores.credentials, Told(both, tree.items), Networks(tree.items)
        for problem in networks.problems:
            bus.log(Group.DMN, Level.CONTROL, problem)
        translator = Translator(
            both, credentials.load_certificate, resolver.resolve, _is_local, lambda: self.kernel.features,
            credentials.raw_keys.load,
        )  # fmt: skip
        translate = PeerTranslator(translator, lambda: connections.my_id)
        self.configs = PeerConfigs(translate, resolver.cached, stores.pools, connections)
        manager = machinery.manager
        # whack names SAs of either kind by one number, #n.
        numbers = Numbers(manager.next_unique_id, REQID_BASE, manager.next_unique_id)
        sock = machinery.socket
        ports = Ports(
            credentials, self.configs, Users(credentials), Addresses(stores.pools, told, networks),
            self.kernel, numbers, secrets.token_bytes,
            core_settings(tree, both, (sock.port, sock.port_nat_t)),
            saved_keys(both, partial(bus.log, Group.ENC)), stores.peer_keys.of, stores.impaired,
        )  # fmt: skip
        place = Workplace(manager, machinery.jobs, machinery.events, bus, machinery.clock)
        hosts = Hosts(resolver.resolve, self.kernel.source_address)
        self.routes = Routes(Traps(self.kernel, numbers, resolver.resolve, bus), hosts)
        initiator = Initiator(ports, self.configs, manager, hosts)
        makers = Makers(initiator, self.configs.named, self.configs.family, random.random)
        self.reconciler = Reconciler(place, makers, self.routes)
        self.core: Core = Ikev1(ports, self.configs, manager, initiator, self.routes, self.reconciler)
        self.reactions = Reactions(place, ports, self.reconciler)
        self._kernel_events = KernelEvents(place, self.reconciler, self.routes)
        self.instances = Instances(place, connections)
        self._listen(machinery, both)

    def _listen(self, machinery: Machinery, both: DaemonSettings) -> None:
        """Updown scripts and name servers, as charon has them."""
        bus = machinery.bus
        find = script_facts(machinery.manager.snapshot)
        updown = Updown(find, interface_of, run_script, bus.log, lambda: self.kernel.features.device)
        bus.listen(updown, events=updown.wants)
        if both.resolve_load:
            servers = NameServers(keeper_of(both, run_script, "pluto"), interface_of, bus.log)
            bus.listen(servers, events=servers.wants)

    def gone(self, sa: Sa) -> None:
        """An ISAKMP SA is over."""
        self.reconciler.retired(sa.unique_id)
        self.instances.gone(sa)

    def start(self) -> None:
        """Have the kernel tell us from now on."""
        self.kernel.start(self._kernel_events)

    def stop(self) -> None:
        """Give back what is left in the kernel."""
        self.kernel.close(flush=True)
        for sock in self._esp_sockets.values():
            sock.close()


def _is_local(address: Address) -> bool:
    return address in local_addresses()


def _open_kernel(
    chosen: str, both: DaemonSettings, sock: IkeSocket, esp: Sockets,
    log: Callable[[int, str], None],
) -> Kernel:  # fmt: skip
    if chosen == "xfrm" and not sock.enable_udp_encapsulation():
        log(Level.CONTROL, "the kernel does not take ESP out of UDP (RFC 3948)")
    descriptors = {name: own.fileno() for name, own in esp.items()}
    spawns = sock.kind != "inherited"
    owner = Owner("pluto", paths.pluto_xfrm(), spawns, descriptors, yields=True)
    return open_data_plane(chosen, both, owner, log)
