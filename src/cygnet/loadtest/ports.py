"""What the core asks of a host (``sa.ports``), at the least cost: the responder is measured."""

import itertools
from collections.abc import Callable

from cygnet.base.addresses import Address, Host
from cygnet.base.selectors import TrafficSelector
from cygnet.charon.sa.ports import Candidate
from cygnet.kernel.port import (
    Difference,
    DropCount,
    Encapsulation,
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
from cygnet.keying.sa.marks import NO_MARKS, Marks

FIRST_SPI, LAST_SPI = 0xC0000000, 0xCFFFFFFF
_EVERYTHING = Features("none", frozenset(range(256)), frozenset(range(256)), frozenset(Mode))


class DiscardKernel:
    """Agrees to everything and keeps nothing; no ESP is carried.

    Every ``step``-th SPI from the ``first`` on is handed out, so that those of processes, and of SAs that an
    earlier run left, are different ones.
    """

    features = _EVERYTHING

    def __init__(self, first: int = 0, step: int = 1) -> None:
        self._spis = itertools.count(first % (LAST_SPI - FIRST_SPI), step)

    def start(self, listener: Callable[[KernelEvent], None]) -> None:
        """Nothing ever happens here."""

    def close(self, flush: bool) -> None:
        """Nothing is left."""

    def allocate_spi(self, source: Address, destination: Address, protocol: IpProtocol) -> int:
        """The next SPI; after the last the first again."""
        return FIRST_SPI + next(self._spis) % (LAST_SPI - FIRST_SPI + 1)

    def allocate_cpi(self, source: Address, destination: Address) -> int:
        """Nothing is compressed here."""
        raise KernelError("a load test has no IPComp")

    def release_cpi(self, source: Address, destination: Address, cpi: int) -> None:
        """There is none."""

    def add_sa(self, spec: SaSpec) -> None:
        """Agreed."""

    def update_sa(self, id: SaId, new: SaId, encapsulation: Encapsulation | None) -> None:
        """Agreed."""

    def migrate(self, sas: tuple[SaMove, ...], policies: tuple[PolicyMove, ...]) -> None:
        """Agreed."""

    def delete_sa(self, id: SaId) -> None:
        """Agreed."""

    def query_sa(self, id: SaId) -> Usage:
        """It has carried nothing."""
        return Usage()

    def drops(self) -> tuple[DropCount, ...]:
        """It has dropped nothing."""
        return ()

    def add_policy(self, spec: PolicySpec) -> None:
        """Agreed."""

    def delete_policy(self, spec: PolicySpec) -> None:
        """Agreed."""

    def install(self, sas: tuple[SaSpec, ...], policies: tuple[PolicySpec, ...]) -> None:
        """Agreed."""

    def remove(self, policies: tuple[PolicySpec, ...], sas: tuple[SaId, ...]) -> None:
        """Agreed."""

    def acquire_failed(self, reqid: int) -> None:
        """Nobody acquires."""

    def open_interface(self, spec: InterfaceSpec) -> Interface:
        """There are none."""
        raise KernelError("a load test has no interfaces")

    def close_interface(self, interface: Interface) -> None:
        """There are none."""

    def view(self) -> KernelView:
        """Nothing is kept."""
        return KernelView("none", (), ())

    def check(self, repair: bool) -> tuple[Difference, ...]:
        """Nothing is kept that could differ."""
        return ()

    def add_address(self, address: Address, device: str) -> None:
        """Forgotten."""

    def delete_address(self, address: Address, device: str) -> None:
        """There is none."""

    def virtual_addresses(self) -> frozenset[Address]:
        """None."""
        return frozenset()

    def source_address(self, destination: Address) -> Address | None:
        """The wires know their addresses."""
        return None

    def local_addresses(self) -> tuple[Address, ...]:
        """None that anybody asks for."""
        return ()


class Numbers:
    """Numbers of rekeyed IKE_SAs and of CHILD_SAs; without policies one reqid serves all."""

    def __init__(self, first_ike: int) -> None:
        self._ike = itertools.count(first_ike)
        self._child = itertools.count(1)

    def ike(self) -> int:
        """The next number."""
        return next(self._ike)

    def child(self) -> int:
        """The next number."""
        return next(self._child)

    def mark(self) -> int:
        """Any; no packet has it."""
        return 1

    def reqid(
        self,
        local: tuple[TrafficSelector, ...],
        remote: tuple[TrafficSelector, ...],
        marks: Marks = NO_MARKS,
    ) -> int:
        """The only one."""
        return 1

    def release_reqid(self, reqid: int) -> None:
        """It stays."""


class NoConnections:
    """Nobody is answered."""

    def candidates(self, local: Host, remote: Host) -> tuple[Candidate, ...]:
        """None."""
        return ()
