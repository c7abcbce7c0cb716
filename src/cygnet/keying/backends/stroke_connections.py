"""The stroke backend's connection and policy store: what starter loaded, merged as strongSwan merges it.

Connections that differ in nothing but the child part share one peer config, named after the first of
them, with a child for each.
"""

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from cygnet.base.addresses import Address
from cygnet.base.identities import Identity
from cygnet.ctl.stroke import AddConnection
from cygnet.keying.backends import address_match
from cygnet.keying.backends.errors import ConfigError
from cygnet.keying.backends.ports import Query, Ranked
from cygnet.keying.backends.stroke_translation import Translator
from cygnet.keying.config.records import AuthConfig, ChildConfig, PeerConfig

Names = Callable[[str], tuple[Address, ...]]


@dataclass(slots=True)
class _Group:
    """The connections of one peer config, by name, in the order loaded."""

    connections: dict[str, PeerConfig] = field(default_factory=dict)
    merged: PeerConfig | None = None

    def peer(self) -> PeerConfig:
        """All of them as one."""
        if self.merged is None:
            first = next(iter(self.connections.values()))
            children = tuple(each.children[0] for each in self.connections.values())
            self.merged = replace(first, children=children)
        return self.merged


class StrokeConnections:
    """Implements ``ConnectionStore`` and ``PolicyStore``."""

    name = "stroke"

    def __init__(self, translator: Translator, names: Names, limit: int) -> None:
        self._translator = translator
        self._names = names
        self._limit = limit
        self._lock = threading.Lock()
        self._groups: dict[PeerConfig, _Group] = {}
        self._group_of: dict[str, _Group] = {}
        self._by_address: dict[Address, dict[int, _Group]] = {}
        self._elsewhere: dict[int, _Group] = {}

    def add(self, request: AddConnection) -> Sequence[str]:
        """Load or replace a connection; the answer is warnings. Raises :class:`ConfigError`."""
        if not request.name:
            raise ConfigError("a connection needs a name")
        peer, warnings = self._translator.translate(request)
        with self._lock:
            if request.name not in self._group_of and len(self._group_of) >= self._limit:
                raise ConfigError(f"more than {self._limit} connections")
            self._remove(request.name)
            self._insert(peer)
        return warnings

    def oriented(self, request: AddConnection) -> AddConnection:
        """With this host at ``left``."""
        return self._translator.oriented(request)[0]

    def remove(self, name: str) -> bool:
        """Forget a connection; whether it was there."""
        with self._lock:
            return self._remove(name)

    def peers(self) -> Sequence[PeerConfig]:
        """All, in the order loaded."""
        with self._lock:
            return [group.peer() for group in self._groups.values()]

    def peer(self, name: str) -> PeerConfig | None:
        """The peer config of that name."""
        with self._lock:
            group = self._group_of.get(name)
            return group.peer() if group and group.peer().name == name else None

    def child(self, name: str) -> tuple[PeerConfig, ChildConfig] | None:
        """The child config of that name, with its peer's."""
        with self._lock:
            group = self._group_of.get(name)
            peer = group.peer() if group else None
        child = peer.child(name) if peer else None
        return (peer, child) if peer and child else None

    def candidates(self, query: Query) -> Sequence[Ranked]:
        """The peer configs that suit, best first: by remote, then local address, then identities."""
        ranked = [found for peer in self._possible(query) if (found := self._rank(peer, query))]
        return sorted(ranked, key=lambda found: found.rank, reverse=True)

    def children(self, peer: PeerConfig, local: Identity, remote: Identity) -> Sequence[ChildConfig]:
        """The child configs of a peer whose identities suit."""
        suits = _suits(peer.local, local) and _suits(peer.remote, remote)
        return peer.children if suits else ()

    def _possible(self, query: Query) -> list[PeerConfig]:
        """Those whose remote address is this one, and those where only looking tells."""
        with self._lock:
            if query.remote is None:
                return [group.peer() for group in self._groups.values()]
            exact = self._by_address.get(query.remote.address, {})
            return [group.peer() for group in (*exact.values(), *self._elsewhere.values())]

    def _rank(self, peer: PeerConfig, query: Query) -> Ranked | None:
        rank: list[int] = []
        reasons: list[str] = []
        for spec, host, what in (
            (peer.ike.remote, query.remote, "remote"),
            (peer.ike.local, query.local, "local"),
        ):
            score = address_match.match(spec, host.address, self._names) if host else address_match.ANY
            if not score:
                return None
            rank.append(score)
            reasons += [address_match.explain(score, what)] if host else []
        for rounds, identity, what in (
            (peer.remote, query.remote_id, "remote"),
            (peer.local, query.local_id, "local"),
        ):
            score = _identity_score(rounds, identity)
            if not score:
                return None
            rank.append(score)
            reasons += [f"{what} identity rank {score}"] if identity else []
        return Ranked(peer, tuple(rank), ", ".join(reasons))

    def _insert(self, peer: PeerConfig) -> None:
        key = replace(peer, name="", children=())
        group = self._groups.get(key)
        if group is None:
            group = self._groups[key] = _Group()
            self._place(key, group)
        group.connections[peer.name] = peer
        group.merged = None
        self._group_of[peer.name] = group

    def _remove(self, name: str) -> bool:
        group = self._group_of.pop(name, None)
        if group is None:
            return False
        peer = group.connections.pop(name)
        group.merged = None
        if not group.connections:
            key = replace(peer, name="", children=())
            del self._groups[key]
            self._displace(key, group)
        return True

    def _place(self, peer: PeerConfig, group: _Group) -> None:
        """Have a group found under its remote addresses where those are all that suits it."""
        addresses = address_match.exact_addresses(peer.ike.remote)
        for address in addresses or ():
            self._by_address.setdefault(address, {})[id(group)] = group
        if addresses is None:
            self._elsewhere[id(group)] = group

    def _displace(self, peer: PeerConfig, group: _Group) -> None:
        self._elsewhere.pop(id(group), None)
        for address in address_match.exact_addresses(peer.ike.remote) or ():
            found = self._by_address.get(address, {})
            found.pop(id(group), None)
            if not found:
                self._by_address.pop(address, None)


def _identity_score(rounds: Sequence[AuthConfig], identity: Identity | None) -> int:
    """How well the identity suits the first round; what is not known on either side suits."""
    wanted = rounds[0].identity if rounds else None
    if identity is None or identity.is_any or wanted is None:
        return 1
    return identity.match(wanted)


def _suits(rounds: Sequence[AuthConfig], identity: Identity) -> bool:
    return _identity_score(rounds, identity) > 0
