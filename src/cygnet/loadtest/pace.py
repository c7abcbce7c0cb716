"""When the next handshake may begin."""


class Pace:
    """At most ``concurrency`` handshakes under way, at most ``rate`` begun a second (0: no limit).

    With a rate the moments at which they are due are fixed beforehand: a responder that answers late does
    not make the load lighter, and a handshake's latency counts from when it was due.
    """

    def __init__(self, concurrency: int, rate: float) -> None:
        self._concurrency = concurrency
        self._interval_s = 1 / rate if rate else 0.0
        self._next = 0.0

    def start(self, now: float) -> None:
        """The first one is due now."""
        self._next = now

    def due(self, under_way: int, now: float) -> float | None:
        """Since when one more is due, which then begins; ``None``: not yet."""
        if under_way >= self._concurrency:
            return None
        if not self._interval_s:
            return now
        if self._next > now:
            return None
        due, self._next = self._next, self._next + self._interval_s
        return due

    def wait_s(self, under_way: int, now: float, most_s: float) -> float:
        """How long nothing can begin unless a handshake ends, at most ``most_s``."""
        if under_way >= self._concurrency or not self._interval_s:
            return most_s
        return min(max(self._next - now, 0.0), most_s)
