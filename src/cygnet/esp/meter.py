"""What an SA has carried and dropped, against what it may carry."""

from collections import Counter

from cygnet.esp.records import Drop, Due, Limits

_NEVER = 1 << 64


class Meter:
    """What an SA has carried, and which of its limits that reached. ``drops`` counts lost packets."""

    __slots__ = (
        "_limits", "_next_octets", "_next_packets", "_soft_told", "drops", "last_used", "octets", "packets",
    )  # fmt: skip

    def __init__(self, limits: Limits) -> None:
        self.drops: Counter[Drop] = Counter()
        self.octets = 0
        self.packets = 0
        self.last_used: float | None = None
        self._limits = limits
        self._soft_told = not (limits.soft_octets or limits.soft_packets)
        self._arm()

    def add(self, octets: int, now: float, packets: int = 1) -> Due:
        """Count packets with so many octets together."""
        self.octets += octets
        self.packets += packets
        self.last_used = now
        if self.octets < self._next_octets and self.packets < self._next_packets:
            return Due.NONE
        return self._reached()

    def has_room(self, octets: int, packets: int) -> bool:
        """Whether counting these would reach no limit."""
        return self.octets + octets < self._next_octets and self.packets + packets < self._next_packets

    def _arm(self) -> None:
        limits = self._limits
        hard_octets, hard_packets = limits.hard_octets or _NEVER, limits.hard_packets or _NEVER
        soft_octets = _NEVER if self._soft_told else limits.soft_octets or _NEVER
        soft_packets = _NEVER if self._soft_told else limits.soft_packets or _NEVER
        self._next_octets = min(hard_octets, soft_octets)
        self._next_packets = min(hard_packets, soft_packets)

    def _reached(self) -> Due:
        limits = self._limits
        if self.octets >= (limits.hard_octets or _NEVER) or self.packets >= (limits.hard_packets or _NEVER):
            return Due.HARD
        self._soft_told = True
        self._arm()
        return Due.SOFT
