"""One exchange between two peers: all messages of one message ID (RFC 2408, 3.1)."""

from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Any

from cygnet.pluto.sa.states import State

MAX_DIGESTS = 4
MAX_REPEATS = 32
"""How often a copy of the peer's message is answered, in the life of an exchange."""


@dataclass(slots=True, eq=False)
class Conversation:
    """``initiator``: we sent its first message. ``context`` is what its mode keeps (a quick mode, say).

    ``block`` is the last CBC block sent or received: the IV of the next message. ``packets`` are what we sent
    last. Nobody numbers the messages of an exchange, so ``digests`` tell copies from what is new.
    """

    exchange: int
    message_id: int
    initiator: bool
    state: State
    context: Any = None
    block: bytes = b""
    packets: tuple[bytes, ...] = ()
    serial: int = 0
    sends: int = 0
    repeats: int = 0
    over: bool = False
    digests: list[bytes] = field(default_factory=list)

    @property
    def spi(self) -> bytes:
        """Ours of the IPsec SA that a quick mode makes; empty for other exchanges."""
        child = getattr(self.context, "child", None)
        return child.spi_octets if child else b""

    def knows(self, data: bytes) -> bool:
        """Whether this very message came before."""
        return fingerprint(data) in self.digests

    def is_last(self, data: bytes) -> bool:
        """Whether it was the last one to come."""
        return bool(self.digests) and self.digests[-1] == fingerprint(data)

    def received(self, data: bytes) -> None:
        """Remember a message that was processed."""
        self.digests = [*self.digests[1 - MAX_DIGESTS :], fingerprint(data)]


def fingerprint(data: bytes) -> bytes:
    """By what a message is recognised."""
    return blake2b(data, digest_size=16).digest()
