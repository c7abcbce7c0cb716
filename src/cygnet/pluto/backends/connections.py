"""pluto's connection table: connections, templates, and the instances that peers make of them.

A template is a connection whose peer is not known beforehand (``right=%any``). When a peer turns up, it is
instantiated: ``"rw"[1]``, ``"rw"[2]`` (FreeS/WAN's words for it). Connections are immutable; the table
replaces them. Every method may be called from any thread.
"""

import threading
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from ipaddress import ip_address, ip_network

from cygnet.base.addresses import Address
from cygnet.base.errors import LocalError
from cygnet.ctl.whack import AddConnection, End

CONNECTION_LIMIT = 10_000
INSTANCE_LIMIT = 10_000
"""How many instances there may be in all; further peers are refused."""

MY_ID = "%myid"
"""An identity that ``whack --myid`` tells."""
_NOT_IN_NAMES = frozenset('[]{}#" \t\r\n')


class DuplicateNameError(LocalError):
    """There is a connection of that name already."""


class UnknownNameError(LocalError):
    """There is no such connection."""


class OrientationError(LocalError):
    """None of our addresses is one of the two ends', or all are."""


@dataclass(frozen=True, slots=True)
class Connection:
    """A connection as it is loaded, or one that a peer made of a template (``instance`` above 0).

    ``local`` and ``remote`` are its ends as seen from this host, ``None`` while neither is ours.
    ``peer`` is the address of an instance's peer, ``peer_id`` how the peer calls itself.
    """

    message: AddConnection
    local: End | None
    remote: End | None
    instance: int = 0
    peer: str = ""
    peer_id: str = ""

    @property
    def name(self) -> str:
        """The name it was loaded by."""
        return self.message.name

    @property
    def label(self) -> str:
        """``"rw"[2]``, as whack's lines have it."""
        return f'"{self.name}"' + (f"[{self.instance}]" if self.instance else "")

    @property
    def has_my_id(self) -> bool:
        """Whether an end is who ``whack --myid`` says."""
        return MY_ID in (self.message.left.id, self.message.right.id)

    @property
    def is_template(self) -> bool:
        """Whether it waits for peers that are not known beforehand."""
        return not self.instance and self.remote is not None and is_wild(self.remote)


def is_wild(end: End) -> bool:
    """Whether the host of an end can be many."""
    return end.client_within or any(
        one.startswith("%") or "/" in one or ("-" in one.strip("-") and one[:1].isdigit())
        for one in end.host.split(",")
    )


