"""What the kernel tells by itself, as events of the port; one thread reads it."""

import errno
import select
import socket
import struct
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from struct import Struct

from cygnet.base.addresses import Host
from cygnet.kernel.backends.host_watch import QUIET_S, HostWatch
from cygnet.kernel.backends.netlink import RECEIVE, Message, attributes, split
from cygnet.kernel.backends.xfrm.constants import DIRECTIONS_BACK, NETLINK_XFRM, Attr, Group, Kind
from cygnet.kernel.backends.xfrm.policy_layout import (
    POLICY_NAME_SIZE,
    POLICY_SIZE,
    Migration,
    PolicyInfo,
    unpack_km_address,
    unpack_policy_name,
    unpack_templates,
)
from cygnet.kernel.backends.xfrm.primitives import SELECTOR_SIZE, Selector, unpack_address
from cygnet.kernel.backends.xfrm.sa_layout import SA_INFO_SIZE, SA_NAME_SIZE, SaInfo, unpack_sa_name
from cygnet.kernel.backends.xfrm.selectors import host_selectors
from cygnet.kernel.port import (
    Acquire,
    Expire,
    IpProtocol,
    KernelEvent,
    MappingChange,
    Migrate,
    SaId,
)

_ACQUIRE_SELECTOR_AT = 24 + 16
_ACQUIRE_POLICY_AT = _ACQUIRE_SELECTOR_AT + SELECTOR_SIZE
_ACQUIRE_SIZE = _ACQUIRE_POLICY_AT + POLICY_SIZE + 16
_MAPPING = Struct("=I16s16s2s2s")
_BUFFER = 4 << 20
_SO_RCVBUFFORCE = 33
_KEYED = (IpProtocol.ESP, IpProtocol.AH)

Decoder = Callable[[bytes], KernelEvent | None]
Log = Callable[[int, str], None]


class EventReader:
    """Reads XFRM events and address changes on a thread of its own and hands them to a listener.

    ``owns`` recognises the indices of our policies. Raises ``OSError`` when there is no such socket.
    """

    def __init__(self, owns: Callable[[int], bool], log: Log) -> None:
        self._owns = owns
        self._log = log
        self._watch = HostWatch()
        self._woken, self._waker = socket.socketpair()
        self._netlink = _open()
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self, listener: Callable[[KernelEvent], None]) -> None:
        """Begin to deliver."""
        self._thread = threading.Thread(target=self._run, args=(listener,), name="kernel-events", daemon=True)
        self._thread.start()

    def close(self, patience_s: float) -> None:
        """End the thread and close everything."""
        self._stop.set()
        self._waker.send(b"x")
        if self._thread is not None and self._thread is not threading.current_thread():
            self._thread.join(patience_s)
        for own in (self._netlink, self._woken, self._waker):
            own.close()
        self._watch.close()

    def _run(self, listener: Callable[[KernelEvent], None]) -> None:
        events, changes, woken = self._netlink.fileno(), self._watch.fileno(), self._woken.fileno()
        due_s: float | None = None  # when to tell of a change of addresses
        while not self._stop.is_set():
            watched = [events, woken] if due_s else [events, woken, changes]
            wait_s = max(0.0, due_s - time.monotonic()) if due_s else None
            ready = select.select(watched, [], [], wait_s)[0]
            if events in ready:
                for message in self._read():
                    self._deliver(listener, decode(message, self._owns))
            if changes in ready:
                due_s = time.monotonic() + QUIET_S
            elif due_s and time.monotonic() >= due_s:
                due_s = None
                self._deliver(listener, self._watch.drain())

    def _read(self) -> list[Message]:
        try:
            data, sender = self._netlink.recvfrom(RECEIVE)
        except BlockingIOError:
            return []
        except OSError as error:
            lost = error.errno == errno.ENOBUFS
            self._log(1, "kernel events were lost" if lost else f"reading kernel events failed: {error}")
            return []
        return list(split(data)) if sender[0] == 0 else []

    def _deliver(self, listener: Callable[[KernelEvent], None], event: KernelEvent | None) -> None:
        if event is None:
            return
        try:
            listener(event)
        except Exception as error:
            self._log(1, f"kernel event {type(event).__name__} failed: {error!r}")


def decode(message: Message, owns: Callable[[int], bool]) -> KernelEvent | None:
    """The event in a message; ``None`` for what does not concern us or cannot be read."""
    with suppress(struct.error, ValueError, KeyError, IndexError):
        if message.kind == Kind.ACQUIRE:
            return _acquire(message.body, owns)
        decoder = _DECODERS.get(message.kind)
        return decoder(message.body) if decoder is not None else None
    return None


def _acquire(body: bytes, owns: Callable[[int], bool]) -> Acquire | None:
    """``struct xfrm_user_acquire``; only the template of ESP or AH counts, which comes last."""
    if not owns(PolicyInfo.unpack(body, _ACQUIRE_POLICY_AT).index):
        return None
    found = attributes(body[_ACQUIRE_SIZE:])
    reqid = unpack_templates(found[Attr.TMPL])[-1].reqid
    source, destination = host_selectors(Selector.unpack(body, _ACQUIRE_SELECTOR_AT))
    cpu = struct.unpack("=I", found[Attr.SA_PCPU])[0] if Attr.SA_PCPU in found else None
    return Acquire(reqid, source, destination, cpu)


def _expire(body: bytes) -> Expire | None:
    """``struct xfrm_user_expire``: the SA, and whether it is gone."""
    info = SaInfo.unpack(body)
    if info.id is None or info.id.protocol not in _KEYED:
        return None
    return Expire(info.id, bool(body[SA_INFO_SIZE]))


def _mapping(body: bytes) -> MappingChange | None:
    """``struct xfrm_user_mapping``: ESP in UDP has come from elsewhere."""
    destination, spi, protocol, family = unpack_sa_name(body)
    _, old, new, _, port = _MAPPING.unpack_from(body, SA_NAME_SIZE)
    moved = SaId(unpack_address(old, family), destination, IpProtocol(protocol), spi)
    return MappingChange(moved, Host(unpack_address(new, family), int.from_bytes(port)))


def _migrate(body: bytes) -> Migrate | None:
    """Without XFRMA_KMADDRESS it was ourselves."""
    selector, direction = unpack_policy_name(body)
    found = attributes(body[POLICY_NAME_SIZE:])
    local, remote = unpack_km_address(found[Attr.KMADDRESS])
    reqid = Migration.unpack(found[Attr.MIGRATE]).reqid
    return Migrate(reqid, DIRECTIONS_BACK[direction], *host_selectors(selector), local, remote)


_DECODERS: dict[int, Decoder] = {Kind.EXPIRE: _expire, Kind.MAPPING: _mapping, Kind.MIGRATE: _migrate}


def _open() -> socket.socket:
    """A socket in the groups of all events, with a large buffer where that is permitted."""
    own = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, NETLINK_XFRM)
    try:
        with suppress(OSError):
            own.setsockopt(socket.SOL_SOCKET, _SO_RCVBUFFORCE, _BUFFER)
        own.setblocking(False)
        own.bind((0, Group.ACQUIRE | Group.EXPIRE | Group.MIGRATE | Group.MAPPING))
    except OSError:
        own.close()
        raise
    return own
