"""Dates and spans of time as strongSwan prints them (its ``%T`` and ``%V``)."""

from datetime import UTC, datetime

# Above twice this many seconds a span is counted in this unit.
_UNITS = ((86400, "day"), (3600, "hour"), (60, "minute"))


def span(seconds: float) -> str:
    """``3 days``, ``1 hour``, ``119 seconds``: whole units, rounded down; the sign is dropped."""
    left = abs(int(seconds))
    for size, unit in _UNITS:
        if left > 2 * size:
            return _count(left // size, unit)
    return _count(left, "second")


def date(posix: float, utc: bool = False) -> str:
    """``Nov 24 17:57:08 2026``, local time, or ``Nov 24 17:57:08 UTC 2026``."""
    if utc:
        return datetime.fromtimestamp(posix, UTC).strftime("%b %d %H:%M:%S UTC %Y")
    return datetime.fromtimestamp(posix).strftime("%b %d %H:%M:%S %Y")


def _count(number: int, unit: str) -> str:
    return f"{number} {unit}{'' if number == 1 else 's'}"
