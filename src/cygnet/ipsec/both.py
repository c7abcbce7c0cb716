"""Verbs while pluto runs too: which daemon is asked, and one view of what both answer.

``up``, ``route`` and ``unroute`` go to charon if it knows the connection (where either version will do, IKEv2
begins), else to pluto. ``down`` goes to whoever knows it. What both have read is listed once, and read again
by both.
"""

import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from cygnet.base.errors import CygnetError
from cygnet.ctl import frames, whack, whack_codes, whack_lines
from cygnet.ctl.stroke import EXIT_UNKNOWN
from cygnet.ipsec.merging import merged, together
from cygnet.runtime import paths
from cygnet.runtime.client import NOT_RUNNING, NotRunningError, ask, connected

TYPE_CHECKING = False
if TYPE_CHECKING:
    from cygnet.ctl.frames import Stream

Fields = dict[str, object]
Talk = whack_lines.Talk
FAILED = 1
ANSWER_S = 30.0
"""How long a daemon that is asked for its part of a view may be silent."""


@dataclass(slots=True)
class Part:
    """What one daemon answered."""

    exit_code: int = 0
    reason: str = ""
    lines: list[str] = field(default_factory=list)


def run(verb: str, kind: str, fields: Fields) -> int:
    """Ask whoever is concerned; raises :class:`NotRunningError` if nobody runs."""
    rule = _RULES.get(kind, _charon_or_pluto)
    return rule(verb, kind, fields)


def _first_that_knows(verb: str, kind: str, fields: Fields) -> int:
    """charon if it knows the name, else pluto if that does; what nobody knows is charon's to refuse."""
    name = str(fields["name"])
    if _charon_knows(name) or (_charon_runs() and not _pluto_knows(name)):
        return ask(paths.charon_ctl(), frames.conversation(kind, fields), f"ipsec {verb}")
    return _ask_pluto(verb, kind, fields)


def _all_that_know(verb: str, kind: str, fields: Fields) -> int:
    """Both, if both know the name; then one that has something to do is enough."""
    name = str(fields["name"])
    base = name.partition("[")[0].partition("{")[0]
    if not _pluto_knows(base):
        return ask(paths.charon_ctl(), frames.conversation(kind, fields), f"ipsec {verb}")
    if not _charon_knows(base):
        return _ask_pluto(verb, kind, fields)
    parts = [_part(paths.charon_ctl(), frames.conversation(kind, fields))]
    parts.append(_part(paths.pluto_ctl(), plain(_requests(kind, fields))))
    done = [part for part in parts if part is not None and not part.exit_code]
    return _show(verb, done or [part for part in parts if part is not None][:1])


def _everybody(verb: str, kind: str, fields: Fields) -> int:
    """Whoever runs; the exit code tells of any that failed."""
    charon = _part(paths.charon_ctl(), frames.conversation(kind, fields))
    pluto = _part(paths.pluto_ctl(), plain(_requests(kind, fields)))
    return _show(verb, _running(charon, pluto))


def _charon_or_pluto(verb: str, kind: str, fields: Fields) -> int:
    """charon, and only without it pluto."""
    try:
        return ask(paths.charon_ctl(), frames.conversation(kind, fields), f"ipsec {verb}")
    except NotRunningError:
        return _ask_pluto(verb, kind, fields)


def _merged_status(verb: str, kind: str, fields: Fields) -> int:
    """The sections of both as one; a name that one of them knows is known."""
    charon = _part(paths.charon_ctl(), frames.conversation(kind, fields))
    pluto = _part(paths.pluto_ctl(), plain(_requests(kind, fields)))
    parts = _running(charon, pluto)
    known = [part for part in parts if not part.exit_code] or parts[:1]
    if len(known) == 2:
        return _show(verb, [Part(lines=merged(known[0].lines, known[1].lines))])
    return _show(verb, known)


def _merged_lists(verb: str, kind: str, fields: Fields) -> int:
    """What both have is shown once."""
    charon = _part(paths.charon_ctl(), frames.conversation(kind, fields))
    pluto = _part(paths.pluto_ctl(), plain(_requests(kind, fields)))
    parts = _running(charon, pluto)
    good = [part for part in parts if not part.exit_code]
    if len(good) < 2:
        return _show(verb, good or parts[:1])
    return _show(verb, [Part(lines=together(good[0].lines, good[1].lines))])


