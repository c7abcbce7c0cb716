"""One check and its verdict: the form in which everything about certificates is answered."""

from dataclasses import dataclass
from datetime import UTC, datetime


@dataclass(frozen=True, slots=True)
class Check:
    """One check and its verdict; ``text`` is a sentence that names the certificate."""

    name: str
    ok: bool
    text: str


def first_failure(checks: "tuple[Check, ...] | list[Check]") -> str:
    """The text of the first check that failed, empty if there is none."""
    return next((check.text for check in checks if not check.ok), "")


def validity(what: str, begin: float, end: float | None, now: float) -> Check:
    """Whether ``now`` lies within a validity period, all in POSIX seconds; no ``end`` is no limit."""
    if now < begin:
        text = f"is not valid yet, only in {period(begin - now)} ({day(begin)})"
    elif end is not None and now > end:
        text = f"expired {period(now - end)} ago ({day(end)})"
    else:
        text = "is valid" if end is None else f"is valid until {day(end)}"
    return Check("validity", begin <= now and (end is None or now <= end), f"{what} {text}")


def period(seconds: float) -> str:
    """A time in the largest unit of which there are more than two, as in ``statusall``."""
    for unit, size in (("day", 86400), ("hour", 3600), ("minute", 60)):
        if seconds > 2 * size:
            return f"{int(seconds // size)} {unit}s"
    return f"{int(seconds)} second{'' if int(seconds) == 1 else 's'}"


def day(moment: float) -> str:
    """``2026-11-27``."""
    return datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%d")
