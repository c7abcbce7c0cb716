"""``strongswan.conf``: a tree of sections with typed look-ups."""

from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

from cygnet.conf.problems import Problem, Problems, Reader
from cygnet.conf.settings_parser import Node, SettingsLoader, Value

MAX_REFERENCES = 1000

_YES = ("1", "yes", "true", "enabled")
_NO = ("0", "no", "false", "disabled")
_UNIT_S = {"s": 1, "m": 60, "h": 3600, "d": 86400}

T = TypeVar("T")


class Settings:
    """The settings tree, or the part below one section.

    Paths are dotted: ``charon.plugins.stroke.timeout``. A value that cannot be read as asked for counts
    as not set and is noted in :attr:`problems`.
    """

    def __init__(
        self, root: Node | None = None, problems: Problems | None = None, here: tuple[Node, ...] = ()
    ) -> None:
        self._root = Node() if root is None else root
        self._problems = Problems() if problems is None else problems
        self._here = here or (self._root,)

    @property
    def problems(self) -> tuple[Problem, ...]:
        """Everything wrong in the files, and with the values asked for so far."""
        return self._problems.result()

    def get(self, path: str, default: str = "") -> str:
        """A value as text."""
        value = self._find(path)
        return default if value is None else value.text

    def get_int(self, path: str, default: int) -> int:
        """A value as an integer, decimal or ``0x``."""
        return self._read(path, default, lambda text: int(text, 0), "an integer")

    def get_float(self, path: str, default: float) -> float:
        """A value as a number."""
        return self._read(path, default, _number, "a number")

    def get_bool(self, path: str, default: bool) -> bool:
        """A value as yes or no (``yes true enabled 1``, ``no false disabled 0``)."""
        return self._read(path, default, _yes_no, "yes or no")

    def get_time(self, path: str, default: float) -> float:
        """A value in seconds (``s m h d`` behind the number)."""
        return self._read(path, default, _seconds, "a time such as 30s, 5m or 2h")

    def has(self, path: str) -> bool:
        """Whether a value of that name is set."""
        return self._find(path) is not None

    def sections(self, path: str = "") -> tuple[str, ...]:
        """Names of the sections directly below ``path``, in the file's order."""
        nodes = self._nodes(_split(path))
        return tuple(dict.fromkeys(name for node in nodes for name in node.sections))

    def items(self, path: str = "") -> tuple[tuple[str, str], ...]:
        """Keys and values directly in the section ``path``, in the file's order."""
        found: dict[str, str] = {}
        for node in self._nodes(_split(path)):
            for key, value in node.values.items():
                found.setdefault(key, value.text)
        return tuple(found.items())

    def section(self, *names: str) -> "Settings":
        """The section reached by these names (which may contain dots), empty where there is none."""
        nodes = tuple(self._nodes(names))
        return Settings(self._root, self._problems, nodes or (Node(),))

    def _read(self, path: str, default: T, convert: Callable[[str], T], wanted: str) -> T:
        value = self._find(path)
        if value is None:
            return default
        try:
            return convert(value.text)
        except (ValueError, OverflowError):
            text = f"{path} = {value.text:.60} must be {wanted}; using {default}"
            self._problems.warning(value.origin, text)
            return default

    def _find(self, path: str) -> Value | None:
        *names, key = path.split(".")
        return next((node.values[key] for node in self._nodes(names) if key in node.values), None)

    def _nodes(self, names: Sequence[str]) -> Iterator[Node]:
        """The sections a path leads to, the section itself before those it inherits from."""
        return iter(_Walk(self._root).along(list(self._here), names, frozenset()))


class _Walk:
    """One look-up: follows names and references, at most :data:`MAX_REFERENCES` of these."""

    def __init__(self, root: Node) -> None:
        self._root = root
        self._left = MAX_REFERENCES

    def along(self, start: list[Node], names: Sequence[str], seen: frozenset[str]) -> list[Node]:
        """The sections that ``names`` lead to; ``seen`` are references being followed already."""
        nodes = self._with_references(start, seen)
        for name in names:
            found = [node.sections[name] for node in nodes if name in node.sections]
            nodes = self._with_references(found, seen)
        return nodes

    def _with_references(self, nodes: list[Node], seen: frozenset[str]) -> list[Node]:
        found: list[Node] = []
        for node in nodes:
            found.append(node)
            for reference in node.references:
                if reference not in seen and self._left > 0:
                    self._left -= 1
                    found += self.along([self._root], reference.split("."), seen | {reference})
        return found


def parse_settings(path: str, reader: Reader) -> Settings:
    """Parse ``path`` with all it includes; problems are in ``.problems``. A missing file is empty."""
    problems = Problems()
    loader = SettingsLoader(reader, problems)
    loader.load(path)
    return Settings(loader.root, problems)


def _split(path: str) -> list[str]:
    return path.split(".") if path else []


def _number(text: str) -> float:
    number = float(text)
    if number != number or number in (float("inf"), float("-inf")):
        raise ValueError("not a finite number")
    return number


def _yes_no(text: str) -> bool:
    if text.lower() not in (*_YES, *_NO):
        raise ValueError("neither yes nor no")
    return text.lower() in _YES


def _seconds(text: str) -> float:
    unit = _UNIT_S.get(text[-1:], 0)
    return _number(text[:-1].strip()) * unit if unit else _number(text)
