"""The kernel port over the kernel's own IPsec."""

import secrets
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from cygnet.base.addresses import Address
from cygnet.base.errors import LocalError
from cygnet.crypto import tables
from cygnet.kernel.backends import host, together
from cygnet.kernel.backends.netlink import Netlink, RefusedError
from cygnet.kernel.backends.virtual_addresses import Addresses, Counted
from cygnet.kernel.backends.xfrm import holdings, inspection
from cygnet.kernel.backends.xfrm.associations import Associations
from cygnet.kernel.backends.xfrm.constants import NETLINK_XFRM
from cygnet.kernel.backends.xfrm.devices import Devices
from cygnet.kernel.backends.xfrm.errors import other_error, socket_error
from cygnet.kernel.backends.xfrm.events import EventReader, Log
from cygnet.kernel.backends.xfrm.inspection import Comparison, Parts
from cygnet.kernel.backends.xfrm.migration import migrate_in_kernel
from cygnet.kernel.backends.xfrm.next_hops import NextHops, wants_route
from cygnet.kernel.backends.xfrm.offload import Offloads, interface_of
from cygnet.kernel.backends.xfrm.owner import Owner, load_owner, write
from cygnet.kernel.backends.xfrm.policies import Policies
from cygnet.kernel.backends.xfrm.routes import Routes
from cygnet.kernel.backends.xfrm.settings import ACQUIRE_SYSCTL, XfrmSettings
from cygnet.kernel.port import (
    AddressChange,
    Difference,
    DropCount,
    Encapsulation,
    Expire,
    Features,
    Interface,
    InterfaceSpec,
    IpProtocol,
    KernelError,
    KernelEvent,
    KernelView,
    Mode,
    PolicyMove,
    PolicySpec,
    SaId,
    SaMove,
    SaSpec,
    Usage,
)

_DEFLATE = 2
_JOIN_S = 2.0
_RETRY_S = 5.0
"""How long after an acquire that came to nothing packets may ask again."""

FEATURES = Features(
    "xfrm",
    frozenset(row.number for row in tables.ENCRYPTION if row.kernel),
    frozenset(row.number for row in tables.INTEGRITY if row.kernel),
    frozenset(Mode),
    frozenset(IpProtocol),
    frozenset({_DEFLATE}),
    bindings=True,
)
"""What XFRM has; which modules a kernel has shows when an SA is added, and is said then."""


