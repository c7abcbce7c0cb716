"""``route``: which traps a connection has, one for each IPsec SA that packets may ask for."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import cast

from cygnet.base.addresses import Address, Host
from cygnet.base.errors import LocalError
from cygnet.base.selectors import TrafficSelector, pairs
from cygnet.keying.config.records import ChildConfig
from cygnet.keying.config.records import PeerConfig as SharedPeer
from cygnet.keying.hosts import ends, is_anybody
from cygnet.keying.sa.routed import SHUNTS, Routed
from cygnet.keying.traps import Traps
from cygnet.pluto.config.records import PeerConfig
from cygnet.pluto.sa.quick_selectors import MAX_PAIRS


class NoPeerError(LocalError):
    """The connection has no peer to begin with."""


@dataclass(frozen=True, slots=True)
class Hosts:
    """How the two addresses of a new ISAKMP SA are found; both may wait for an answer."""

    names: Callable[[str], tuple[Address, ...]]
    source_address: Callable[[Address], Address | None]

    def of(self, config: PeerConfig) -> tuple[Host, Host]:
        """Ours and the peer's; raises ``LocalError`` if there is nowhere to go."""
        return ends(config.ike, self.names, self.source_address)


class Routes:
    """The traps and shunts of connections, by name; for any thread.

    IKEv1 has one selector for each end (RFC 2407, 4.6.2), so that each pair of a connection's selectors is
    a trap of its own: what it asks for is one IPsec SA, which has its reqid. Of a peer ``Traps`` reads
    ``ike`` only, which both daemons have.
    """

    def __init__(self, traps: Traps, hosts: Hosts) -> None:
        self.traps, self._hosts = traps, hosts
        self._keys: dict[str, tuple[str, ...]] = {}

    def install(self, config: PeerConfig) -> tuple[Routed, ...]:
        """Catch the packets of a connection; raises ``LocalError``, and then nothing is caught."""
        child = next(iter(config.children), None)
        if child is None:
            raise LocalError(f"'{config.name}' protects nothing that packets could ask for")
        wanted = self._pairs(config, child)
        old, keys = self._keys.get(config.name, ()), []
        try:
            for number, one in enumerate(wanted):
                keys.append(f"{config.name}#{number}")
                self.traps.install(cast(SharedPeer, config), one, keys[-1])
        except LocalError:
            self._remove((*old, *keys))
            self._keys.pop(config.name, None)
            raise
        self._remove(old[len(keys) :])
        self._keys[config.name] = tuple(keys)
        return self.of(config.name)

    def uninstall(self, name: str) -> bool:
        """Catch them no more; whether they were caught."""
        keys = self._keys.pop(name, ())
        self._remove(keys)
        return bool(keys)

    def of(self, name: str) -> tuple[Routed, ...]:
        """What a connection has installed."""
        return tuple(one for one in self.installed() if one.name == name)

    def installed(self) -> tuple[Routed, ...]:
        """Everything, in the order installed."""
        return self.traps.installed()

    def _pairs(self, config: PeerConfig, child: ChildConfig) -> list[ChildConfig]:
        if child.mode in SHUNTS:
            return [child]
        if is_anybody(config.ike.remote):
            raise NoPeerError(f"cannot route '{config.name}' without knowing the peer's address (right=)")
        local, remote = self._hosts.of(config)
        ours = tuple(one.resolve(local.address) for one in child.local_ts)
        theirs = tuple(one.resolve(remote.address) for one in child.remote_ts)
        found = tuple(dict.fromkeys(pairs(ours, theirs)))[:MAX_PAIRS]
        if not found:
            raise LocalError(f"'{config.name}': no pair of traffic selectors goes together")
        return [_only(child, *pair) for pair in found]

    def _remove(self, keys: tuple[str, ...]) -> None:
        for key in dict.fromkeys(keys):
            self.traps.uninstall(key)


def _only(child: ChildConfig, ours: TrafficSelector, theirs: TrafficSelector) -> ChildConfig:
    return replace(child, local_ts=(ours,), remote_ts=(theirs,))
