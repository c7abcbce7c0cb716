"""Key material that cannot be printed by mistake."""

import hmac


class Secret:
    """Octets whose ``repr`` and ``str`` show only their length.

    ``reveal`` hands them out; equality takes constant time.
    """

    __slots__ = ("_octets",)

    def __init__(self, octets: bytes) -> None:
        self._octets = bytes(octets)

    def reveal(self) -> bytes:
        """The octets themselves; never pass the result to a log or a message for people."""
        return self._octets

    def __len__(self) -> int:
        return len(self._octets)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and hmac.compare_digest(self._octets, other._octets)

    def __hash__(self) -> int:
        return hash(self._octets)

    def __repr__(self) -> str:
        return f"Secret(<{len(self._octets)} octets>)"