class XfrmKernel:
    """Speaks netlink XFRM in this process's network namespace."""

    features = FEATURES

    def __init__(self, settings: XfrmSettings, log: Log) -> None:
        self._settings = settings
        self._log = log
        self._parts: Parts | None = None
        self._events: EventReader | None = None
        self._routing = threading.Lock()
        self._retries: dict[int, threading.Timer] = {}
        self._addresses = Counted(Addresses(0))

    def start(self, listener: Callable[[KernelEvent], None]) -> None:
        """Find our mark, remove what bears it, deliver events; raises :class:`KernelError`."""
        try:
            netlink = Netlink(NETLINK_XFRM)
            owner = self._owner(netlink)
            self._clear(netlink, owner)
            self._parts = self._build(netlink, owner)
            self._events = EventReader(owner.owns, self._log)
        except RefusedError as error:
            raise other_error(error, "looking for what an earlier daemon left in the kernel") from error
        except OSError as error:
            raise socket_error(error) from error
        self._let_acquires_last()
        self._events.start(lambda event: self._hear(event, listener))

    def close(self, flush: bool) -> None:
        """End; with ``flush`` nothing of ours stays."""
        if self._events is not None:
            self._events.close(_JOIN_S)
        with self._routing:
            for timer in self._retries.values():
                timer.cancel()
        parts, self._parts = self._parts, None
        if parts is None:
            return
        if flush:
            self._addresses.close()
            parts.policies.flush()
            parts.associations.flush()
            with suppress(RefusedError, OSError):
                holdings.clear(parts.netlink, parts.owner)
            parts.devices.clear()
            if parts.table is not None:
                parts.table.clear()
            with suppress(OSError):
                write(self._settings.state_file, parts.owner, busy=False)
        if parts.table is not None:
            parts.table.close()
        parts.netlink.close()

    def allocate_spi(self, source: Address, destination: Address, protocol: IpProtocol) -> int:
        """A reserved SPI."""
        return self._own.associations.allocate(source, destination, protocol)

    def allocate_cpi(self, source: Address, destination: Address) -> int:
        """A reserved CPI."""
        return self._own.associations.allocate(source, destination, IpProtocol.IPCOMP)

    def release_cpi(self, source: Address, destination: Address, cpi: int) -> None:
        """Give a CPI back."""
        self._own.associations.delete(SaId(source, destination, IpProtocol.IPCOMP, cpi))

    def add_sa(self, spec: SaSpec) -> None:
        """Install an SA, with IPComp two."""
        self._own.associations.add(spec)

    def update_sa(self, id: SaId, new: SaId, encapsulation: Encapsulation | None) -> None:
        """Move an SA."""
        self._own.associations.move(id, new, encapsulation)

    def migrate(self, sas: tuple[SaMove, ...], policies: tuple[PolicyMove, ...]) -> None:
        """Move SAs and policies: by the kernel's own means where they reach, else one by one."""
        parts = self._own
        if not migrate_in_kernel(parts, sas, policies):
            together.migrate(self, sas, policies)
            return
        for policy in policies:
            self._unroute(policy.old)
            self._route(policy.new)

    def delete_sa(self, id: SaId) -> None:
        """Remove an SA or a reservation."""
        spec = self._own.associations.delete(id)
        if spec is not None and not spec.inbound:
            with suppress(RefusedError):
                self._own.policies.forget_spi(id.spi)

    def query_sa(self, id: SaId) -> Usage:
        """What an SA has carried."""
        return self._own.associations.query(id)

    def drops(self) -> tuple[DropCount, ...]:
        """What the kernel has dropped for everybody."""
        return inspection.drops(inspection.STATISTICS)

    def add_policy(self, spec: PolicySpec) -> None:
        """Install or count a policy, and its route."""
        if self._own.policies.add(spec):
            self._route(spec)

    def delete_policy(self, spec: PolicySpec) -> None:
        """Take back one use of a policy."""
        if self._own.policies.remove(spec):
            self._unroute(spec)

    def install(self, sas: tuple[SaSpec, ...], policies: tuple[PolicySpec, ...]) -> None:
        """One after the other; a refusal takes back what came before it."""
        together.install(self, sas, policies)

    def remove(self, policies: tuple[PolicySpec, ...], sas: tuple[SaId, ...]) -> None:
        """One after the other."""
        together.remove(self, policies, sas)

    def acquire_failed(self, reqid: int) -> None:
        """The kernel waits as long for an SA as negotiations last: end that, but not at once."""
        timer = threading.Timer(_RETRY_S, self._ask_again, (reqid,))
        timer.daemon = True
        with self._routing:
            if reqid in self._retries:
                return
            self._retries[reqid] = timer
        timer.start()

    def open_interface(self, spec: InterfaceSpec) -> Interface:
        """A connection's interface."""
        return self._own.devices.open(spec)

    def close_interface(self, interface: Interface) -> None:
        """One user less."""
        self._own.devices.close(interface)

    def view(self) -> KernelView:
        """What the kernel holds."""
        with self._routing:
            return inspection.view(self._own)

    def check(self, repair: bool) -> tuple[Difference, ...]:
        """Where the kernel holds something else than we told it."""
        with self._routing:
            return Comparison(self._own, repair).differences()

    def add_address(self, address: Address, device: str) -> None:
        """Give this host an address, on the loopback interface unless another is named."""
        self._addresses.add_address(address, device)

    def delete_address(self, address: Address, device: str) -> None:
        """Take back one use of an address."""
        self._addresses.delete_address(address, device)

    def virtual_addresses(self) -> frozenset[Address]:
        """Those that are in use."""
        return self._addresses.virtual_addresses()

    def source_address(self, destination: Address) -> Address | None:
        """The address this host uses towards ``destination`` outside all tunnels."""
        return host.source_address(destination)

    def local_addresses(self) -> tuple[Address, ...]:
        """This host's addresses."""
        return host.local_addresses()

    @property
    def _own(self) -> Parts:
        if self._parts is None:
            raise KernelError("kernel backend xfrm has not been started")
        return self._parts

    def _owner(self, netlink: Netlink) -> Owner:
        path = self._settings.state_file
        try:
            return load_owner(path, lambda: _marks_in_use(netlink), secrets.randbelow)
        except OSError as error:
            raise KernelError(f"{path} cannot be written: {error.strerror or error}") from error

    def _clear(self, netlink: Netlink, owner: Owner) -> None:
        sas, policies = holdings.clear(netlink, owner)
        if sas or policies:
            self._log(1, f"removed {sas} SAs and {policies} policies that an earlier charon left behind")
        addresses = Addresses(owner.metric)
        for address in addresses.clear(owner.owns):
            self._log(1, f"removed virtual address {address} that an earlier charon left behind")
        self._addresses = Counted(addresses)

    def _build(self, netlink: Netlink, owner: Owner) -> Parts:
        from pyroute2 import IPRoute

        from cygnet.kernel.backends.xfrm.route_table import RouteTable

        settings, offloads = self._settings, Offloads(interface_of)
        spis, clock = settings.spis, time.time
        associations = Associations(netlink, owner, spis, clock, offloads.for_sa)
        policies = Policies(netlink, owner, offloads.for_policy)
        devices = Devices(owner.tag, IPRoute)
        devices.clear()
        table = routes = None
        if settings.install_routes:
            table = RouteTable(settings.table, settings.priority, settings.rank)
            table.start()
            hops = NextHops(table, host.local_addresses, devices.index_of)
            routes = Routes(table, hops.choose)
        return Parts(netlink, owner, associations, policies, devices, table, routes, clock)

    def _let_acquires_last(self) -> None:
        seconds = self._settings.acquire_s
        if not seconds:
            return
        try:
            ACQUIRE_SYSCTL.write_text(str(seconds), "ascii")
        except OSError as error:
            self._log(2, f"net.core.xfrm_acq_expires cannot be set to {seconds} s: {error.strerror}")

    def _hear(self, event: KernelEvent, listener: Callable[[KernelEvent], None]) -> None:
        """An event, if it is about us: of expiries the kernel tells everybody."""
        if isinstance(event, AddressChange):
            self._with_routes(lambda routes: routes.refresh())
        if isinstance(event, Expire) and self._own.associations.known(event.id) is None:
            return
        listener(event)

    def _ask_again(self, reqid: int) -> None:
        with self._routing:
            self._retries.pop(reqid, None)
        parts = self._parts
        if parts is None:
            return
        try:
            holdings.end_acquires(parts.netlink, {reqid})
        except RefusedError as error:
            self._log(1, f"ending the acquire of reqid {reqid} failed: {error}")

    def _route(self, spec: PolicySpec) -> None:
        if wants_route(spec):
            self._with_routes(lambda routes: routes.add(spec))

    def _unroute(self, spec: PolicySpec) -> None:
        if wants_route(spec):
            self._with_routes(lambda routes: routes.remove(spec))

    def _with_routes(self, action: Callable[[Any], None]) -> None:
        """IPsec works without a route too, so that a refusal is only logged."""
        routes = self._own.routes
        if routes is None:
            return
        with self._routing:
            try:
                action(routes)
            except LocalError as error:
                self._log(1, str(error))


def _marks_in_use(netlink: Netlink) -> list[int]:
    return holdings.marks_in_use(netlink) + Addresses(0).marks()