class Connections:
    """The table. ``local_addresses`` are this host's, by which a connection is oriented.

    ``my_id`` is what ``%myid`` stands for, empty for the host's address.
    """

    def __init__(self, local_addresses: Callable[[], Iterable[Address]]) -> None:
        self._local_addresses = local_addresses
        self.my_id = ""
        self._lock = threading.Lock()
        self._loaded: dict[str, Connection] = {}
        self._instances: dict[tuple[str, int], Connection] = {}
        self._by_peer: dict[tuple[str, str, str], Connection] = {}
        self._numbers: dict[str, int] = {}

    def add(self, message: AddConnection) -> Connection:
        """Load a connection; raises :class:`LocalError` for a name that is taken or what is no connection."""
        check(message)
        local, remote = oriented(message, frozenset(map(str, self._local_addresses())))
        connection = Connection(message, local, remote)
        with self._lock:
            if message.name in self._loaded:
                raise DuplicateNameError(f'attempt to redefine connection "{message.name}"')
            if len(self._loaded) >= CONNECTION_LIMIT:
                raise LocalError(f"there are {CONNECTION_LIMIT} connections already")
            self._loaded[message.name] = connection
        return connection

    def remove(self, name: str) -> tuple[Connection, ...]:
        """Forget a connection with its instances; returns them. Raises :class:`UnknownNameError`."""
        with self._lock:
            if name not in self._loaded:
                raise UnknownNameError(f'no connection named "{name}"')
            numbers = [number for template, number in self._instances if template == name]
            return (self._loaded.pop(name), *filter(None, [self._drop(name, number) for number in numbers]))

    def find(self, name: str) -> Connection:
        """The loaded connection of that name; raises :class:`UnknownNameError`."""
        found = self._loaded.get(name)
        if found is None:
            raise UnknownNameError(f'no connection named "{name}"')
        return found

    def template(self, name: str) -> Connection | None:
        """The connection of that name if it is one that peers make instances of."""
        found = self._loaded.get(name)
        return found if found is not None and found.is_template else None

    def instance(self, name: str, number: int) -> Connection:
        """``NAME[n]``; number 0 is the loaded connection. Raises :class:`UnknownNameError`."""
        if not number:
            return self.find(name)
        found = self._instances.get((name, number))
        if found is None:
            raise UnknownNameError(f'no connection named "{name}"[{number}]')
        return found

    def instances(self, name: str) -> tuple[Connection, ...]:
        """The instances of a template, oldest first."""
        with self._lock:
            return tuple(one for key, one in self._instances.items() if key[0] == name)

    def instantiate(self, name: str, peer: str, peer_id: str = "") -> Connection:
        """What a peer makes of a template; the same peer gets the same instance. Raises ``LocalError``."""
        template = self.find(name)
        if not template.is_template or template.remote is None:
            raise LocalError(f"{template.label} has one peer only; there are no instances of it")
        with self._lock:
            known = self._by_peer.get((name, peer, peer_id))
            if known is not None:
                return known
            if len(self._instances) >= INSTANCE_LIMIT:
                raise LocalError(f"there are {INSTANCE_LIMIT} instances already")
            number = self._numbers[name] = self._numbers.get(name, 0) + 1
            remote = replace(template.remote, host=peer, id=peer_id or template.remote.id)
            made = Connection(template.message, template.local, remote, number, peer, peer_id)
            self._instances[name, number] = self._by_peer[name, peer, peer_id] = made
            return made

    def release(self, name: str, number: int) -> None:
        """An instance has no SA any more; one that is unknown is no matter."""
        with self._lock:
            self._drop(name, number)

    def all(self) -> Sequence[Connection]:
        """Everything, by name and instance."""
        with self._lock:
            everything = (*self._loaded.values(), *self._instances.values())
        return sorted(everything, key=lambda one: (one.name, one.instance))

    def _drop(self, name: str, number: int) -> Connection | None:
        """Holds the lock."""
        gone = self._instances.pop((name, number), None)
        if gone is not None:
            del self._by_peer[name, gone.peer, gone.peer_id]
        return gone


def check(message: AddConnection) -> None:
    """Raises :class:`LocalError` for what can be no connection, with what would be right."""
    name = message.name
    if not 1 <= len(name) <= 255 or any(char in _NOT_IN_NAMES or not char.isprintable() for char in name):
        right = 'that is 1 to 255 characters, no blank, none of []{}#"'
        raise LocalError(f"'{name:.40}' is no name for a connection: {right}")
    for side, end in (("left", message.left), ("right", message.right)):
        if not end.host:
            raise LocalError(f'connection "{name}": {side} has no host')
        for subnet in filter(None, map(str.strip, end.client.split(","))):
            _check_subnet(name, side, subnet)
    if message.ike_lifetime_s <= 0 or message.ipsec_lifetime_s <= 0:
        raise LocalError(f'connection "{name}": lifetimes must be above 0')


def _check_subnet(name: str, side: str, subnet: str) -> None:
    net = subnet.partition("[")[0]
    if net.startswith("%"):
        return
    try:
        ip_network(net, strict=False)
    except ValueError:
        text = f"'{subnet}' is no subnet, such as 10.1.0.0/16"
        raise LocalError(f'connection "{name}": {side}subnet: {text}') from None


def oriented(message: AddConnection, local: frozenset[str]) -> tuple[End | None, End | None]:
    """Which end is this host and which the peer, ``None`` twice if that cannot be told.

    The one with an address of ours; else, if the other is a peer, the one that may have any address.
    Raises :class:`OrientationError` if both are ours.
    """
    left, right = message.left, message.right
    ours = [any(_is_ours(host, local) for host in end.host.split(",")) for end in (left, right)]
    if all(ours):
        raise OrientationError(f'connection "{message.name}": both ends are addresses of this host')
    if ours[0] or (not ours[1] and left.host.startswith("%")):
        return left, right
    if ours[1] or right.host.startswith("%"):
        return right, left
    return None, None


def _is_ours(host: str, local: frozenset[str]) -> bool:
    try:
        return host in local or ip_address(host).is_loopback
    except ValueError:
        return False
