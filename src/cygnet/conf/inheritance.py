"""``also``: in which order a section takes settings from others.

The order is C3 linearisation, as classes inherit: a section comes before those it names, in the order
named, and ``%default`` is the last of all.
"""

from collections.abc import Iterator, Mapping

from cygnet.conf.keywords import nearest
from cygnet.conf.problems import Problems
from cygnet.conf.sections import DEFAULT, RawSection

MAX_ANCESTORS = 100
MAX_SUGGESTIONS = 100


class Ancestry:
    """Resolves ``also`` among sections of one kind; what is wrong goes to ``problems``, each once."""

    def __init__(self, sections: Mapping[str, RawSection], problems: Problems) -> None:
        self._sections = sections
        self._problems = problems
        self._orders: dict[str, tuple[str, ...]] = {}
        self._suggestions = 0
        default = sections.get(DEFAULT)
        self._default = () if default is None else (default,)

    def line(self, section: RawSection) -> tuple[RawSection, ...]:
        """``section`` and all it inherits from, the strongest first."""
        if not section.also:
            return (section, *self._default)
        if section.name not in self._orders:
            self._resolve(section.name)
        return (*(self._sections[name] for name in self._orders[section.name]), *self._default)

    def _resolve(self, start: str) -> None:
        """Depth first without recursion: chains may be as long as the file."""
        path: dict[str, Iterator[str]] = {start: iter(self._parents(start))}
        while path:
            name = next(reversed(path))
            parent = next((one for one in path[name] if one not in self._orders), None)
            if parent is None:
                del path[name]
                self._orders[name] = self._order(name)
            elif parent in path:
                self._loop([*path][[*path].index(parent):], self._sections[name], parent)
            else:
                path[parent] = iter(self._parents(parent))

    def _parents(self, name: str) -> tuple[str, ...]:
        """The sections named that exist; others are reported (:meth:`_order` asks again, harmlessly)."""
        section = self._sections[name]
        for parent, origin in section.also.items():
            if parent not in self._sections:
                hint = self._hint(parent, name)
                text = f"section '{parent:.60}' referenced in section '{name:.60}' not found{hint}"
                self._problems.error(origin, text)
        return tuple(one for one in section.also if one in self._sections and one != DEFAULT)

    def _hint(self, parent: str, name: str) -> str:
        self._suggestions += 1
        if self._suggestions > MAX_SUGGESTIONS or len(self._sections) > 1000:
            return ""
        near = nearest(parent, tuple(one for one in self._sections if one not in (name, DEFAULT)))
        return f" (did you mean '{near}'?)" if near else ""

    def _loop(self, names: list[str], section: RawSection, parent: str) -> None:
        shown = " -> ".join([*names[:10], *(["…"] if len(names) > 10 else []), names[0]])
        self._problems.error(section.also[parent], f"also={parent:.60} makes a loop: {shown}")

    def _order(self, name: str) -> tuple[str, ...]:
        """C3; parents caught in a loop have no order yet and are left out."""
        section = self._sections[name]
        parents = [one for one in section.also if one in self._orders]
        queues = [list(self._orders[one]) for one in parents] + [list(parents)]
        order = [name]
        while queues := [queue for queue in queues if queue]:
            if len(order) > MAX_ANCESTORS:
                text = f"{section} inherits from more than {MAX_ANCESTORS} sections"
                self._problems.error(section.origin, text)
                break
            later = {one for queue in queues for one in queue[1:]}
            head = next((queue[0] for queue in queues if queue[0] not in later), None)
            if head is None:
                head = queues[0][0]
                text = f"the order of 'also' in {section} contradicts that in the sections it names"
                self._problems.warning(section.origin, text)
                queues = [[queue[0], *(one for one in queue[1:] if one != head)] for queue in queues]
            order.append(head)
            queues = [queue[1:] if queue[0] == head else queue for queue in queues]
        return tuple(order)
