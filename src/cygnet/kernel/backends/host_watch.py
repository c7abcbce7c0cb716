"""Changes of this host's addresses, links and routes, told once for many that come together."""

import select
import socket
import sys
import time
from contextlib import suppress
from struct import Struct, error

from cygnet.kernel.backends.interfaces import link_in, links
from cygnet.kernel.backends.netlink import RECEIVE, attributes, split
from cygnet.kernel.port import AddressChange
from cygnet.wire import bpf

QUIET_S, LONGEST_S = 0.1, 0.5
"""A change is told once nothing more has come for a moment, or at last after a while."""

_MOST = 10_000
"""Messages that are read before the watch looks up."""
_GROUPS = 0x1 | 0x10 | 0x40 | 0x100 | 0x400
"""RTMGRP_LINK, and RTMGRP_IPV4_ and IPV6_IFADDR and _ROUTE."""
_RTM_NEWLINK, _RTM_DELLINK = 16, 17
_ADDRESSES, _ROUTES = frozenset({20, 21}), frozenset({24, 25})
_MAX_LINKS = 10_000
_TYPE_AT, _TABLE_AT = 4, 20
"""Where ``nlmsg_type`` and ``rtm_table`` stand in a message."""
_RTMSG = Struct("=BBBBBBBBI")
_RTA_TABLE = 15
_CLONED = 0x200
_LOCAL_TABLE, _TUNNEL_TABLE, _MARK_TABLES = 255, 220, range(22000, 22064)
_OWN_TABLES = frozenset({_LOCAL_TABLE, _TUNNEL_TABLE, *_MARK_TABLES})
"""What changes in these follows from addresses, or from tunnels of ours."""


def without_tunnels() -> bpf.Program:
    """A filter that keeps back routes of tunnels: with many peers there is one with every CHILD_SA.

    Each notification is one message. ``nlmsg_type`` is in host order; tables from 256 on are left to
    :meth:`HostWatch.meaning`.
    """
    new, gone = (socket.htons(kind) for kind in sorted(_ROUTES))
    return (
        bpf.Instruction(bpf.LD_H, k=_TYPE_AT),
        bpf.Instruction(bpf.JEQ, 1, 0, new),
        bpf.Instruction(bpf.JEQ, 0, 3, gone),
        bpf.Instruction(bpf.LD_B, k=_TABLE_AT),
        bpf.Instruction(bpf.JEQ, 0, 1, _TUNNEL_TABLE),
        bpf.Instruction(bpf.RET, k=0),
        bpf.Instruction(bpf.RET, k=bpf.EVERYTHING),
    )


class HostWatch:
    """Tells what changed. ``wake`` ends a :meth:`wait` from another thread."""

    def __init__(self) -> None:
        self._netlink = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, socket.NETLINK_ROUTE)
        with suppress(OSError):  # it spares work, no more
            bpf.attach(self._netlink, without_tunnels())
        self._netlink.bind((0, _GROUPS))
        self._netlink.setblocking(False)
        self._woken, self._waker = socket.socketpair()
        self._links = {one.index: one.up for one in links()}

    def fileno(self) -> int:
        """Readable when something may have changed (for ``select``)."""
        return self._netlink.fileno()

    def wait(self) -> AddressChange | None:
        """Block until something has changed and then was quiet for a moment; ``None`` once woken."""
        change: AddressChange | None = None
        deadline = 0.0
        while True:
            timeout = None if change is None else min(QUIET_S, max(0.0, deadline - time.monotonic()))
            ready = select.select([self._netlink, self._woken], [], [], timeout)[0]
            if self._woken in ready:
                return None
            if not ready:
                return change
            more = self.drain()
            if change is None:
                deadline = time.monotonic() + LONGEST_S
            change = _both(change, more)
            if change is not None and time.monotonic() >= deadline:
                return change

    def drain(self) -> AddressChange | None:
        """Read what has come; ``None`` if nothing of it matters."""
        change: AddressChange | None = None
        for _ in range(_MOST):
            try:
                data = self._netlink.recv(RECEIVE)
            except BlockingIOError:
                break
            except OSError:
                return AddressChange()  # some were lost
            for message in split(data):
                change = _both(change, self.meaning(message.kind, message.body))
        return change

    def wake(self) -> None:
        """Let :meth:`wait` return ``None``."""
        with suppress(OSError):
            self._waker.send(b"x")

    def close(self) -> None:
        """Close all sockets."""
        for own in (self._netlink, self._woken, self._waker):
            own.close()

    def meaning(self, kind: int, body: bytes) -> AddressChange | None:
        """What a message of the kernel means here; ``None`` for what does not matter."""
        if kind in _ADDRESSES or (kind in (_RTM_NEWLINK, _RTM_DELLINK) and self._is_news(kind, body)):
            return AddressChange()
        if kind not in _ROUTES:
            return None
        table, flags = _table(body)
        return None if table in _OWN_TABLES or flags & _CLONED else AddressChange(routes_only=True)

    def _is_news(self, kind: int, body: bytes) -> bool:
        """Whether a link went up or down; of a new one its addresses tell, and wireless ones talk much."""
        link = link_in(body)
        if kind == _RTM_DELLINK:
            return self._links.pop(link.index, False)
        if len(self._links) >= _MAX_LINKS:
            self._links.clear()
        before = self._links.get(link.index, link.up)
        self._links[link.index] = link.up
        return before != link.up


def _both(one: AddressChange | None, other: AddressChange | None) -> AddressChange | None:
    if one is None or other is None:
        return one or other
    return AddressChange(one.routes_only and other.routes_only)


def _table(body: bytes) -> tuple[int, int]:
    """The routing table of a route, and its flags."""
    try:
        *_, small, _, _, _, flags = _RTMSG.unpack_from(body)
    except error:
        return 0, 0
    large = attributes(body[_RTMSG.size :]).get(_RTA_TABLE, b"")
    return int.from_bytes(large, sys.byteorder) if len(large) == 4 else small, flags
