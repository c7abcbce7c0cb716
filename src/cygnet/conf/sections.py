"""Statements of ``ipsec.conf`` and its includes to sections of typed settings.

Each value is read once where it stands, so that a mistake is reported once and at its place, however many
sections inherit it.
"""

from dataclasses import dataclass, field
from typing import Any, NamedTuple

from cygnet.conf.keywords import SLOTS, Section, Slot, Status, nearest_keyword, nearest_section
from cygnet.conf.lexer import Statement, statements
from cygnet.conf.problems import Origin, Problems, Reader
from cygnet.conf.values import UnusableError

MAX_INCLUDE_DEPTH = 10
MAX_FILES = 5000
MAX_CACHED_VALUES = 100_000
MAX_SUGGESTIONS = 200
DEFAULT = "%default"


class Reading(NamedTuple):
    """A value of a keyword, read: ``trouble`` says why that failed, ``warning`` what it lacks.

    ``mistake`` is one that a start forgives. ``reset`` stands for ``KEY=``: an inherited value goes back to
    the default. ``unsupported`` says that a section with this setting cannot be loaded.
    """

    slot: Slot
    value: Any = None
    trouble: str = ""
    warning: str = ""
    reset: bool = False
    unsupported: bool = False
    mistake: str = ""


class Setting(NamedTuple):
    """A reading in its place."""

    reading: Reading
    origin: Origin


@dataclass(slots=True)
class RawSection:
    """A section before inheritance. ``settings`` has canonical names; ``also`` names, first is strongest."""

    kind: Section
    name: str
    origin: Origin
    settings: dict[str, Setting] = field(default_factory=dict)
    also: dict[str, Origin] = field(default_factory=dict)

    def __str__(self) -> str:
        return f"{self.kind} {self.name}" if self.kind is Section.SETUP else f"{self.kind} '{self.name}'"


