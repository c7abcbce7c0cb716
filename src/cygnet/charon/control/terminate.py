"""``down NAME``, ``NAME{n}``, ``NAME{*}``, ``NAME[n]``, ``NAME[*]``: delete SAs, following the log."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from cygnet.charon.control.following import Outcome, follow
from cygnet.charon.control.ports import Clock, Dialogue, Negotiations, Reply, Snapshots
from cygnet.charon.control.replies import refuse
from cygnet.charon.sa.snapshot import IkeSnapshot
from cygnet.ctl.stroke import EXIT_FAILED, EXIT_USAGE, Done, Terminate

SPECIFIER = re.compile(r"(?P<name>[^\]\[{}]*)(?:(?P<open>[\[{])(?P<number>\d{1,10}|\*)?(?P<close>[\]}]))?")
PAIRS = ("[]", "{}")


@dataclass(frozen=True, slots=True)
class Specifier:
    """What ``down`` was asked for. ``number`` 0 is the first of that name, or with ``all`` every one."""

    name: str
    child: bool = False
    number: int = 0
    all: bool = False
    plain: bool = False


@dataclass(frozen=True, slots=True)
class Target:
    """One SA to be deleted; ``child_id`` 0 is the IKE_SA itself."""

    ike_id: int
    child_id: int = 0

    def __str__(self) -> str:
        return f"CHILD_SA {{{self.child_id}}}" if self.child_id else f"IKE_SA [{self.ike_id}]"


@dataclass(frozen=True, slots=True)
class TerminateHandler:
    """Answers ``down``. ``timeout_s`` is how long it follows each SA, 0 without limit."""

    snapshots: Snapshots
    negotiations: Negotiations
    now: Clock
    timeout_s: float = 0

    def __call__(self, request: Terminate, reply: Reply) -> Done:
        """Delete what the name stands for, one SA after the other."""
        wanted = parse_specifier(request.name)
        if wanted is None:
            reply.text("error parsing specifier string")
            return Done(EXIT_USAGE, f"'{request.name}' is not NAME, NAME{{n}}, NAME{{*}}, NAME[n] or NAME[*]")
        targets = find(self.snapshots.snapshots(), wanted)
        if not targets and wanted.plain and self.negotiations.cancel(wanted.name):
            reply.text(f"connection '{wanted.name}' was not up and is wanted no longer")
            return Done()
        if not targets:
            return refuse(reply, f"no {'CHILD_SA' if wanted.child else 'IKE_SA'} '{request.name}' found")
        return self._terminate(targets, request, reply)

    def _terminate(self, targets: Sequence[Target], request: Terminate, reply: Reply) -> Done:
        done = Done()
        for target in targets:
            dialogue = self._order(target, request.level)
            try:
                outcome = follow(dialogue, reply, self.now, self.timeout_s) if request.wait else None
            finally:
                dialogue.close()
            if outcome is not None:
                reply.text(_last_line(target, outcome))
                done = done if outcome.ok else Done(EXIT_FAILED, outcome.reason)
        return done

    def _order(self, target: Target, level: int) -> Dialogue:
        if target.child_id:
            return self.negotiations.terminate_child(target.ike_id, target.child_id, level)
        return self.negotiations.terminate_ike(target.ike_id, level)


def parse_specifier(text: str) -> Specifier | None:
    """What ``text`` asks for, ``None`` if it is of none of the five forms."""
    match = SPECIFIER.fullmatch(text)
    if match is None:
        return None
    name, number = match["name"], match["number"] or ""
    if not match["open"]:
        return Specifier(name, plain=True) if name else None
    if match["open"] + match["close"] not in PAIRS or not (name or number):
        return None
    if number == "*":
        return Specifier(name, match["open"] == "{", all=True)
    return Specifier(name, match["open"] == "{", int(number or 0))


def find(sas: Sequence[IkeSnapshot], wanted: Specifier) -> list[Target]:
    """The SAs meant, newest first. A plain name that no IKE_SA has may be a CHILD_SA's."""
    newest = sorted(sas, key=lambda sa: (sa.state != "ESTABLISHED", -sa.unique_id))
    if wanted.child:
        return _children(newest, wanted)
    found = [Target(sa.unique_id) for sa in newest if _meant(wanted, sa.name, sa.unique_id)]
    if not found and wanted.plain:
        return _children(newest, wanted)
    return found if wanted.all else found[:1]


def _children(sas: Sequence[IkeSnapshot], wanted: Specifier) -> list[Target]:
    found = [
        Target(sa.unique_id, child.unique_id)
        for sa in sas
        for child in sorted(sa.children, key=lambda child: (child.state != "INSTALLED", -child.unique_id))
        if _meant(wanted, child.name, child.unique_id)
    ]
    return found if wanted.all else found[:1]


def _meant(wanted: Specifier, name: str, unique_id: int) -> bool:
    """Numbers are unique in the daemon, but a name written with one must fit it."""
    if wanted.number and wanted.number != unique_id:
        return False
    return wanted.name in ("", name)


def _last_line(target: Target, outcome: Outcome) -> str:
    if outcome.ok:
        return f"{target} closed successfully"
    if outcome.late_ms is not None:
        return f"{target} not closed after {outcome.late_ms}ms, detaching"
    return f"closing {target} failed"
