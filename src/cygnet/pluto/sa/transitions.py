"""The shape of the transition tables: one row per message that may come in a state, with what follows.

A table is the whole of its mode: what no row lets in is dropped. Rows are read by people, so they say
everything and compute nothing. Openings are rows too: their state is START, and no message comes before.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING

from cygnet.pluto.encoding.exchanges import Exchange
from cygnet.pluto.encoding.message import Message
from cygnet.pluto.encoding.methods import Proof
from cygnet.pluto.encoding.payloads import Configuration, ConfigurationType, Payload
from cygnet.pluto.encoding.payloads.payload import PayloadType as T
from cygnet.pluto.sa.states import State

if TYPE_CHECKING:
    from cygnet.pluto.sa.association import Association
    from cygnet.pluto.sa.conversation import Conversation


class Cover(StrEnum):
    """Whether a message is encrypted, which the E flag of its header says."""

    CLEAR = "clear"
    ENCRYPTED = "encrypted"
    EITHER = "either"


class Hash(StrEnum):
    """What HASH payload stands first in a message and covers the rest (RFC 2409, 5.5, 5.7)."""

    NONE = "none"
    HASH_1 = "HASH(1)"
    HASH_2 = "HASH(2)"
    HASH_3 = "HASH(3)"


class Wait(StrEnum):
    """What happens while the next message does not come.

    RETRANSMIT: ours is sent again. HALF_OPEN: nothing, until the ISAKMP SA is given up. OVER: none is to
    come; copies of the peer's last message are answered.
    """

    RETRANSMIT = "retransmit"
    HALF_OPEN = "half-open"
    OVER = "over"


@dataclass(frozen=True, slots=True)
class Step:
    """One message in one exchange, for a row's processor."""

    sa: "Association"
    conversation: "Conversation"
    message: Message


Reply = tuple[Payload, ...] | None
Processor = Callable[[Step], Reply]


@dataclass(frozen=True, slots=True, kw_only=True)
class Transition:
    """One row.

    ``required`` payloads must be there, ``optional`` ones may; the processor sees no others. ``proof`` and
    ``kind`` are further conditions: what the peer authenticates with, and the type of a Configuration.
    ``checks`` is the HASH that must verify before the processor is called. ``processor`` gives the payloads
    to answer with, or ``None``; the answer has the ``cover`` and the HASH that ``answers`` and ``signs`` say.
    Then the exchange is in state ``next``, waits as ``wait`` says, and ``after`` is called.
    """

    state: State
    exchange: Exchange
    required: frozenset[T] = frozenset()
    optional: frozenset[T] = frozenset()
    cover: Cover = Cover.CLEAR
    proof: Proof | None = None
    kind: ConfigurationType | None = None
    checks: Hash = Hash.NONE
    processor: Processor
    answers: Cover | None = None
    signs: Hash = Hash.NONE
    next: State
    wait: Wait
    after: Callable[[Step], None] | None = None

    def covered(self, encrypted: bool) -> bool:
        """Whether the message's E flag is as it must be."""
        return self.cover is Cover.EITHER or (self.cover is Cover.ENCRYPTED) is encrypted

    def fits(self, message: Message, proof: Proof | None) -> bool:
        """Whether the payloads are those of this row. ``proof`` is ``None`` while no method is agreed on."""
        counts = Counter(int(one.payload_type) for one in message.payloads)
        if any(not counts[kind] for kind in self.required) or _too_many(counts):
            return False
        if proof is not None and self.proof not in (None, proof):
            return False
        configuration = message.first(Configuration)
        return self.kind is None or (configuration is not None and configuration.type == self.kind)

    def select(self, message: Message) -> Message:
        """The message with the payloads that the row lists."""
        listed = self.required | self.optional
        pairs = [
            (payload, body)
            for payload, body in zip(message.payloads, message.bodies, strict=True)
            if payload.payload_type in listed
        ]
        return replace(
            message, payloads=tuple(one for one, _ in pairs), bodies=tuple(body for _, body in pairs)
        )


Table = tuple[Transition, ...]

# The most often a payload may come in any message (RFC 2409, 5; the draft of mode config, 3.1.1).
_MOST = {T.SA: 1, T.KE: 1, T.NONCE: 1, T.HASH: 1, T.SIG: 1, T.ATTR: 1, T.ID: 2}


def _too_many(counts: Counter[int]) -> bool:
    return any(counts[kind] > most for kind, most in _MOST.items())


def rows_for(table: Iterable[Transition], states: Sequence[State], exchange: int) -> tuple[Transition, ...]:
    """The rows for a message of an exchange in any of some states, in the order of the table."""
    return tuple(row for row in table if row.state in states and row.exchange == exchange)


def opening(table: Iterable[Transition], next_state: State) -> Transition:
    """The row that begins an exchange and leads to a state."""
    return next(row for row in table if row.state is State.START and row.next is next_state)


def payloads(*kinds: T) -> frozenset[T]:
    """A set of payload types, for tables."""
    return frozenset(kinds)
