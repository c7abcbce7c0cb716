"""Policies in the kernel: requests, and their bookkeeping (:mod:`.table`)."""

import errno
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace

from cygnet.kernel.backends.netlink import Netlink, RefusedError, attribute
from cygnet.kernel.backends.xfrm.constants import (
    ALLOW,
    BLOCK,
    CPU_ACQUIRE,
    DIRECTIONS,
    MODES,
    Attr,
    Kind,
)
from cygnet.kernel.backends.xfrm.errors import policy_error
from cygnet.kernel.backends.xfrm.owner import Owner
from cygnet.kernel.backends.xfrm.policy_layout import PolicyInfo, Template, pack_policy_name
from cygnet.kernel.backends.xfrm.primitives import pack_mark
from cygnet.kernel.backends.xfrm.states import word
from cygnet.kernel.backends.xfrm.table import Change, Key, PolicyTable, priority_of
from cygnet.kernel.port import Direction, IpProtocol, Mode, PolicySpec

_GONE = (errno.ENOENT, errno.ESRCH)

OffloadAttribute = Callable[[PolicySpec], bytes]


class Policies:
    """Our policies. ``offload`` makes the attribute of one that a network card handles."""

    def __init__(self, netlink: Netlink, owner: Owner, offload: OffloadAttribute) -> None:
        self._netlink = netlink
        self._owner = owner
        self._offload = offload
        self._lock = threading.Lock()
        self.table = PolicyTable()

    def add(self, spec: PolicySpec) -> bool:
        """Install or count; whether it is new. Raises :class:`KernelError`, and then nothing has changed."""
        with self._lock:
            changes = self.table.add(spec)
            done: list[Change] = []
            try:
                for change in changes:
                    self._apply(change)
                    done.append(change)
            except RefusedError as error:
                self._undo(spec, {change.key for change in done})
                what = f"adding policy {spec.source} === {spec.destination} {spec.direction}"
                raise policy_error(error, what) from error
            return self.table.uses(spec) == 1

    def remove(self, spec: PolicySpec) -> bool:
        """Count down or remove; whether it is gone. Raises :class:`KernelError` for one not there."""
        with self._lock:
            changes = self.table.remove(spec)
            for change in changes:
                try:
                    self._apply(change)
                except RefusedError as error:
                    what = f"deleting policy {spec.source} === {spec.destination} {spec.direction}"
                    raise policy_error(error, what) from error
            return not self.table.uses(spec)

    def forget_spi(self, spi: int) -> None:
        """An outbound SA is gone: policies that named it use any of their reqid."""
        with self._lock:
            for change in self.table.without_spi(spi):
                assert change.spec is not None, "the table says so"
                body = self._body(change.key, change.number, change.spec, named=False)
                self._request(Kind.UPDATE_POLICY, body)

    def migrated(self, old: PolicySpec, new: PolicySpec) -> None:
        """The kernel has moved a policy by itself."""
        with self._lock:
            self.table.replace(old, new)

    def expected(self) -> list[Change]:
        """What the kernel should hold, entry by entry."""
        with self._lock:
            return self.table.expected()

    def restore(self, change: Change) -> None:
        """Install again what should be there, unless that has changed; raises :class:`RefusedError`."""
        with self._lock:
            if replace(change, fresh=False) in self.table.expected():
                self._apply(change)

    def flush(self) -> None:
        """Remove all of ours, as far as the kernel lets us."""
        with self._lock:
            for change in self.table.expected():
                with suppress(RefusedError):
                    self._delete(change.key, change.number)
            self.table = PolicyTable()

    def _undo(self, spec: PolicySpec, done: set[Key]) -> None:
        """Take back what was installed; entries that the kernel refused are as they were."""
        for change in self.table.remove(spec):
            if change.key in done:
                self._apply(change)

    def _apply(self, change: Change) -> None:
        if change.spec is None:
            self._delete(change.key, change.number)
            return
        body = self._body(change.key, change.number, change.spec, named=True)
        self._request(Kind.NEW_POLICY if change.fresh else Kind.UPDATE_POLICY, body)

    def _delete(self, key: Key, number: int) -> None:
        direction = DIRECTIONS[key.direction]
        name = pack_policy_name(key.selector, direction, self._owner.index(number, direction))
        try:
            self._request(Kind.DELETE_POLICY, name + key_attributes(key))
        except RefusedError as error:
            if error.number not in _GONE:
                raise

    def _body(self, key: Key, number: int, spec: PolicySpec, *, named: bool) -> bytes:
        body = policy_request(key, self._owner.index(number, DIRECTIONS[key.direction]), spec, named=named)
        return body + self._offload(spec)

    def _request(self, kind: Kind, body: bytes) -> None:
        self._netlink.ask(kind, body)


def policy_request(key: Key, index: int, spec: PolicySpec, *, named: bool = True) -> bytes:
    """Header and attributes; without ``named`` the SPI is left open."""
    info = PolicyInfo(
        key.selector,
        DIRECTIONS[key.direction],
        priority_of(spec),
        index,
        BLOCK if spec.action is Mode.DROP else ALLOW,
        CPU_ACQUIRE if spec.per_cpu and key.direction is Direction.OUT else 0,
    )
    found = templates(spec, key.selector.version, spec.next_spi if named else 0)
    packed = b"".join(template.pack() for template in found)
    return info.pack() + (attribute(Attr.TMPL, packed) if packed else b"") + key_attributes(key)


def templates(spec: PolicySpec, version: int, spi: int = 0) -> tuple[Template, ...]:
    """Which SAs protect, the innermost first. ``version`` is that of the packets.

    A packet that compression would make longer has no IPComp header (RFC 3173, 2.2), so that inbound it
    is optional.
    """
    if spec.action in (Mode.PASS, Mode.DROP):
        return ()
    mode, found = spec.action, []
    if spec.compression:
        optional = spec.direction is not Direction.OUT
        found.append(_template(spec, mode, IpProtocol.IPCOMP, version, 0, optional))
        version, mode = found[0].version, Mode.TRANSPORT
    return (*found, _template(spec, mode, spec.protocol, version, spi, False))


def key_attributes(key: Key) -> bytes:
    """Mark and interface, which belong to what names a policy."""
    mark = attribute(Attr.MARK, pack_mark(key.mark.value, key.mark.mask)) if key.mark else b""
    return mark + (attribute(Attr.IF_ID, word(key.if_id)) if key.if_id else b"")


def _template(
    spec: PolicySpec, mode: Mode, protocol: IpProtocol, version: int, spi: int, optional: bool
) -> Template:
    transport = mode is Mode.TRANSPORT
    source = None if transport else spec.outer_source
    destination = None if transport else spec.outer_destination
    outer = spec.outer_destination or spec.outer_source
    if outer is not None and not transport:
        version = outer.version
    return Template(source, destination, protocol, spec.reqid, MODES[mode], version, spi, optional)
