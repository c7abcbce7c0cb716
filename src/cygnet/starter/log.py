"""starter's log: syslog (daemon facility), and stderr while somebody is looking."""

import sys
import syslog

_IDENTITY = "ipsec_starter"


class Log:
    """Lines up to ``level`` go to syslog, and to stderr while ``to_stderr``. Level 0 is for failures."""

    def __init__(self, level: int = 1, *, to_stderr: bool = True, to_syslog: bool = True) -> None:
        self.level = level
        self.to_stderr = to_stderr
        self._to_syslog = to_syslog
        if to_syslog:
            syslog.openlog(_IDENTITY, syslog.LOG_PID, syslog.LOG_DAEMON)

    def __call__(self, level: int, text: str) -> None:
        """Write one line of that level; what cannot be written is lost."""
        if level > self.level and not (level == 0 and self.to_stderr):
            return
        if self.to_stderr:
            try:
                print(_printable(text), file=sys.stderr, flush=True)
            except OSError:
                self.to_stderr = False
        if self._to_syslog and self.level >= 0:
            syslog.syslog(syslog.LOG_ERR if level == 0 else syslog.LOG_INFO, _printable(text))


def _printable(text: str) -> str:
    return text.encode("utf-8", "replace").decode().replace("\0", "?")
