"""A peer that says other things than it should: its protected messages are opened, changed, sealed again."""

from collections.abc import Callable
from dataclasses import dataclass, replace

from cygnet.charon.encoding.message import AnyPayload, Message, build_protected, open_message, parse_message
from cygnet.wire.header import HEADER_SIZE
from simulation.network import Datagram
from simulation.pair import Pair

Change = Callable[[tuple[AnyPayload, ...]], tuple[AnyPayload, ...]]


@dataclass
class Meddling:
    """Changes what ``whose`` sends in messages of one exchange (and kind, with ``response``) from now on."""

    pair: Pair
    whose: str
    exchange: int
    change: Change
    response: bool = True
    seen: int = 0

    def __post_init__(self) -> None:
        self.pair.network.filters.insert(0, self)

    def __call__(self, datagram: Datagram) -> Datagram | None:
        sender = getattr(self.pair, self.whose)
        if len(datagram.data) < HEADER_SIZE:  # a keep-alive
            return datagram
        parsed = parse_message(datagram.data)
        header = parsed.header
        if not sender.home.has(datagram.source.address) or not sender.sas:
            return datagram
        if (header.exchange, header.is_response) != (self.exchange, self.response):
            return datagram
        self.seen += 1
        sealer = next(reversed(sender.sas.values()))._sa.sends.sealer
        message = open_message(parsed, sealer)
        changed: Message = replace(message, payloads=self.change(message.payloads))
        return replace(datagram, data=build_protected(changed, sealer, bytes([0x77]) + bytes(7)))


def adding(*payloads: AnyPayload) -> Change:
    """Payloads at the end."""
    return lambda old: (*old, *payloads)


def without(kind: type[AnyPayload]) -> Change:
    """No payload of a class."""
    return lambda old: tuple(one for one in old if not isinstance(one, kind))


def instead(*payloads: AnyPayload) -> Change:
    """These in place of those of their classes."""
    kinds = tuple(type(one) for one in payloads)
    return lambda old: (*(one for one in old if not isinstance(one, kinds)), *payloads)
