"""Messages by who sent them and what they are: listed, held back, lost."""

from collections import Counter
from dataclasses import dataclass

from cygnet.charon.encoding.exchanges import exchange_name
from cygnet.wire.header import Header
from simulation.network import Datagram
from simulation.pair import Pair
from simulation.peer import Peer


@dataclass(frozen=True)
class Kind:
    """A sort of message, such as Alice's CREATE_CHILD_SA request."""

    sender: object
    exchange: int
    response: bool


class Post:
    """A filter on a pair's network that knows the messages by their headers."""

    def __init__(self, pair: Pair) -> None:
        self._pair = pair
        self._names = {pair.alice.host.address: "alice", pair.bob.host.address: "bob"}
        self._holding: list[Kind] = []
        self._losing: Counter[Kind] = Counter()
        self._held: list[Datagram] = []
        self.lines: list[str] = []
        """``alice IKE_SA_INIT request 0``, each datagram as it arrives."""
        pair.network.filters.append(self)

    def hold(self, sender: Peer, exchange: int, *, response: bool = False) -> None:
        """From now on such messages wait for :meth:`release`."""
        self._holding.append(Kind(sender.host.address, exchange, response))

    def lose(self, sender: Peer, exchange: int, *, response: bool = False, count: int = 1) -> None:
        """The next ``count`` datagrams of the kind are lost."""
        self._losing[Kind(sender.host.address, exchange, response)] += count

    def release(self) -> None:
        """Deliver at once what was held, and hold nothing more."""
        self._holding.clear()
        held, self._held = self._held, []
        for datagram in held:
            self._pair.network.send(datagram)

    def count(self, sender: str, exchange: int, *, response: bool = False) -> int:
        """Messages of a kind that arrived, each once."""
        start = f"{sender} {exchange_name(exchange)} {'response' if response else 'request'} "
        return sum(line.startswith(start) for line in set(self.lines))

    def __call__(self, datagram: Datagram) -> Datagram | None:
        if datagram.data == b"\xff":
            return datagram
        header = Header.parse(datagram.data)
        kind = Kind(datagram.source.address, header.exchange, header.is_response)
        if self._losing[kind] > 0:
            self._losing[kind] -= 1
            return None
        if kind in self._holding:
            self._held.append(datagram)
            return None
        what = f"{exchange_name(header.exchange)} {'response' if header.is_response else 'request'}"
        self.lines.append(f"{self._names[datagram.source.address]} {what} {header.message_id}")
        return datagram