def _ask_pluto(verb: str, kind: str, fields: Fields) -> int:
    return ask(paths.pluto_ctl(), plain(_requests(kind, fields)), f"ipsec {verb}")


def plain(requests: list[whack.Request]) -> Talk:
    """A conversation with pluto whose lines come without their codes; any failure is exit code 1."""
    talk = whack_lines.conversation(requests)

    def plainly(
        stream: "Stream",
        on_text: Callable[[str], None],
        on_prompt: Callable[[str], str],
        on_wait: Callable[[], None],
    ) -> tuple[int, str]:
        reason = ""

        def line(text: str) -> None:
            nonlocal reason
            code, _, shown = text.partition(" ")
            if whack_codes.exit_status([int(code)]):
                reason = shown
            on_text(shown)

        code, _ = talk(stream, line, on_prompt, on_wait)
        return (FAILED, reason) if code else (0, "")

    return plainly


def _requests(kind: str, fields: Fields) -> list[whack.Request]:
    return [_WHACK[kind](fields)]


def _kinds(fields: Fields) -> tuple[str, ...]:
    kinds = fields["kinds"]
    assert isinstance(kinds, list)
    return tuple(map(str, kinds))


_WHACK: dict[str, Callable[[Fields], whack.Request]] = {
    "initiate": lambda fields: whack.Initiate(str(fields["name"])),
    "terminate": lambda fields: whack.Terminate(str(fields["name"]), suite=True),
    "rekey": lambda fields: whack.Rekey(str(fields["name"])),
    "route": lambda fields: whack.Route(str(fields["name"])),
    "unroute": lambda fields: whack.Unroute(str(fields["name"])),
    "status": lambda fields: whack.Status(str(fields["name"]), bool(fields["all"]), suite=True),
    "list": lambda fields: whack.List(_kinds(fields), bool(fields["utc"])),
    "leases": lambda fields: whack.Leases(str(fields.get("pool", "")), str(fields.get("address", ""))),
    "reread": lambda fields: whack.Reread(_kinds(fields)),
    "purge": lambda fields: whack.Purge(_kinds(fields)),
}

_RULES: dict[str, Callable[[str, str, Fields], int]] = {
    "initiate": _first_that_knows,
    "route": _first_that_knows,
    "unroute": _first_that_knows,
    "rekey": _all_that_know,
    "terminate": _all_that_know,
    "status": _merged_status,
    "reread": _everybody,
    "purge": _everybody,
    "list": _merged_lists,
    "leases": _merged_lists,
}


def _charon_knows(name: str) -> bool:
    part = _part(paths.charon_ctl(), frames.conversation("status", {"name": name, "all": False}))
    return part is not None and part.exit_code != EXIT_UNKNOWN


def _charon_runs() -> bool:
    try:
        connected(paths.charon_ctl()).close()
    except NotRunningError:
        return False
    return True


def _pluto_knows(name: str) -> bool:
    part = _part(paths.pluto_ctl(), plain([whack.Status(name, suite=True)]))
    return part is not None and not part.exit_code


def _part(path: Path, talk: Talk) -> Part | None:
    """What one daemon answers, ``None`` if it does not run."""
    part = Part()
    try:
        with connected(path) as stream:
            stream.settimeout(ANSWER_S)
            part.exit_code, part.reason = talk(stream, part.lines.append, lambda _: "", lambda: None)
    except NotRunningError:
        return None
    except (CygnetError, OSError) as error:
        part.exit_code, part.reason = FAILED, str(error)
    return part


def _running(charon: Part | None, pluto: Part | None) -> list[Part]:
    parts = [part for part in (charon, pluto) if part is not None]
    if not parts:
        raise NotRunningError(f"nobody listens on {paths.charon_ctl()}")
    return parts


def _show(verb: str, parts: list[Part]) -> int:
    """Print the parts, reasons of failures on standard error; the exit code of the last that failed."""
    exit_code = 0 if parts else NOT_RUNNING
    for part in parts:
        for line in part.lines:
            print(line)
        if part.exit_code:
            exit_code = part.exit_code
            sys.stdout.flush()
            if part.reason not in part.lines[-1:]:
                print(f"ipsec {verb}: {part.reason}", file=sys.stderr)
    return exit_code
