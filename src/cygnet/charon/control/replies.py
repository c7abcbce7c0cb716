"""Small answers that several handlers give."""

from cygnet.charon.control.ports import Reply
from cygnet.ctl.stroke import EXIT_FAILED, Done


def refuse(reply: Reply, reason: str, exit_code: int = EXIT_FAILED) -> Done:
    """Say why not, as a line for people and as the reason for programs."""
    reply.text(reason)
    return Done(exit_code, reason)
