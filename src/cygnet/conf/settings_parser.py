"""The grammar of ``strongswan.conf``: text to a tree of nodes.

``name { … }`` is a section, ``name = value`` a value up to the end of the line, ``}`` or ``#`` unless in
``"…"``; ``name : other, path.to.another { … }`` inherits; ``include PATTERN`` reads files in place.
"""

import re
from dataclasses import dataclass, field

from cygnet.conf.problems import Origin, Problems, Reader

MAX_INCLUDE_DEPTH = 10
MAX_FILES = 1000
MAX_DEPTH = 50

_SPACE = re.compile(r"(?:[ \t\r\n]|#[^\n]*)*")
_NAME = re.compile(r'[^\s#={}:,"]+')
_BLANKS = re.compile(r"[ \t]*")
_INCLUDE = re.compile(r"include[ \t]+(?=[^={\s])")
_PLAIN = re.compile(r'[^"#}\n]+')
_QUOTED = re.compile(r'"((?:[^"\\]|\\.)*)"', re.DOTALL)
_REFERENCES = re.compile(r"[ \t]*([^{}#=\n\"]*?)[ \t]*(?=\{|\n|$)")
_ESCAPE = re.compile(r"\\(.)", re.DOTALL)
_ESCAPES = {"n": "\n", "r": "\r", "t": "\t", "\n": ""}


@dataclass(slots=True)
class Value:
    """A value with its place."""

    text: str
    origin: Origin


@dataclass(slots=True)
class Node:
    """A section: its values, its sections, and the dotted paths it inherits from."""

    values: dict[str, Value] = field(default_factory=dict)
    sections: dict[str, "Node"] = field(default_factory=dict)
    references: list[str] = field(default_factory=list)


class SettingsLoader:
    """Reads a file and its includes into ``root``."""

    def __init__(self, reader: Reader, problems: Problems) -> None:
        self.root = Node()
        self._reader = reader
        self._problems = problems
        self._files = 0

    def load(self, path: str) -> None:
        """Read ``path`` unless it does not exist."""
        try:
            text = self._reader.read(path)
        except FileNotFoundError:
            return
        except (OSError, ValueError) as error:
            self._problems.error(Origin(path, 0), f"cannot open '{path}': {error}")
            return
        _Parse(text, path, self, [self.root], (path,)).run()

    def include(self, pattern: str, origin: Origin, node: Node, stack: tuple[str, ...]) -> None:
        """Read the files that match ``pattern`` into ``node``."""
        for path in self._reader.glob(pattern, origin.file):
            self._files += 1
            if path in stack or len(stack) > MAX_INCLUDE_DEPTH or self._files > MAX_FILES:
                self._problems.error(origin, f"'{path}' is not read: it includes itself, or too much")
                continue
            try:
                text = self._reader.read(path)
            except (OSError, ValueError) as error:
                self._problems.warning(origin, f"cannot open '{path}': {error}")
                continue
            _Parse(text, path, self, [node], (*stack, path)).run()

    def error(self, origin: Origin, text: str) -> None:
        """Note what is wrong."""
        self._problems.error(origin, text)


class _Parse:
    """One file being read. ``nodes`` are the open sections, the innermost last."""

    def __init__(
        self, text: str, path: str, loader: SettingsLoader, nodes: list[Node], stack: tuple[str, ...]
    ) -> None:
        self.text, self.path, self.loader, self.nodes, self.stack = text, path, loader, nodes, stack
        self.at = 0
        self._line, self._counted = 1, 0

    def run(self) -> None:
        while self._skip(_SPACE) < len(self.text):
            if not self._statement():
                return
        if len(self.nodes) > 1:
            self._error(f"{len(self.nodes) - 1} section(s) lack their closing brace")

    def _statement(self) -> bool:
        """One statement; ``False`` after a mistake behind which nothing makes sense."""
        if self.text[self.at] == "}":
            self.at += 1
            if len(self.nodes) == 1:
                return self._error("closing brace without a section")
            self.nodes.pop()
            return True
        if match := _INCLUDE.match(self.text, self.at):
            origin = self._origin()
            self.at = match.end()
            self.loader.include(self._value(), origin, self.nodes[-1], self.stack)
            return True
        name = _NAME.match(self.text, self.at)
        if not name:
            return self._error(f"unexpected '{self.text[self.at]}'")
        origin = self._origin()
        self.at = name.end()
        self._skip(_BLANKS)
        if self.text[self.at : self.at + 1] == "=":
            self.at += 1
            self._set(name[0], self._value(), origin)
            return True
        return self._begin(name[0], origin)

    def _set(self, name: str, value: str, origin: Origin) -> None:
        if value:
            self.nodes[-1].values[name] = Value(value, origin)
        else:
            self.nodes[-1].values.pop(name, None)

    def _begin(self, name: str, origin: Origin) -> bool:
        references: list[str] = []
        if self.text[self.at : self.at + 1] == ":":
            match = _REFERENCES.match(self.text, self.at + 1)
            if not match:
                return self._error(f"section '{name:.60}' inherits, but has no opening brace", origin)
            references = [one.strip() for one in match[1].split(",") if one.strip()]
            self.at = match.end()
        if self.text[self._skip(_SPACE) : self.at + 1] != "{":
            return self._error(f"'{name:.60}' is followed by neither '=' nor '{{'", origin)
        if len(self.nodes) > MAX_DEPTH:
            return self._error(f"sections are nested more than {MAX_DEPTH} deep", origin)
        self.at += 1
        node = self.nodes[-1].sections.setdefault(name, Node())
        node.references += [one for one in references if one not in node.references]
        self.nodes.append(node)
        return True

    def _value(self) -> str:
        parts: list[str] = []
        self._skip(_BLANKS)
        while self.at < len(self.text) and self.text[self.at] not in "#}\n":
            match = (_QUOTED if self.text[self.at] == '"' else _PLAIN).match(self.text, self.at)
            if not match:
                self._error("unterminated string")
                self.at = len(self.text)
                break
            if self.text[self.at] == '"':
                parts.append(_ESCAPE.sub(lambda found: _ESCAPES.get(found[1], found[1]), match[1]))
            elif plain := " ".join(match[0].split()):
                parts.append(plain)
            self.at = match.end()
        return " ".join(parts)

    def _skip(self, pattern: re.Pattern[str]) -> int:
        match = pattern.match(self.text, self.at)
        self.at = match.end() if match else self.at
        return self.at

    def _origin(self) -> Origin:
        self._line += self.text.count("\n", self._counted, self.at)
        self._counted = self.at
        return Origin(self.path, self._line)

    def _error(self, text: str, origin: Origin | None = None) -> bool:
        self.loader.error(origin or self._origin(), f"syntax error: {text}")
        return False
