"""The versions of IKE in a load test: each makes initiators' SAs of its daemon's core, without a log."""

import os
from collections.abc import Callable
from typing import Any, Protocol, cast

from cygnet.base.addresses import Host
from cygnet.base.effects import Effect
from cygnet.base.groups import Group, Level
from cygnet.charon.sa import association as ikev2_association
from cygnet.charon.sa import events as ikev2_events
from cygnet.charon.sa import orders as ikev2_orders
from cygnet.charon.sa import timers as ikev2_timers
from cygnet.charon.sa.ike_sa import IkeSa as Ikev2Sa
from cygnet.charon.sa.ports import Ports as Ikev2Ports
from cygnet.charon.sa.tasks.ike_init import first_method
from cygnet.crypto.interfaces import KeyPair
from cygnet.crypto.key_exchange import ke_method
from cygnet.crypto.proposals import Proposal
from cygnet.loadtest.plan import Plan
from cygnet.loadtest.ports import DiscardKernel, NoConnections, Numbers
from cygnet.loadtest.wires import Wire
from cygnet.pluto.config.settings import DaemonSettings
from cygnet.pluto.encoding.message import NO_COOKIE
from cygnet.pluto.sa import association as ikev1_association
from cygnet.pluto.sa import events as ikev1_events
from cygnet.pluto.sa import orders as ikev1_orders
from cygnet.pluto.sa import timers as ikev1_timers
from cygnet.pluto.sa.ike_sa import IkeSa as Ikev1Sa
from cygnet.pluto.sa.ports import Ports as Ikev1Ports

Finished = ikev2_events.Finished | ikev1_events.Finished
"""An order's outcome."""
Retransmit = ikev2_timers.Retransmit | ikev1_timers.Retransmit
"""The timer of what was not answered."""

Rng = Callable[[int], bytes]


class Sa(Protocol):
    """An initiator's IKE_SA."""

    @property
    def spi_local(self) -> bytes:
        """Our SPI, or cookie."""

    def begin(self, now: float) -> list[Effect]:
        """What one says first that another made."""

    def receive(self, data: bytes, source: Host, destination: Host, now: float) -> list[Effect]:
        """A message of the responder."""

    def command(self, order: Any, now: float) -> list[Effect]:
        """An order of :class:`Version`."""

    def expire(self, timer: Any, now: float) -> list[Effect]:
        """A timer."""

    def abandon(self, now: float) -> list[Effect]:
        """Give up after a fault of ours."""


class Version(Protocol):
    """One version of IKE."""

    def make(self, number: int, wire: Wire, target: Host) -> Sa:
        """The SA of initiator ``number``; nothing is sent yet."""

    def initiate(self, number: int, ticket: int) -> object:
        """The order to establish all that initiator ``number`` wants."""

    def terminate(self, ticket: int) -> object:
        """The order to delete everything."""


class _QuietIkev2(ikev2_association.Association):
    """Without a log, which nobody would read here."""

    __slots__ = ()

    def log(self, group: Group, text: str, level: Level = Level.CONTROL) -> None:
        """Nothing is said."""


class _QuietIkev1(ikev1_association.Association):
    """Without a log, too."""

    __slots__ = ()

    def log(self, group: Group, text: str, level: Level = Level.CONTROL) -> None:
        """Nothing is said."""


class Ikev2:
    """IKE_SA_INIT and IKE_AUTH by charon's core. ``key_pair``, with its method, serves all handshakes."""

    def __init__(
        self, plan: Plan, kernel: DiscardKernel, numbers: Numbers, rng: Rng,
        key_pair: tuple[int, KeyPair] | None = None,
    ) -> None:  # fmt: skip
        self._plan, self._key_pair = plan, key_pair
        self._ports = Ikev2Ports(plan.credentials(), NoConnections(), kernel, numbers, rng, plan.settings)

    def make(self, number: int, wire: Wire, target: Host) -> Sa:
        """An IKE_SA."""
        config, spi = self._plan.connection(number), self._ports.rng(8)
        association = _QuietIkev2(
            self._ports, number, True, spi, ikev2_association.NO_SPI, wire.local, target, config
        )
        if self._key_pair is not None and association.handshake is not None:
            association.handshake.exchanges.begin_with(*self._key_pair)
        return Ikev2Sa(association)

    def initiate(self, number: int, ticket: int) -> object:
        """One CHILD_SA."""
        return ikev2_orders.Initiate(self._plan.connection(number).children[0], ticket=ticket)

    def terminate(self, ticket: int) -> object:
        """The responder confirms it."""
        return ikev2_orders.TerminateIke(ticket)


class Ikev1:
    """Main mode and quick mode by pluto's core; no INITIAL-CONTACT, as for IKEv2."""

    def __init__(
        self, plan: Plan, kernel: DiscardKernel, numbers: Numbers, rng: Rng,
        key_pair: tuple[int, KeyPair] | None = None,
    ) -> None:  # fmt: skip
        self._plan, self._key_pair = plan, key_pair
        both = plan.settings
        settings = DaemonSettings(
            port=both.port, port_nat_t=both.port_nat_t, retransmit_timeout_s=both.retransmit_timeout_s,
            retransmit_tries=both.retransmit_tries, keep_alive_s=0.0,
        )  # fmt: skip
        nobody = cast(Any, None)  # no connection of a load test has users or mode config
        self._ports = Ikev1Ports(
            plan.credentials(), cast(Any, NoConnections()), nobody, nobody, kernel, numbers, rng, settings
        )

    def make(self, number: int, wire: Wire, target: Host) -> Sa:
        """An ISAKMP SA."""
        config, cookie = self._plan.connection_of_ikev1(number), self._ports.rng(8)
        association = _QuietIkev1(
            self._ports, number, True, cookie, NO_COOKIE, wire.local, target, config,
            first_contact=False,
        )  # fmt: skip
        if self._key_pair is not None and association.handshake is not None:
            association.handshake.prepared = self._key_pair
        return Ikev1Sa(association)

    def initiate(self, number: int, ticket: int) -> object:
        """One IPsec SA in each direction."""
        return ikev1_orders.Initiate(self._plan.connection_of_ikev1(number).children[0], ticket=ticket)

    def terminate(self, ticket: int) -> object:
        """Nobody confirms it (RFC 2408, 3.15)."""
        return ikev1_orders.TerminateIke(ticket)


def reused_pair(ike: tuple[Proposal, ...]) -> tuple[int, KeyPair]:
    """The key pair of ``--reuse-keys`` with its method's number: the first of ``--ike``."""
    method = first_method(ike)
    return method, ke_method(method).generate(os.urandom)
