"""The core's record of each loaded connection, and which of them suit two hosts."""

import threading
from collections.abc import Callable
from dataclasses import dataclass

from cygnet.base.addresses import Address, Host
from cygnet.keying.backends import address_match
from cygnet.keying.config.records import AddressSpec
from cygnet.pluto.backends.connections import Connection
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

    def __init__(self, translate: Translate, names: Callable[[str], tuple[Address, ...]]) -> None:
        self._translate, self._names = translate, names
        self._lock = threading.Lock()
        self._known: dict[str, Known] = {}

    def load(self, connection: Connection) -> list[str]:
        """Take a connection in; the answer is warnings. Raises ``LocalError`` for what cannot be."""
        config, warnings = self._translate(connection)
        message = connection.message
        local, remote = connection.local or message.left, connection.remote or message.right
        known = Known(
            config, _spec(local.host, local.allow_any), _spec(remote.host, remote.allow_any)
        )
        with self._lock:
            self._known[config.name] = known
        return warnings

    def forget(self, name: str) -> None:
        """Have it no more; SAs keep theirs."""
        with self._lock:
            self._known.pop(name, None)

    def named(self, name: str) -> PeerConfig | None:
        """The record of a loaded connection as it is now."""
        known = self._known.get(name)
        return known.config if known is not None else None

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

    def _score(self, known: Known, local: Host, remote: Host) -> tuple[int, int]:
        theirs = address_match.match(known.remote, remote.address, self._names)
        return theirs, address_match.match(known.local, local.address, self._names)


def _spec(hosts: str, allow_any: bool) -> AddressSpec:
    """``%any`` among the hosts is no host, but lets anybody in."""
    words = [word.strip() for word in hosts.split(",") if word.strip()]
    named = tuple(word for word in words if not word.startswith("%any"))
    return AddressSpec(named, allow_any=allow_any or len(named) < len(words))
