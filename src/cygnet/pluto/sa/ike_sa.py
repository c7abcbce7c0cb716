"""An ISAKMP SA: what a shell calls. Effects come back as a list; nothing else leaves (``base.effects``)."""

from cygnet.base.addresses import Host
from cygnet.base.effects import Effect
from cygnet.pluto.config.records import PeerConfig
from cygnet.pluto.encoding.message import NO_COOKIE
from cygnet.pluto.sa import agenda, commands, expiry, succession
from cygnet.pluto.sa.arrivals import Route
from cygnet.pluto.sa.association import Association, fresh_cookie
from cygnet.pluto.sa.exchanges import Exchanges
from cygnet.pluto.sa.orders import Order, TakeOver
from cygnet.pluto.sa.ports import Ports
from cygnet.pluto.sa.snapshot import IkeSnapshot
from cygnet.pluto.sa.states import IkeState
from cygnet.pluto.sa.timers import HalfOpen, Timer

MAX_ROUNDS = 16
"""How often what was begun may lead to something else to begin, in one call."""


class IkeSa:
    """One ISAKMP SA (RFC 2408). One caller at a time; ``now`` is monotonic seconds.

    No exception of the peer's making leaves any method. What does leave is a bug; the shell then calls
    :meth:`abandon`.
    """

    def __init__(self, association: Association) -> None:
        self._sa = association
        self._exchanges = Exchanges(association)
        self._understood = False  # the first message, by a responder
        association.make_successor = self._successor

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
        replaces: int = 0,
        first_contact: bool = False,
    ) -> "IkeSa":
        """A new ISAKMP SA towards ``remote``; nothing happens before an order, or :meth:`begin`.

        ``first_contact``: there is no other SA with the peer, so that INITIAL-CONTACT may be said.
        """
        cookie = fresh_cookie(ports.rng)
        sa = Association(ports, unique_id, True, cookie, NO_COOKIE, local, remote, config)
        sa.tries, sa.replaces, sa.first_contact = tries, replaces, first_contact
        return cls(sa)

    @classmethod
    def responder(cls, ports: Ports, unique_id: int, cookie: bytes, local: Host, remote: Host) -> "IkeSa":
        """An ISAKMP SA for the first message that ``Endpoint`` let in; it has to receive that next."""
        return cls(Association(ports, unique_id, False, NO_COOKIE, cookie, local, remote))

    # What happens to it

    def receive(self, data: bytes, source: Host, destination: Host, now: float) -> list[Effect]:
        """One datagram, without the non-ESP marker, one of whose cookies is ours."""
        sa = self._begin(now)
        if sa.life is IkeState.DESTROYING or not self._is_ours(data):
            return self._take()
        if sa.life is IkeState.CREATED and not sa.initiator:
            sa.move_to(IkeState.CONNECTING)
            sa.schedule(sa.ports.settings.half_open_timeout_s, HalfOpen())
        self._exchanges.receive(data, Route(source, destination))
        if not self._understood:
            self._check_first()
        return self._end()

    def _check_first(self) -> None:
        """An ISAKMP SA whose first message was dropped ends, or it would count as half-open."""
        sa, exchanges = self._sa, self._exchanges
        self._understood = sa.initiator or sa.life is not IkeState.CONNECTING or bool(exchanges.under_way)
        if not self._understood and not exchanges.has_begun:
            exchanges.end("the first message was dropped")

    def command(self, order: Order, now: float) -> list[Effect]:
        """An order of an operator, a job or the kernel."""
        sa = self._begin(now)
        if sa.life is IkeState.DESTROYING:
            sa.finish(getattr(order, "ticket", 0), False, "the IKE_SA is gone")
            if isinstance(order, TakeOver):
                for event in succession.forfeit(sa.ports, order.estate):
                    sa.announce(event)
            return self._take()
        commands.carry_out(sa, self._exchanges, order)
        return self._end()

    def expire(self, timer: Timer, now: float) -> list[Effect]:
        """A timer that was set with ``Schedule``."""
        sa = self._begin(now)
        if sa.life is IkeState.DESTROYING:
            return []
        expiry.handle(sa, self._exchanges, timer)
        return self._end()

    def begin(self, now: float) -> list[Effect]:
        """Phase 1 of an ISAKMP SA that came with ``Adopt``; once, right after the adoption."""
        commands.start(self._begin(now), self._exchanges)
        return self._end()

    def abandon(self, now: float) -> list[Effect]:
        """Give up without a message, after a bug: kernel entries go, whoever waits is told."""
        sa = self._begin(now)
        sa.effects.clear()
        self._exchanges.end("internal error")
        return self._take()

    # What it looks like

    @property
    def unique_id(self) -> int:
        """``[n]``."""
        return self._sa.unique_id

    @property
    def spi_local(self) -> bytes:
        """Our cookie, under the name that the manager of both daemons has for it."""
        return self._sa.cookie_i if self._sa.initiator else self._sa.cookie_r

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
        return self._sa.life

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
        return not self._sa.initiator and not self._sa.phase1_over

    def snapshot(self, now: float) -> IkeSnapshot:
        """A picture for status commands."""
        sa, times = self._sa, self._sa.times
        received = sa.virtual.received
        return IkeSnapshot(
            sa.name,
            sa.unique_id,
            sa.life.value,
            sa.state,
            sa.initiator,
            sa.local,
            sa.remote,
            sa.local_id,
            sa.remote_id,
            sa.cookie_i,
            sa.cookie_r,
            sa.method.name if sa.method else "",
            sa.proposal.summary() if sa.proposal else "",
            times.established,
            times.rekey,
            times.end,
            sa.user,
            sa.virtual.given,
            received.addresses if received else (),
            received.attributes if received else (),
            tuple(one.state for one in self._exchanges.under_way if one.message_id),
            tuple(child.snapshot() for child in sa.children.values()),
            sa.replaces,
            sa.config,
            sa.peer_certificates,
        )

    # Inside

    def _begin(self, now: float) -> Association:
        self._sa.now = now
        return self._sa

    def _end(self) -> list[Effect]:
        for _ in range(MAX_ROUNDS):
            if self._sa.life is IkeState.DESTROYING or not self._begin_what_is_due():
                break
        if self._sa.life is not IkeState.DESTROYING:
            self._exchanges.inform()
        if self._sa.heir and not self._exchanges.under_way:
            succession.hand_over(self._sa)
        return self._take()

    def _begin_what_is_due(self) -> bool:
        """Whether there was anything; one after the other, since what is under way need not be begun."""
        anything = False
        for wish in agenda.due(self._sa):
            anything = True
            self._exchanges.begin(wish.row, wish.context)
        return anything

    def _take(self) -> list[Effect]:
        effects, self._sa.effects = self._sa.effects, []
        return effects

    def _is_ours(self, data: bytes) -> bool:
        """Whether both cookies fit. The responder's is unknown to the initiator before the first answer."""
        sa, cookie_i, cookie_r = self._sa, data[:8], data[8:16]
        if sa.initiator:
            if sa.cookie_r == NO_COOKIE and cookie_r != NO_COOKIE:
                return self._learn(cookie_i, cookie_r, data)
            return (cookie_i, cookie_r) == (sa.cookie_i, sa.cookie_r)
        if sa.cookie_i == NO_COOKIE:
            sa.cookie_i = cookie_i
        return cookie_i == sa.cookie_i and cookie_r in (sa.cookie_r, NO_COOKIE)

    def _learn(self, cookie_i: bytes, cookie_r: bytes, data: bytes) -> bool:
        """Believe the cookie of the answer to our first message; an error notify does not set it."""
        sa = self._sa
        if cookie_i != sa.cookie_i:
            return False
        if data[16] in _FIRST:
            sa.cookie_r = cookie_r
        return True

    def _successor(self) -> "IkeSa":
        """Another ISAKMP SA with the same peer; the heir to all that this one has."""
        sa = self._sa
        local, remote = sa.local, sa.remote
        if not sa.nat.any:
            local, remote = local.with_port(sa.ports.settings.port), remote.with_port(500)
        number = sa.ports.numbers.ike()
        successor = IkeSa.initiator(
            sa.ports, number, sa.peer_config, local, remote, replaces=sa.unique_id
        )
        received = sa.virtual.received
        successor._sa.earlier = received.addresses if received else ()
        return successor


_FIRST = (1, 132)  # the payload types with which MR1 and AR1 begin: SA (RFC 2409, 5), or a fragment of them
