"""The hosts of one life, fully connected, and what happens to what they send each other."""

import random
from collections.abc import Callable, Iterable
from dataclasses import replace
from ipaddress import ip_address

from simulation.network import Datagram, Network, Weather
from simulation.pair import config
from simulation.peer import Peer

from cygnet.base.addresses import Address
from cygnet.base.identities import Identity
from cygnet.base.secret import Secret
from cygnet.base.selectors import TrafficSelector
from cygnet.crypto.proposals import Protocol, parse_proposals
from cygnet.kernel.port import Lifetime
from cygnet.keying.config.records import PeerConfig
from cygnet.keying.config.settings import DaemonSettings
from lives.traits import Traits

ADDRESSES = {"alice": "192.0.2.1", "bob": "192.0.2.2", "carol": "192.0.2.3"}
ELSEWHERE = {"alice": "198.51.100.1", "bob": "198.51.100.2", "carol": "198.51.100.3"}
"""Where each may be instead, or besides."""
OWNERS = {ip_address(one): name for places in (ADDRESSES, ELSEWHERE) for name, one in places.items()}
NETS = {"alice": 1, "bob": 2, "carol": 3}
PPK_ID = Identity.parse("ppk.test")
DPD_S = 30.0
LATEST_S = 60.0
"""How late a datagram may come."""


class Journal(list[str]):
    """A daemon's log; ``tell`` hears each line at once."""

    def __init__(self, tell: Callable[[str], None]) -> None:
        super().__init__()
        self._tell = tell

    def append(self, line: str) -> None:
        super().append(line)
        self._tell(line)


class World:
    """``tell`` hears every line of every log, with time and host."""

    def __init__(self, traits: Traits, tell: Callable[[str], None] | None = None) -> None:
        self.traits = traits
        self.network = Network(traits.seed, Weather())
        self.chance = random.Random(f"mishaps {traits.seed}")
        self.late = 0.0
        self._cut: dict[frozenset[object], float] = {}
        self.network.filters.append(self._mishap)
        settings = DaemonSettings(make_before_break=traits.make_before_break)
        self.hosts: dict[str, Peer] = {}
        for name in traits.names:
            log = Journal(self._teller(name, tell)) if tell else []
            host = self.hosts[name] = Peer(self.network, ADDRESSES[name], settings, log)
            host.store.secrets.append((None, Secret(b"a secret of some length")))
            host.store.ppks[PPK_ID.data] = Secret(bytes(32))
            host.connections.configs = [self._config(name, one) for one in traits.names if one != name]
            host.kernel.timed = traits.brief
        for name in traits.names:
            self.start(name)

    def start(self, name: str) -> None:
        """What starter does with ``auto=``."""
        for connection, _ in self.traits.of(name):
            if (name, connection) in self.traits.route:
                self.hosts[name].route(connection)
            if (name, connection) in self.traits.start:
                self.hosts[name].keep(connection)

    def cut(self, one: str, other: str, seconds: float) -> None:
        """Nothing goes between the two for a while."""
        self._cut[frozenset((one, other))] = self.network.now + seconds

    def heal(self) -> None:
        """The network is good from now on."""
        self.network.weather = Weather()
        self.late = 0.0
        self._cut.clear()
        if self.traits.moving:
            for name, host in self.hosts.items():
                self.move(name, ADDRESSES[name], host.home.usable())

    def move(self, name: str, to: str, leaving: Iterable[Address] = ()) -> None:
        """A host gets an address, unless it has it, and loses others; its kernel tells."""
        home = self.hosts[name].home
        if to and ip_address(to) not in home.usable():
            home.gain(to)
        for address in leaving:
            if str(address) != to:
                home.lose(str(address))
        self.hosts[name].roam()

    def _mishap(self, datagram: Datagram) -> Datagram | None:
        ends = frozenset(OWNERS[one.address] for one in (datagram.source, datagram.destination))
        if self._cut.get(ends, 0.0) > self.network.now:
            return None
        if self.chance.random() < self.late:
            self.network.at(self.chance.random() * LATEST_S, lambda: self._arrive(datagram))
            return datagram if self.chance.random() < 0.5 else None
        return datagram

    def _arrive(self, datagram: Datagram) -> None:
        station = self.network.stations.get(datagram.destination.address)
        if station is not None:
            station.arrive(datagram)

    def _teller(self, name: str, tell: Callable[[str], None]) -> Callable[[str], None]:
        return lambda line: tell(f"{self.network.now:9.3f} {name:5}: {line}")

    def _config(self, name: str, other: str) -> PeerConfig:
        traits = self.traits
        first = sorted((name, other))[0]
        net = TrafficSelector.of("10.1.0.0/16")
        peer = config(f"{name}.test", f"{other}.test", net, net, ADDRESSES[other])
        lifetime = Lifetime(soft_s=40, hard_s=60) if traits.brief else Lifetime(soft_s=30060, hard_s=36000)
        children = tuple(
            replace(
                peer.children[0],
                name=connection,
                local_ts=(TrafficSelector.of(f"10.{NETS[name]}.{number}.0/24"),),
                remote_ts=(TrafficSelector.of(f"10.{NETS[other]}.{number}.0/24"),),
                proposals=parse_proposals(traits.suite[1], Protocol.ESP),
                lifetime=lifetime,
                margin_s=20 if traits.brief else 540,
                dpd_action=traits.action,
                close_action=traits.action,
            )
            for number, connection in enumerate(traits.connections(name, other))
        )
        ike = replace(
            peer.ike,
            remote=replace(peer.ike.remote, allow_any=traits.moving),
            proposals=parse_proposals(traits.suite[0], Protocol.IKE),
            childless=traits.childless if name == first else peer.ike.childless,
        )
        return replace(
            peer,
            name="-".join(sorted((name, other))),
            ike=ike,
            children=children,
            unique=traits.unique,
            reauth=traits.reauth[name],
            ike_lifetime_s=130 if traits.brief else 108000,
            margin_s=40 if traits.brief else 540,
            dpd_delay_s=DPD_S,
            keying_tries=0,
            ppk_id=PPK_ID if traits.ppk else None,
            ppk_required=traits.ppk,
        )
