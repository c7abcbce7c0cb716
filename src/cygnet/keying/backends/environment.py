"""What the stroke backend needs of the machine it runs on."""

from collections.abc import Callable
from dataclasses import dataclass, field

from cygnet.conf.problems import Reader
from cygnet.keying.backends.reports import LogLine
from cygnet.runtime.fetching.fetcher import Fetcher, FetchLimits
from cygnet.runtime.tokens.tokens import Tokens


@dataclass(frozen=True, slots=True)
class Environment:
    """``date`` is POSIX time, for validity."""

    reader: Reader
    date: Callable[[], float]
    log: LogLine
    fetcher: Fetcher = field(default_factory=lambda: Fetcher(FetchLimits()))
    tokens: Tokens = field(default_factory=lambda: Tokens(()))
