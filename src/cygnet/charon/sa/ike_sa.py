"""An IKE_SA: what a shell calls. Effects come back as a list; nothing else leaves (``base.effects``)."""

from itertools import chain

from cygnet.base.addresses import Address, Host
from cygnet.base.effects import Adopt, Effect
from cygnet.base.errors import CygnetError
from cygnet.base.groups import Group
from cygnet.charon.sa import commands, expiry, reauthentication
from cygnet.charon.sa.association import NO_SPI, Association, Hooks
from cygnet.charon.sa.ike_ports import first_local_port
from cygnet.charon.sa.orders import Order
from cygnet.charon.sa.path_found import unfinished
from cygnet.charon.sa.ports import Ports
from cygnet.charon.sa.snapshot import IkeSnapshot
from cygnet.charon.sa.states import IkeState
from cygnet.charon.sa.task_manager import TaskManager
from cygnet.charon.sa.tasks.ike_delete import IkeDelete
from cygnet.charon.sa.tasks.ike_rekey import IkeRekey
from cygnet.charon.sa.tasks.task import Task
from cygnet.charon.sa.timers import HalfOpen, Retry, Timer
from cygnet.charon.sa.transport import Route
from cygnet.keying.config.records import PeerConfig

SETTLING_S = 1.0
"""How long requests of ours wait on an IKE_SA that the peer has just made by rekeying."""


