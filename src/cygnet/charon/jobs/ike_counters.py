"""strongSwan's IKE counters (``listcounters``): messages and rekeyings, of the daemon and by connection."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from cygnet.charon.encoding.exchanges import Exchange
from cygnet.charon.sa.events import ChildUp, Counted, IkeEstablished, MessageSeen
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
LIMIT = 10_000
"""How many connections have counters of their own."""

NameOf = Callable[[int], str]
"""The connection of an IKE_SA by its number, empty if it is gone."""


class IkeCounters:
    """Counts events as they are announced; never waits."""

    def __init__(self, name_of: NameOf, limit: int = LIMIT) -> None:
        self._name_of = name_of
        self._daemon = CounterTable(COUNTERS, 1)
        self._connections = CounterTable(COUNTERS, limit)
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
        return self._connections.keys()

    def of(self, name: str) -> Mapping[str, int] | None:
        """Every counter of a connection, ``None`` if it has none; of the daemon for the empty name."""
        if name:
            return self._connections.row(name)
        return self._daemon.row(DAEMON) or dict.fromkeys(COUNTERS, 0)

    def reset(self, name: str | None) -> None:
        """Begin anew: for a connection, the daemon (empty name) or every connection (``None``)."""
        if name == "":
            self._daemon.reset()
        else:
            self._connections.reset(name)

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
        self._daemon.add(DAEMON, counter)
        if connection:
            self._connections.add(connection, counter)
