"""The core's record of each loaded connection, and which of them suit two hosts."""

import threading
from collections.abc import Callable
from dataclasses import dataclass, replace

from cygnet.base.addresses import Address, Host
from cygnet.base.identities import Identity
from cygnet.keying.backends import address_match, pool_texts
from cygnet.keying.backends.address_pools import StrokePools
from cygnet.keying.config.records import AddressSpec
from cygnet.pluto.backends.connections import Connection, Connections
from cygnet.pluto.config.records import PeerConfig

Translate = Callable[[Connection], tuple[PeerConfig, list[str]]]


@dataclass(frozen=True, slots=True)
class Candidate:
    """A connection whose addresses suit a peer; ``score`` says how well."""

    config: PeerConfig
    score: tuple[int, int]


@dataclass(frozen=True, slots=True)
class Known:
    """A record with the addresses it is for."""

    config: PeerConfig
    local: AddressSpec
    remote: AddressSpec


class PeerConfigs:
    """Implements ``sa.ports.Configs``. ``names`` knows host names without waiting. Safe for any thread."""

    def __init__(
        self, translate: Translate, names: Callable[[str], tuple[Address, ...]], pools: StrokePools,
        connections: Connections,
    ) -> None:
        self._translate, self._names, self.pools = translate, names, pools
        self._connections = connections
        self._lock = threading.Lock()
        self._known: dict[str, Known] = {}
        self._families: dict[PeerConfig, dict[str, PeerConfig]] = {}

    def load(self, connection: Connection) -> list[str]:
        """Take a connection in; the answer is warnings. Raises ``LocalError`` for what cannot be."""
        config, warnings = self._translate(connection)
        message = connection.message
        local, remote = connection.local or message.left, connection.remote or message.right
        known = Known(
            config, _spec(local.host, local.allow_any), _spec(remote.host, remote.allow_any)
        )
        named = pool_texts.pools(remote.srcip, "rightsourceip")
        self.pools.load(config.name, [spec for _, spec in named if spec is not None])
        with self._lock:
            self._drop(config.name)
            self._known[config.name] = known
            self._families.setdefault(config.peer, {})[config.name] = config
        return warnings

    def forget(self, name: str) -> None:
        """Have it no more; SAs keep theirs."""
        with self._lock:
            self._drop(name)
        self.pools.unload(name)

    def named(self, name: str) -> PeerConfig | None:
        """The record of a loaded connection as it is now."""
        known = self._known.get(name)
        return known.config if known is not None else None

    def family(self, config: PeerConfig) -> tuple[PeerConfig, ...]:
        """This connection, then all others that differ in name and children only: they share ISAKMP SAs.

        An ISAKMP SA may have a record that is not loaded any more; its peer gets nothing of another one's.
        Those of an instance are what its template has.
        """
        origin = self._origin(config) if config.instance else config
        if origin is None:
            return (config,)
        with self._lock:
            others = self._families.get(origin.peer, {})
            return (config, *(one for name, one in others.items() if name != config.name))

    def of(self, connection: Connection) -> PeerConfig:
        """The record of a loaded connection, or of an instance; raises ``LocalError``."""
        known = self._known.get(connection.name)
        if connection.instance or known is None:
            return self._translate(connection)[0]
        return known.config

    def candidates(self, local: Host, remote: Host) -> tuple[Candidate, ...]:
        """The connections whose addresses suit both hosts, best first."""
        with self._lock:
            every = tuple(self._known.values())
        found = [Candidate(one.config, self._score(one, local, remote)) for one in every]
        fitting = [one for one in found if all(one.score)]
        return tuple(sorted(fitting, key=lambda one: one.score, reverse=True))

    def instance(self, config: PeerConfig, remote: Host, identity: Identity) -> PeerConfig:
        """What a peer makes of a template: ``"rw"[1]``; others are as they are. Raises ``LocalError``."""
        template = self._connections.template(config.name)
        if template is None:
            return config
        made = self._connections.instantiate(config.name, str(remote.address), str(identity))
        return _instance(config, made.instance, AddressSpec((str(remote.address),)), identity)

    def _origin(self, instance: PeerConfig) -> PeerConfig | None:
        """The template as it is loaded, if that is what an instance was made of."""
        template = self.named(instance.name)
        if template is None:
            return None
        again = _instance(template, instance.instance, instance.ike.remote, instance.remote.identity)
        return template if again == instance else None

    def _drop(self, name: str) -> None:
        """Holds the lock."""
        known = self._known.pop(name, None)
        if known is not None:
            relatives = self._families[known.config.peer]
            del relatives[name]
            if not relatives:
                del self._families[known.config.peer]

    def _score(self, known: Known, local: Host, remote: Host) -> tuple[int, int]:
        theirs = address_match.match(known.remote, remote.address, self._names)
        return theirs, address_match.match(known.local, local.address, self._names)


def _instance(
    template: PeerConfig, number: int, host: AddressSpec, identity: Identity | None
) -> PeerConfig:
    return replace(
        template,
        instance=number,
        ike=replace(template.ike, remote=host),
        remote=replace(template.remote, identity=identity),
    )


def _spec(hosts: str, allow_any: bool) -> AddressSpec:
    """``%any`` among the hosts is no host, but lets anybody in."""
    words = [word.strip() for word in hosts.split(",") if word.strip()]
    named = tuple(word for word in words if not word.startswith("%any"))
    return AddressSpec(named, allow_any=allow_any or len(named) < len(words))
