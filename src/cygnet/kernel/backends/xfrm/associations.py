"""SAs in the kernel: reserving SPIs, installing, moving, asking, removing; and what we know of our own."""

import errno
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace

from cygnet.base.addresses import Address
from cygnet.kernel.backends.netlink import Netlink, RefusedError, attributes
from cygnet.kernel.backends.xfrm.constants import Attr, Kind
from cygnet.kernel.backends.xfrm.errors import other_error, sa_error, sa_text
from cygnet.kernel.backends.xfrm.moving import Relocation, relocate
from cygnet.kernel.backends.xfrm.owner import Owner
from cygnet.kernel.backends.xfrm.sa_layout import SA_INFO_SIZE, SaInfo, pack_sa_name
from cygnet.kernel.backends.xfrm.states import (
    compression_id,
    compression_request,
    encapsulation_attribute,
    naming,
    sa_request,
    spi_request,
)
from cygnet.kernel.port import DropCount, Encapsulation, IpProtocol, KernelError, SaId, SaSpec, Usage

CPIS = (0x100, 0xEFFF)
"""CPIs to be negotiated (RFC 3173, 3.3)."""
_GONE = errno.ESRCH

Clock = Callable[[], float]


class Associations:
    """Our SAs. ``offload`` makes the attributes to try, in order, for one that a network card handles."""

    def __init__(
        self,
        netlink: Netlink,
        owner: Owner,
        spis: tuple[int, int],
        clock: Clock,
        offload: Callable[[SaSpec], tuple[bytes, ...]],
    ) -> None:
        """``clock`` gives POSIX seconds."""
        self._netlink = netlink
        self._owner = owner
        self._spis = spis
        self._clock = clock
        self._offload = offload
        self._lock = threading.Lock()
        self._installed: dict[SaId, SaSpec] = {}  # without keys
        self._reserved: dict[tuple[Address, IpProtocol, int], SaId] = {}

    def allocate(self, source: Address, destination: Address, protocol: IpProtocol) -> int:
        """A reserved SPI, or for IPCOMP a CPI; raises :class:`KernelError`."""
        low, high = CPIS if protocol is IpProtocol.IPCOMP else self._spis
        wanted = SaId(source, destination, protocol, 0)
        body = spi_request(wanted, self._owner.reservation, low, high)
        try:
            _, answers = self._netlink.ask(Kind.ALLOCATE_SPI, body)
        except RefusedError as error:
            raise other_error(error, f"allocating an SPI for {protocol.name} at {destination}") from error
        if not answers:
            raise KernelError("the kernel answered an SPI request with nothing")
        spi = SaInfo.unpack(answers[0].body).spi
        with self._lock:
            self._reserved[destination, protocol, spi] = replace(wanted, spi=spi)
        return spi

    def add(self, spec: SaSpec) -> None:
        """Install an SA, and the IPComp SA inside; raises :class:`KernelError`, and then nothing is left."""
        if spec.id in self._installed:
            raise KernelError(f"{sa_text(spec)} exists already")
        if spec.compression is not None:
            self._install(compression_id(spec), compression_request(spec, self._owner.sequence()), spec)
        try:
            self._install_offloaded(spec)
        except KernelError:
            if spec.compression is not None:
                self._delete(compression_id(spec), spec)
            raise
        bare = replace(spec, encryption=None, integrity=None)
        with self._lock:
            self._installed[spec.id] = bare

    def move(self, id: SaId, new: SaId, encapsulation: Encapsulation | None) -> None:
        """Give an SA other outer addresses or ports (:mod:`.moving`); raises :class:`KernelError`."""
        spec = self._installed.get(id)
        if spec is None:
            raise KernelError(f"no {id.protocol.name} SA {id.spi:08x} to {id.destination} to update")
        if (id.spi, id.protocol) != (new.spi, new.protocol):
            raise KernelError("SPI and protocol of an SA cannot change")
        moved = replace(spec, id=new, encapsulation=encapsulation)
        if spec.compression is not None and id != new:
            inner = Relocation(compression_id(spec), compression_id(moved), spec, b"")
            relocate(self._netlink, inner)
        ports = encapsulation_attribute(encapsulation, moved)
        relocate(self._netlink, Relocation(id, new, spec, ports))
        self.renamed(id, new, encapsulation)

    def renamed(self, id: SaId, new: SaId, encapsulation: Encapsulation | None) -> None:
        """The kernel has moved an SA."""
        with self._lock:
            spec = self._installed.pop(id)
            self._installed[new] = replace(spec, id=new, encapsulation=encapsulation)

    def delete(self, id: SaId) -> SaSpec | None:
        """Remove an SA or a reservation, gone or not; what it was. Raises :class:`KernelError`."""
        with self._lock:
            spec = self._installed.pop(id, None)
            self._reserved.pop((id.destination, id.protocol, id.spi), None)
        self._delete(id, spec)
        if spec is not None and spec.compression is not None:
            with self._lock:
                self._reserved.pop((id.destination, IpProtocol.IPCOMP, spec.compression.cpi), None)
            self._delete(compression_id(spec), spec)
        return spec

    def query(self, id: SaId) -> Usage:
        """What an SA has carried; raises :class:`KernelError` for one not there."""
        try:
            _, answers = self._netlink.ask(Kind.GET_SA, naming(id, self._installed.get(id)))
        except RefusedError as error:
            raise other_error(error, f"asking for {id.protocol.name} SA {id.spi:08x}") from error
        if not answers:
            raise KernelError(f"no {id.protocol.name} SA {id.spi:08x}")
        return usage_of(answers[0].body, self._clock())

    def known(self, id: SaId) -> SaSpec | None:
        """An SA of ours, without its keys."""
        return self._installed.get(id)

    def installed(self) -> tuple[SaSpec, ...]:
        """All SAs of ours, without their keys."""
        with self._lock:
            return tuple(self._installed.values())

    def reservations(self) -> tuple[SaId, ...]:
        """SPIs and CPIs without an SA."""
        with self._lock:
            return tuple(self._reserved.values())

    def flush(self) -> None:
        """Remove all of ours, as far as the kernel lets us."""
        for spec in self.installed():
            with suppress(KernelError):
                self.delete(spec.id)
        for reserved in self.reservations():
            with suppress(KernelError):
                self.delete(reserved)

    def _install_offloaded(self, spec: SaSpec) -> None:
        """As the first of the attributes that the network card takes says."""
        *harder, last = self._offload(spec)
        for attribute in harder:
            with suppress(KernelError):
                self._install(spec.id, sa_request(spec, self._owner.sequence(), attribute), spec)
                return
        self._install(spec.id, sa_request(spec, self._owner.sequence(), last), spec)

    def _install(self, id: SaId, body: bytes, spec: SaSpec) -> None:
        """Over the reservation if there is one; the kernel forgets it after a while."""
        with self._lock:
            reserved = self._reserved.pop((id.destination, id.protocol, id.spi), None)
        try:
            if reserved is not None and self._replace(body):
                return
            self._netlink.ask(Kind.NEW_SA, body)
        except RefusedError as error:
            if reserved is not None:
                with suppress(RefusedError):
                    self._netlink.ask(Kind.DELETE_SA, pack_sa_name(id))
            raise sa_error(error, spec) from error

    def _replace(self, body: bytes) -> bool:
        try:
            self._netlink.ask(Kind.UPDATE_SA, body)
        except RefusedError as error:
            if error.number == _GONE:
                return False
            raise
        return True

    def _delete(self, id: SaId, spec: SaSpec | None) -> None:
        try:
            self._netlink.ask(Kind.DELETE_SA, naming(id, spec))
        except RefusedError as error:
            if error.number != _GONE:
                raise other_error(error, f"deleting {id.protocol.name} SA {id.spi:08x}") from error


def usage_of(body: bytes, now: float) -> Usage:
    """The counters in a description of an SA; ``now`` is POSIX seconds."""
    info = SaInfo.unpack(body)
    last = attributes(body[SA_INFO_SIZE:]).get(Attr.LASTUSED, b"")
    used = int.from_bytes(last, sys.byteorder) or info.current.used_s
    _, replayed, forged = info.statistics
    counts = (DropCount("replayed", replayed), DropCount("not authentic", forged))
    lost = tuple(one for one in counts if one.packets)
    return Usage(info.current.octets, info.current.packets, max(0.0, now - used) if used else None, lost)
