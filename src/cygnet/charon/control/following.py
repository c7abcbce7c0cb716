"""Following one negotiation on behalf of a client."""

from dataclasses import dataclass

from cygnet.charon.control.ports import Clock, Dialogue, Reply
from cygnet.charon.sa.events import Finished

CHECK_S = 0.5
"""How often a silent dialogue looks whether its client is still there."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """How it ended; ``late_ms`` is set when the time was over first."""

    ok: bool
    reason: str = ""
    late_ms: int | None = None


def follow(dialogue: Dialogue, reply: Reply, now: Clock, timeout_s: float) -> Outcome:
    """Hand the lines to the client until the end, or for ``timeout_s`` (0: without limit).

    Raises :class:`~cygnet.charon.control.ports.ClientGoneError` when nobody listens any more.
    """
    begin = now()
    while True:
        item = dialogue.read(CHECK_S)
        if isinstance(item, Finished):
            return Outcome(item.ok, item.reason)
        if item is not None:
            reply.text(item)
            continue
        reply.check()
        if timeout_s and now() - begin >= timeout_s:
            return Outcome(False, "the time limit was over first", int(timeout_s * 1000))
