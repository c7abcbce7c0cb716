"""Lines of ``ipsec.conf`` to statements: comments, quotes, escapes and joined lines are dealt with here.

The grammar is that of strongSwan 6's starter: a value is words separated by blanks, or ``"…"`` with the
escapes ``\\n \\r \\t \\X``, where a backslash at the end of a line joins it with the next. ``#`` begins a
comment outside quotes, except that a word may begin with ``@#``.
"""

import re
from collections.abc import Iterator
from typing import NamedTuple

_SIMPLE = re.compile(r'([ \t]+)([^"#= \t\\]+)[ \t]*=[ \t]*([^"#]*)')
_INCLUDE = re.compile(r"[ \t]*include[ \t]+(?=[^= \t])")
_BLANKS = re.compile(r"[ \t]*")
_NAME_WORD = re.compile(r'(?:@#)?[^"#= \t]+')
_VALUE_WORD = re.compile(r'(?:@#)?[^"# \t]+')
_ESCAPES = {"n": "\n", "r": "\r", "t": "\t"}


class Statement(NamedTuple):
    """One statement. ``words`` stand before the ``=``, ``value`` behind it; without ``=`` it is ``None``.

    An ``include`` has the one word ``include`` and its pattern as value, with ``include`` true.
    """

    line: int
    indented: bool
    words: list[str]
    value: str | None
    trouble: str = ""
    include: bool = False


def statements(text: str) -> Iterator[Statement]:
    """The statements of a file in order; lines count from 1."""
    lines = text.split("\n")
    number = 0
    while number < len(lines):
        line = lines[number].rstrip("\r \t")
        number += 1
        if match := _SIMPLE.fullmatch(line):
            value = match[3]
            if " " in value or "\t" in value:
                value = " ".join(value.split())
            yield Statement(number, True, [match[2]], value)
        elif line and not line.lstrip(" \t").startswith("#"):
            scanned = _scan(lines, number - 1)
            yield scanned[0]
            number = scanned[1]


def _scan(lines: list[str], index: int) -> tuple[Statement, int]:
    """The statement that begins at ``index`` and the index behind it."""
    line = lines[index]
    if match := _INCLUDE.match(line):
        pattern, trouble = _pattern(line[match.end():].rstrip("\r \t"))
        return Statement(index + 1, line[0] in " \t", ["include"], pattern, trouble, True), index + 1
    reader = _Words(lines, index)
    words, value = reader.statement()
    return Statement(index + 1, line[0] in " \t", words, value, reader.trouble), reader.index + 1


def _pattern(rest: str) -> tuple[str, str]:
    """An include's file name: quoted, or up to the first blank; a backslash takes what follows as it is."""
    quoted = rest.startswith('"')
    ends = '"' if quoted else " \t#"
    out = []
    position = 1 if quoted else 0
    while position < len(rest) and rest[position] not in ends:
        if rest[position] == "\\" and position + 1 < len(rest):
            position += 1
        out.append(rest[position])
        position += 1
    if quoted and position >= len(rest):
        return "".join(out), "unterminated string"
    behind = rest[position + quoted:].lstrip(" \t")
    trouble = "" if not behind or behind.startswith("#") else "an include names one file or pattern"
    return "".join(out), trouble


class _Words:
    """Reads the words of one statement, which quotes may stretch over several lines."""

    def __init__(self, lines: list[str], index: int) -> None:
        self.lines = lines
        self.index = index
        self.position = 0
        self.trouble = ""

    def statement(self) -> tuple[list[str], str | None]:
        before: list[str] = []
        behind: list[str] | None = None
        while (line := self._at_word()) and not self.trouble:
            if behind is None and line[self.position] == "=":
                behind = []
                self.position += 1
            else:
                (before if behind is None else behind).append(self._word(line, behind is not None))
        return before, None if behind is None else " ".join(behind)

    def _at_word(self) -> str:
        """The current line once the position is at a word; nothing at its end or at a comment."""
        line = self.lines[self.index].rstrip("\r")
        match = _BLANKS.match(line, self.position)
        self.position = match.end() if match else len(line)
        rest = line[self.position:self.position + 2]
        return "" if not rest or (rest[0] == "#") else line

    def _word(self, line: str, in_value: bool) -> str:
        if line[self.position] == '"':
            self.position += 1
            return self._quoted()
        match = (_VALUE_WORD if in_value else _NAME_WORD).match(line, self.position)
        assert match is not None, "neither a blank nor a quote, comment or '=' stands here"
        self.position = match.end()
        return match[0]

    def _quoted(self) -> str:
        out: list[str] = []
        line = self.lines[self.index].rstrip("\r")
        while True:
            if self.position >= len(line):
                self.trouble = "unterminated string"
                return "".join(out)
            char = line[self.position]
            self.position += 1
            if char == '"':
                return "".join(out)
            if char != "\\":
                out.append(char)
            elif self.position < len(line):
                out.append(_ESCAPES.get(line[self.position], line[self.position]))
                self.position += 1
            elif self.index + 1 < len(self.lines):
                self.index += 1
                self.position = 0
                line = self.lines[self.index].rstrip("\r")
