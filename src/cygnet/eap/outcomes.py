"""What a conversation comes to."""

from dataclasses import dataclass, field

from cygnet.base.secret import Secret
from cygnet.eap.packets import EapType

NO_KEY = Secret(b"")
NO_TYPE = EapType(0)


@dataclass(frozen=True, slots=True)
class Proof:
    """What a finished method proves.

    ``identity`` is the name that was proven (ours, on the peer's side), by ``method``, with ``inner`` inside
    a tunnel. ``msk`` and ``emsk`` (64 octets each) are empty where the method makes no keys; ``certificates``
    (DER, leaf first) are those of the other side, if it showed any.
    """

    identity: bytes
    method: EapType
    msk: Secret = NO_KEY
    emsk: Secret = NO_KEY
    certificates: tuple[bytes, ...] = field(default=(), repr=False)
    inner: str = ""


@dataclass(frozen=True, slots=True)
class Turn:
    """What one packet leads to: ``packet`` to send (empty: none), at the end ``proof`` or ``reason``."""

    packet: bytes = b""
    proof: Proof | None = None
    reason: str = ""

    @property
    def over(self) -> bool:
        """Whether the conversation has ended."""
        return self.proof is not None or bool(self.reason)


def shown(octets: bytes, limit: int = 64) -> str:
    """Text of the other side for a log: printable, and no longer than ``limit``."""
    text = octets.decode("utf-8", "replace")
    clean = "".join(char if char.isprintable() else "?" for char in text[:limit])
    return clean + ("…" if len(text) > limit else "")
