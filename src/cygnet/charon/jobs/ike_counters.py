"""strongSwan's IKE counters (``listcounters``): messages and rekeyings, of the daemon and by connection."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from cygnet.base.effects import Counted, MessageSeen
from cygnet.charon.encoding.exchanges import Exchange
from cygnet.charon.sa.events import IkeEstablished
from cygnet.keying.sa.events import ChildUp
from cygnet.runtime.counters import CounterTable

EXCHANGES: dict[int, str] = {
    Exchange.IKE_SA_INIT: "Init",
    Exchange.IKE_AUTH: "Auth",
    Exchange.CREATE_CHILD_SA: "CrChild",
    Exchange.INFORMATIONAL: "Info",
}
"""The exchanges that have counters; strongSwan counts no others."""

MESSAGES = {
    (exchange, incoming, response): f"ike{'In' if incoming else 'Out'}{word}{'Rsp' if response else 'Req'}"
    for exchange, word in EXCHANGES.items()
    for incoming in (True, False)
    for response in (False, True)
}
INIT_REKEY, RSP_REKEY, CHILD_REKEY = "ikeInitRekey", "ikeRspRekey", "ikeChildSaRekey"
INVALID, INVALID_SPI = "ikeInInvalid", "ikeInInvalidSpi"
COUNTERS = (INIT_REKEY, RSP_REKEY, CHILD_REKEY, INVALID, INVALID_SPI, *MESSAGES.values())
"""All of them, in strongSwan's order."""

DROPPED = {
    **dict.fromkeys(
        ("too_short", "too_long", "malformed_header", "wrong_length", "no_initiator_spi", "malformed",
         "malformed_first_message", "not_authentic", "bad_response"), INVALID),
    **dict.fromkeys(("unknown_spi", "invalid_ike_spi"), INVALID_SPI),
}  # fmt: skip
"""Why messages are dropped (``Counted``, the endpoint), as far as there is a counter for it."""

DAEMON = ""
"""The key of the daemon's own counters."""

LIMIT = 10_000
"""How many connections have counters of their own."""

NameOf = Callable[[int], str]
"""The connection of an IKE_SA by its number, empty if it is gone."""


class IkeCounters:
    """Counts events as they are announced; never waits."""

    def __init__(self, name_of: NameOf, limit: int = LIMIT) -> None:
        self._name_of = name_of
        self._table = CounterTable(COUNTERS, limit + 1)
        self._by_kind: dict[type, Callable[[Any], None]] = {
            MessageSeen: self._message,
            IkeEstablished: self._established,
            ChildUp: self._child_up,
            Counted: lambda event: self.dropped(event.name, event.connection),
        }

    def __call__(self, event: object) -> None:
        """Count one event, of whatever kind."""
        count = self._by_kind.get(type(event))
        if count is not None:
            count(event)

    def dropped(self, why: str, connection: str = "") -> None:
        """A message was dropped; ``connection`` is empty if it belonged to none."""
        counter = DROPPED.get(why)
        if counter is not None:
            self._add(counter, connection)

    def names(self) -> Sequence[str]:
        """The connections that have counters."""
        return tuple(name for name in self._table.names() if name != DAEMON)

    def of(self, name: str) -> Mapping[str, int] | None:
        """Every counter of a connection, ``None`` if it has none; of the daemon for the empty name."""
        row = self._table.row(name)
        return dict.fromkeys(COUNTERS, 0) if row is None and name == DAEMON else row

    def reset(self, name: str | None) -> None:
        """Begin anew: for a connection, the daemon (empty name) or every connection (``None``)."""
        for one in self.names() if name is None else (name,):
            self._table.reset(one)

    @property
    def refused(self) -> int:
        """How often something was not counted, for want of room for another connection."""
        return self._table.refused

    def _message(self, event: MessageSeen) -> None:
        counter = MESSAGES.get((event.exchange, event.incoming, event.response))
        if counter is not None:
            self._add(counter, event.connection)

    def _established(self, event: IkeEstablished) -> None:
        if event.replaces:
            self._add(INIT_REKEY if event.initiator else RSP_REKEY, event.config.name)

    def _child_up(self, event: ChildUp) -> None:
        if event.replaces:
            self._add(CHILD_REKEY, self._name_of(event.ike_id))

    def _add(self, counter: str, connection: str) -> None:
        if connection:
            self._table.add(counter, DAEMON, connection)
        else:
            self._table.add(counter, DAEMON)