class IkeSa:
    """One IKE_SA (RFC 7296). One caller at a time; ``now`` is monotonic seconds.

    No exception of the peer's making leaves any method. What does leave is a bug; the shell then calls
    :meth:`abandon`.
    """

    def __init__(self, association: Association) -> None:
        self._sa = association
        self._tasks = TaskManager(association)
        association.hooks = Hooks(self._adopt)

    @classmethod
    def initiator(  # noqa: PLR0913 - a constructor in the shell's terms
        cls,
        ports: Ports,
        unique_id: int,
        config: PeerConfig,
        local: Host,
        remote: Host,
        *,
        tries: int = 0,
        succeeds: int = 0,
        virtual_ips: tuple[Address, ...] = (),
    ) -> "IkeSa":
        """A new IKE_SA towards ``remote``; nothing happens before an order.

        ``local`` may be any address: the kernel's choice is taken. The port is chosen here; raises
        :class:`~cygnet.base.errors.LocalError` if it cannot be had. ``succeeds`` is the IKE_SA in whose
        place this one is being made (RFC 7296, 2.8.3); ``virtual_ips`` are what the peer gave us in it.
        """
        if local.is_any:
            local = Host(ports.addresses.source(remote.address) or local.address, local.port)
        local = local.with_port(first_local_port(config, remote, ports.settings))
        association = Association(ports, unique_id, True, _fresh_spi(ports), NO_SPI, local, remote, config)
        association.tries, association.succeeds = tries, succeeds
        association.first, association.virtual.earlier = (local, remote), virtual_ips
        return cls(association)

    @classmethod
    def responder(cls, ports: Ports, unique_id: int, spi: bytes, local: Host, remote: Host) -> "IkeSa":
        """An IKE_SA for the first message that ``Endpoint`` let in; it has to receive that next."""
        return cls(Association(ports, unique_id, False, NO_SPI, spi, local, remote))

    # What happens to it

    def receive(self, data: bytes, source: Host, destination: Host, now: float) -> list[Effect]:
        """One datagram, without the non-ESP marker, whose SPI is ours."""
        sa = self._begin(now)
        if sa.state is IkeState.DESTROYING:
            return []
        if sa.spi_i == NO_SPI:
            sa.spi_i, sa.times.created = data[:8], now
            if sa.ports.settings.half_open_timeout_s:
                sa.schedule(sa.ports.settings.half_open_timeout_s, HalfOpen())
        self._tasks.receive(data, Route(source, destination))
        return self._end()

    def command(self, order: Order, now: float) -> list[Effect]:
        """An order of an operator, a job or the kernel."""
        sa = self._begin(now)
        if sa.state is IkeState.DESTROYING:
            sa.finish(getattr(order, "ticket", 0), False, "the IKE_SA is gone")
            return self._take()
        if sa.state is IkeState.CREATED and not sa.times.created:
            sa.times.created = now
        commands.carry_out(sa, self._tasks, order)
        return self._end()

    def expire(self, timer: Timer, now: float) -> list[Effect]:
        """A timer that was set with ``Schedule``."""
        sa = self._begin(now)
        if sa.state is IkeState.DESTROYING:
            return []
        expiry.handle(sa, self._tasks, timer)
        return self._end()

    def begin(self, now: float) -> list[Effect]:
        """What an IKE_SA that came with ``Adopt`` has to say first; once, right after the adoption."""
        self._begin(now)
        return self._end()

    def abandon(self, now: float) -> list[Effect]:
        """Give up without a message, after a bug: kernel entries go, whoever waits is told."""
        sa = self._begin(now)
        sa.effects.clear()
        self._tasks.abort("internal error")
        return self._take()

    # What it looks like

    @property
    def unique_id(self) -> int:
        """``[n]``."""
        return self._sa.unique_id

    @property
    def spi_local(self) -> bytes:
        """Our SPI."""
        return self._sa.spi_local

    @property
    def name(self) -> str:
        """The connection's name, ``(unnamed)`` while it is not chosen."""
        return self._sa.name

    @property
    def config(self) -> PeerConfig | None:
        """The connection, once chosen."""
        return self._sa.config

    @property
    def state(self) -> IkeState:
        """The state."""
        return self._sa.state

    @property
    def remote(self) -> Host:
        """The peer's host."""
        return self._sa.remote

    @property
    def local(self) -> Host:
        """Our host."""
        return self._sa.local

    @property
    def half_open(self) -> bool:
        """Whether this is a responder whose peer has not authenticated itself."""
        return not self._sa.initiator and self._sa.state in (IkeState.CREATED, IkeState.CONNECTING)

    def snapshot(self, now: float) -> IkeSnapshot:
        """A picture for status commands."""
        sa, tasks, times = self._sa, self._tasks, self._sa.times
        return IkeSnapshot(
            sa.name,
            sa.unique_id,
            sa.state.value,
            sa.initiator,
            sa.local,
            sa.remote,
            sa.local_id,
            sa.remote_id,
            sa.spi_i,
            sa.spi_r,
            sa.proposal.summary() if sa.proposal else "",
            times.established,
            times.rekey,
            times.reauth,
            sa.auth_name,
            tuple(task.name for task in tasks.queued),
            tuple(task.name for task in tasks.active),
            tuple(task.name for task in (*tasks.passive, *sa.series.values())),
            tuple(child.snapshot() for child in sa.children.values()),
            created_at=times.created,
            succeeds=sa.succeeds,
            config=sa.config,
            peer_certificates=tuple(dict.fromkeys(chain.from_iterable(sa.peer_chains))),
            remote_eap_id=sa.remote_eap_id,
            ppk=sa.ppk,
            local_virtual_ips=sa.virtual.local,
            remote_virtual_ips=sa.virtual.remote,
            dns=sa.virtual.servers.dns,
            encrypted_dns=sa.virtual.servers.encrypted,
            next_spi=sa.crossing.ours.spi if sa.crossing.ours is not None else b"",
        )

    # Inside

    def _begin(self, now: float) -> Association:
        self._sa.now = now
        return self._sa

    def _end(self) -> list[Effect]:
        sa = self._sa
        if sa.state is not IkeState.DESTROYING:
            try:
                self._tasks.initiate()
            except CygnetError as error:
                sa.log(Group.IKE, f"{sa} ends: {error}")
                self._tasks.abort(str(error))
            reauthentication.conclude(sa, self._tasks)
        if sa.state is IkeState.DESTROYING:
            self._tasks.abort("the IKE_SA is gone")
        elif sa.state not in (IkeState.CREATED, IkeState.CONNECTING):
            sa.handshake = None
        return self._take()

    def _take(self) -> list[Effect]:
        effects, self._sa.effects = self._sa.effects, []
        return effects

    def _adopt(self, association: Association) -> None:
        """An IKE_SA made by rekeying: unless it is redundant, what waits here goes to it.

        So does what a move has begun. Only the deletion of the old one stays.
        """
        new = IkeSa(association)
        if association.state is IkeState.ESTABLISHED:
            self._move_waiting(new)
        self._sa.effects.append(Adopt(new))

    def _move_waiting(self, new: "IkeSa") -> None:
        sa, association = self._sa, new._sa
        for task in (*self._tasks.queued, *sa.wanted):
            if isinstance(task, IkeDelete) and not task.ordered:
                continue
            (self._tasks.queued if task in self._tasks.queued else sa.wanted).remove(task)
            if isinstance(task, IkeRekey):
                sa.finish(task.ticket, True, "the IKE_SA was rekeyed")
                continue
            if isinstance(task, IkeDelete):
                association.cause = sa.cause
            _want(association, task)
        for task in unfinished(association, self._tasks.active):
            _want(association, task)


def _want(sa: Association, task: Task) -> None:
    """Unless we are its initiator, the peer has the new one only once it has our response."""
    task.sa = sa
    task.not_before = max(task.not_before, sa.now if sa.initiator else sa.now + SETTLING_S)
    sa.wanted.append(task)
    if task.not_before > sa.now:
        sa.schedule(task.not_before - sa.now, Retry())


def _fresh_spi(ports: Ports) -> bytes:
    spi = ports.rng(8)
    return spi if spi != NO_SPI else ports.rng(8)
