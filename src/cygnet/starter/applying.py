"""Brings a daemon to what the configuration says, one step after the other."""

from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from cygnet.conf.problems import Origin
from cygnet.conf.records import Config
from cygnet.ctl import stroke, whack
from cygnet.starter.changes import Held, Wanted, actions, additions, level_changes, removals, wanted_of
from cygnet.starter.dialogue import Answer, Link
from cygnet.starter.languages import Language, Request
from cygnet.starter.log import Log

MAX_WAITING = 32

_ADDITIONS = (stroke.AddConnection, whack.AddConnection)
_AUTHORITIES = (stroke.AddAuthority, whack.AddAuthority)
_INITIATES = (stroke.Initiate, whack.Initiate)

Finish = Callable[[list[str]], None]


@dataclass(slots=True)
class _Work:
    """One configuration on its way to a daemon. ``finish`` hears what failed, in plain words."""

    config: Config
    wanted: Wanted
    everything: bool
    finish: Finish
    origins: Mapping[tuple[str, str], Origin]
    failures: list[str] = field(default_factory=list)
    added: list[str] = field(default_factory=list)


class Applier:
    """Applies configurations to a daemon that is ready; knows what it holds."""

    def __init__(self, link: Link, language: Language, log: Log) -> None:
        self._link, self._language, self._log = link, language, log
        self._held = Held()
        self._works: deque[_Work] = deque()

    def started(self, levels: tuple[tuple[str, int], ...]) -> None:
        """A daemon that holds nothing is there, with these log levels."""
        self._held = Held(levels=levels)
        self._link.send(self._language.greeting, self._removed, lambda: None)

    def died(self) -> None:
        """Nothing is held any more; whoever waits hears it."""
        self._link.abort()
        self._held = Held()
        works = list(self._works)
        self._works.clear()
        for work in works:
            work.finish([f"{self._language.daemon} died; the configuration is applied once it is back"])

    def apply(self, config: Config, finish: Finish, *, everything: bool = False) -> None:
        """Make the daemon hold what ``config`` says; with ``everything`` all of it anew."""
        if len(self._works) >= MAX_WAITING:
            finish([f"{MAX_WAITING} changes of configuration are waiting already"])
            return
        wanted = wanted_of(config, self._language)
        self._works.append(_Work(config, wanted, everything, finish, _origins(config)))
        if len(self._works) == 1:
            self._remove()

    def _remove(self) -> None:
        work = self._works[0]
        requests: list[Request] = []
        if self._language.has_levels:
            requests += level_changes(self._held.levels, work.config.setup)
            self._held.levels = work.config.setup.charondebug
        requests += removals(
            self._held, work.wanted, everything=work.everything, language=self._language
        )
        self._link.send(requests, self._removed, self._add)

    def _removed(self, answer: Answer) -> None:
        if answer.exit_code:
            self._log(2, f"{self._language.daemon}: {_words(answer)}")
        if self._works:
            self._held.note(answer.request, self._works[0].wanted)

    def _add(self) -> None:
        work = self._works[0]
        self._link.send(additions(self._held, work.wanted), self._added, self._act)

    def _added(self, answer: Answer) -> None:
        work, request = self._works[0], answer.request
        if answer.exit_code:
            self._failed(work, request, answer)
        else:
            self._held.note(request, work.wanted)
            if isinstance(request, _ADDITIONS):
                work.added.append(request.name)

    def _act(self) -> None:
        work = self._works[0]
        requests = actions(work.added, work.wanted, self._language)
        initiates = [request for request in requests if isinstance(request, _INITIATES)]
        routes = [request for request in requests if not isinstance(request, _INITIATES)]
        self._link.send(routes, self._routed, self._finished)
        self._link.send(initiates, self._initiated, lambda: None)

    def _routed(self, answer: Answer) -> None:
        if answer.exit_code:
            self._failed(self._works[0], answer.request, answer)

    def _initiated(self, answer: Answer) -> None:
        if answer.exit_code:
            self._log(0, f"{self._language.daemon}: {_words(answer)}")

    def _finished(self) -> None:
        work = self._works.popleft()
        work.finish(work.failures)
        if self._works:
            self._remove()

    def _failed(self, work: _Work, request: Request, answer: Answer) -> None:
        text = _words(answer)
        kind = "ca" if isinstance(request, _AUTHORITIES) else "conn"
        if origin := work.origins.get((kind, getattr(request, "name", ""))):
            text = f"{origin}: {text}"
        self._log(0, text)
        work.failures.append(text)


def _words(answer: Answer) -> str:
    name = getattr(answer.request, "name", "")
    what = "".join(f" {char.lower()}" if char.isupper() else char for char in type(answer.request).__name__)
    return f"{what.strip()} '{name}' failed: {answer.reason or ' '.join(answer.texts) or 'no reason given'}"


def _origins(config: Config) -> dict[tuple[str, str], Origin]:
    """Where each section stands, by kind and name."""
    return {("ca", one.name): one.origin for one in config.authorities} | {
        ("conn", one.name): one.origin for one in config.connections
    }
