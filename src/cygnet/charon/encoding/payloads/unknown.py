"""A payload of a type that is not implemented (RFC 7296, 2.5)."""

from cygnet.base.records import record


@record
class Unknown:
    """Kept as it came. A critical one never gets this far on receipt."""

    type: int
    critical: bool
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
