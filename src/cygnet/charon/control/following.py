"""Following negotiations on behalf of a client: one to its end, or one for each of several SAs."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from cygnet.charon.control.ports import Clock, Dialogue, Reply
from cygnet.charon.control.specifier import Target
from cygnet.charon.sa.events import Finished
from cygnet.ctl.stroke import EXIT_FAILED, Done

CHECK_S = 0.5
"""How often a silent dialogue looks whether its client is still there."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """How it ended; ``late_ms`` is set when the time was over first."""

    ok: bool
    reason: str = ""
    late_ms: int | None = None


@dataclass(frozen=True, slots=True)
class Words:
    """What is said of an SA at the end: how it went, how it had not gone yet, what failed."""

    well: str
    late: str
    doing: str

    def last_line(self, target: Target, outcome: Outcome) -> str:
        """The last line about one SA."""
        if outcome.ok:
            return f"{target} {self.well}"
        if outcome.late_ms is not None:
            return f"{target} {self.late} after {outcome.late_ms}ms, detaching"
        return f"{self.doing} {target} failed"


CLOSING = Words("closed successfully", "not closed", "closing")
REKEYING = Words("rekeyed successfully", "not rekeyed", "rekeying")


@dataclass(frozen=True, slots=True)
class Follower:
    """How a command follows: for at most ``timeout_s`` each, 0 without limit."""

    now: Clock
    timeout_s: float = 0

    def one(self, dialogue: Dialogue, reply: Reply) -> Outcome:
        """Hand the lines to the client until the end or until the time is over.

        Raises :class:`~cygnet.runtime.control_socket.ClientGoneError` when nobody listens any more.
        """
        begin = self.now()
        while True:
            item = dialogue.read(CHECK_S)
            if isinstance(item, Finished):
                return Outcome(item.ok, item.reason)
            if item is not None:
                reply.text(item)
                continue
            reply.check()
            if self.timeout_s and self.now() - begin >= self.timeout_s:
                return Outcome(False, "the time limit was over first", int(self.timeout_s * 1000))

    def each(
        self,
        targets: Iterable[Target],
        order: Callable[[Target], Dialogue],
        words: Words,
        reply: Reply,
        *,
        wait: bool,
    ) -> Done:
        """Give an order to one SA after the other; without ``wait`` none is followed.

        The exit code tells of the last that failed.
        """
        done = Done()
        for target in targets:
            dialogue = order(target)
            try:
                outcome = self.one(dialogue, reply) if wait else None
            finally:
                dialogue.close()
            if outcome is not None:
                reply.text(words.last_line(target, outcome))
                done = done if outcome.ok else Done(EXIT_FAILED, outcome.reason)
        return done
