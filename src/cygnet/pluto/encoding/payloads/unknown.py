"""A payload of a type that is not implemented."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Unknown:
    """Kept as it came, and ignored.

    RFC 2408, 5.3 has the whole message discarded. Peers do send payloads that only their own kind knows, and
    no implementation in use refuses them.
    """

    type: int
    data: bytes

    @property
    def payload_type(self) -> int:
        """The number of its type."""
        return self.type

    def build(self) -> bytes:
        """The octets after the generic header."""
        return self.data

    def describe(self) -> str:
        """``(99)``."""
        return f"({self.type})"