class SectionLoader:
    """Reads a file and its includes; ``sections`` holds what was found, by kind and name."""

    def __init__(self, reader: Reader, problems: Problems) -> None:
        self.sections: dict[Section, dict[str, RawSection]] = {kind: {} for kind in Section}
        self._reader = reader
        self._problems = problems
        self._current: RawSection | None = None
        self._skipping = False
        self._cache: dict[Section, dict[tuple[str, str], Reading | None]] = {kind: {} for kind in Section}
        self._files = 0
        self._suggestions = 0

    def load(self, path: str, asked_by: Origin | None = None, stack: tuple[str, ...] = ()) -> None:
        """Read ``path``. A file that cannot be read is an error at ``asked_by``, or at itself."""
        origin = asked_by or Origin(path, 0)
        if path in stack:
            self._problems.error(origin, f"file '{path}' includes itself")
        elif len(stack) > MAX_INCLUDE_DEPTH or self._files >= MAX_FILES:
            self._problems.error(origin, f"'{path}' is not read: too many includes")
        else:
            self._files += 1
            text = self._text(path, origin, included=asked_by is not None)
            for statement in statements(text):
                self._take(statement, path, (*stack, path))

    def _text(self, path: str, origin: Origin, *, included: bool) -> str:
        try:
            return self._reader.read(path)
        except FileNotFoundError:
            if included:
                self._problems.warning(origin, f"included file '{path}' does not exist")
            else:
                self._problems.error(origin, f"cannot open '{path}': it does not exist")
        except (OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or str(error)
            self._problems.error(origin, f"cannot open '{path}': {reason}")
        return ""

    def _take(self, statement: Statement, path: str, stack: tuple[str, ...]) -> None:
        origin = Origin(path, statement.line)
        if statement.trouble:
            self._problems.error(origin, f"syntax error: {statement.trouble}")
        elif statement.include:
            for found in self._reader.glob(statement.value or "", path):
                self.load(found, origin, stack)
        elif statement.value is None and not statement.indented:
            self._begin(statement.words, origin)
        else:
            self._set(statement, origin)

    def _begin(self, words: list[str], origin: Origin) -> None:
        kind, names = words[0], words[1:]
        if kind == "version":
            return
        self._current, self._skipping = None, True
        if kind not in Section.__members__.values():
            hint = _did_you_mean(nearest_section(kind))
            self._problems.error(origin, f"unknown section type '{kind:.40}'{hint}")
        elif kind == Section.SETUP and names != ["setup"]:
            self._problems.error(origin, "syntax error: a 'config' section is called 'setup'")
        elif len(names) != 1 or not names[0]:
            self._problems.error(origin, f"syntax error: '{kind}' must be followed by one name")
        else:
            self._current = self._section(Section(kind), names[0], origin)

    def _section(self, kind: Section, name: str, origin: Origin) -> RawSection:
        known = self.sections[kind]
        if name not in known:
            known[name] = RawSection(kind, name, origin)
        elif name != DEFAULT:
            first = known[name]
            self._problems.warning(origin, f"{first} is there already ({first.origin}); both are read as one")
        return known[name]

    def _set(self, statement: Statement, origin: Origin) -> None:
        if len(statement.words) != 1 or statement.value is None:
            shown = " ".join(statement.words)
            self._problems.error(origin, f"syntax error: '{shown:.60}' is not of the form KEYWORD=VALUE")
            return
        if not statement.indented:
            text = f"syntax error: '{statement.words[0]:.60}' must begin with white space"
            self._problems.error(origin, text)
        if self._current is None:
            if statement.indented and not self._skipping:
                self._problems.error(origin, f"'{statement.words[0]:.60}' stands in no section")
            return
        self._add(self._current, statement.words[0], statement.value, origin)

    def _add(self, section: RawSection, name: str, value: str, origin: Origin) -> None:
        cache = self._cache[section.kind]
        reading = cache[name, value] if (name, value) in cache else self._read(section.kind, name, value)
        if reading is None:
            self._unknown(section, name, origin)
        elif reading.trouble:
            self._problems.error(origin, f"bad value: {name}={value:.80} in {section} ({reading.trouble})")
        elif reading.slot.keyword.name == "also" and not reading.slot.side:
            self._also(section, value, origin)
        else:
            if reading.mistake:
                text = f"bad value: {name}={value:.80} in {section} ({reading.mistake})"
                self._problems.mistake(origin, text)
            if reading.warning:
                self._problems.warning(origin, f"{reading.warning} in {section}")
            before = section.settings.get(reading.slot.name)
            if before is not None:
                text = f"'{name}' in {section} replaces the one in line {before.origin.line}"
                if before.origin.file != origin.file:
                    text += f" of {before.origin.file}"
                self._problems.warning(origin, text)
            section.settings[reading.slot.name] = Setting(reading, origin)

    def _read(self, kind: Section, name: str, value: str) -> Reading | None:
        slot = SLOTS[kind].get(name)
        reading = None if slot is None else read_value(slot, name, value)
        if len(self._cache[kind]) < MAX_CACHED_VALUES:
            self._cache[kind][name, value] = reading
        return reading

    def _also(self, section: RawSection, name: str, origin: Origin) -> None:
        if section.name == DEFAULT:
            self._problems.error(origin, f"'also' may not stand in {section}")
        elif name in section.also:
            self._problems.warning(origin, f"also={name} is in {section} twice")
        elif name:
            section.also[name] = origin

    def _unknown(self, section: RawSection, name: str, origin: Origin) -> None:
        hint = ""
        if self._suggestions < MAX_SUGGESTIONS:
            self._suggestions += 1
            hint = self._elsewhere(section, name) or _did_you_mean(nearest_keyword(name, section.kind))
        self._problems.mistake(origin, f"unknown keyword '{name:.60}' in {section}{hint}")

    @staticmethod
    def _elsewhere(section: RawSection, name: str) -> str:
        kinds = [kind for kind in Section if kind is not section.kind and name in SLOTS[kind]]
        return f" (it belongs in a {kinds[0]} section)" if kinds else ""


def read_value(slot: Slot, name: str, value: str) -> Reading:
    """Read ``value`` as the keyword of ``slot`` wants it, ``name`` being the keyword as written."""
    keyword = slot.keyword
    if not value:
        return Reading(slot, reset=True)
    try:
        read = keyword.kind(value)
    except UnusableError as error:
        return Reading(slot, value, mistake=str(error), unsupported=True)
    except (ValueError, OverflowError) as error:
        return Reading(slot, trouble=str(error))
    if keyword.has_effect(value):
        return Reading(slot, read)
    if keyword.status is Status.DEAD:
        warning = f"keyword '{name}' is deprecated and has no effect"
    else:
        warning = f"'{name}={value:.80}' is recognised but not implemented yet"
    if keyword.note:
        warning += f" ({keyword.note})"
    return Reading(slot, read, warning=warning, unsupported=keyword.needed)


def _did_you_mean(word: str) -> str:
    return f" (did you mean '{word}'?)" if word else ""
