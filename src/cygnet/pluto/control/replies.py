"""What handlers are called with, and how they say no."""

from collections.abc import Callable
from typing import Any, Protocol

from cygnet.ctl.frames import ControlError
from cygnet.ctl.whack_codes import Rc
from cygnet.keying.control import BugError
from cygnet.pluto.backends.connections import DuplicateNameError, OrientationError, UnknownNameError
from cygnet.pluto.jobs.routes import NoPeerError


class Reply(Protocol):
    """The way back to one client. All raise ``ClientGoneError`` once it has gone."""

    def line(self, code: int, text: str) -> None:
        """Send one line now."""

    def check(self) -> None:
        """Find out whether the client still listens."""


Handler = Callable[[Any, Reply], None]

_CODES: tuple[tuple[type[Exception], Rc], ...] = (
    (ControlError, Rc.BAD_WHACK_MESSAGE),
    (BugError, Rc.INTERNAL_ERROR),
    (DuplicateNameError, Rc.DUPLICATE_NAME),
    (UnknownNameError, Rc.UNKNOWN_NAME),
    (OrientationError, Rc.ORIENT),
    (NoPeerError, Rc.NO_PEER_IP),
)


def code_of(error: Exception) -> Rc:
    """The result code of a failure; one that has none of its own is a serious line."""
    return next((code for kind, code in _CODES if isinstance(error, kind)), Rc.LOG_SERIOUS)
