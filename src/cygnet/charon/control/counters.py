"""``listcounters`` and ``resetcounters``: IKE messages and rekeyings, as strongSwan counts them."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from cygnet.charon.control.ports import IkeCounters, Reply
from cygnet.charon.control.replies import refuse
from cygnet.ctl.stroke import Counters, Done

ALL = "all"


@dataclass(frozen=True, slots=True)
class CountersHandler:
    """Answers both commands."""

    counters: IkeCounters

    def __call__(self, request: Counters, reply: Reply) -> Done:
        """Of the daemon, of one connection, or with ``all`` of each connection."""
        name = request.name
        if name and name != ALL and self.counters.of(name) is None:
            return refuse(reply, f"No IKE counters found for '{name}'")
        if request.reset:
            self.counters.reset(None if name == ALL else name)
        else:
            for one in self.counters.names() if name == ALL else [name]:
                reply.texts(_lines(one, self.counters.of(one) or {}))
        return Done()


def _lines(name: str, values: Mapping[str, int]) -> Iterator[str]:
    yield ""
    yield f"List of IKE counters for '{name}':" if name else "List of IKE counters:"
    yield ""
    for label, value in values.items():
        yield f"{label:<18} {value:>12}"
