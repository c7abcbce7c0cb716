"""The status of both daemons as one: their sections put together by caption."""

import re
from collections.abc import Sequence

CAPTIONS = (
    "Status of ",
    "Virtual IP pools (",
    "Listening IP addresses:",
    "Connections:",
    "Shunted Connections:",
    "Routed Connections:",
    "Security Associations (",
)
"""What begins a section, in the order they are printed in."""
_HEADER, _CONNECTIONS, _SAS = CAPTIONS[0], CAPTIONS[3], CAPTIONS[-1]
_COUNTS = re.compile(r"\((\d+) up, (\d+) connecting\)")
_NOTHING = ("  none", "  no match")

NO_POOLS = "no pools found"
PLUGINS = "List of loaded Plugins:"
"""The one list whose objects stand without empty lines between them."""
CAPTIONS_OF_LISTS = ("List of ", "Leases in pool ", NO_POOLS)

Section = tuple[str, list[str]]
Lines = tuple[str, ...]


def merged(charon: Sequence[str], pluto: Sequence[str]) -> list[str]:
    """One text: every section once, charon's part first, pluto's header behind charon's.

    A connection that both have loaded is shown once, as charon has it.
    """
    ours, theirs = _sections(charon), _sections(pluto)
    lines: list[str] = []
    for start in CAPTIONS:
        found = [sections[start] for sections in (ours, theirs) if start in sections]
        if not found:
            continue
        if start == _HEADER:
            for caption, content in found:
                lines += [caption, *content]
        elif start == _SAS:
            lines += _associations(found)
        else:
            lines.append(found[0][0])
            lines += found[0][1]
            known = {_name(line) for line in found[0][1]} if start == _CONNECTIONS else set()
            lines += [line for _, more in found[1:] for line in more if _name(line) not in known]
    return lines


def together(charon: Sequence[str], pluto: Sequence[str]) -> list[str]:
    """Lists of both daemons: captions once, of pluto's objects only those that charon does not show."""
    lists: dict[Lines, dict[Lines, None]] = {}
    for caption, content in (*_lists(charon), *_lists(pluto)):
        known = lists.setdefault(caption, {})
        for one in content:
            bare = known and caption[-1] == PLUGINS and one[0] == ""
            known[one[1:] if bare else one] = None
    if len(lists) > 1:
        lists.pop((NO_POOLS,), None)
    return [
        line for caption, content in lists.items() for part in (caption, *content) for line in part
    ]


def _lists(lines: Sequence[str]) -> list[tuple[Lines, list[Lines]]]:
    """Each caption with its objects, each with the empty line before it if there is one.

    An object begins behind an empty line or with a line that is not indented.
    """
    found: list[tuple[Lines, list[Lines]]] = []
    gap: Lines = ()
    for line in lines:
        if not line:
            gap = ("",)
            continue
        if line.startswith(CAPTIONS_OF_LISTS) or not found:
            found.append(((*gap, line), []))
        elif gap or not line.startswith(" ") or not found[-1][1]:
            found[-1][1].append((*gap, line))
        else:
            found[-1][1][-1] += (line,)
        gap = ()
    return found


def _sections(lines: Sequence[str]) -> dict[str, Section]:
    """By how their captions start; what stands before the first is of no section."""
    found: dict[str, Section] = {}
    content: list[str] = []
    for line in lines:
        start = next((one for one in CAPTIONS if line.startswith(one) and line.endswith(":")), "")
        if start and start not in found:
            content = []
            found[start] = line, content
        else:
            content.append(line)
    return found


def _associations(found: Sequence[Section]) -> list[str]:
    """Both daemons' SAs under the sum of their counts; "none" only if there is none."""
    counts = [match for caption, _ in found if (match := _COUNTS.search(caption))]
    up, connecting = (sum(int(match[number]) for match in counts) for number in (1, 2))
    content = [line for _, lines in found for line in lines if line not in _NOTHING]
    content = content or [line for line in found[0][1] if line in _NOTHING]
    return [f"Security Associations ({up} up, {connecting} connecting):", *content]


def _name(line: str) -> str:
    return line.partition(":")[0].strip()
