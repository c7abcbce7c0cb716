"""Which SAs ``NAME``, ``NAME{n}``, ``NAME{*}``, ``NAME[n]`` and ``NAME[*]`` mean."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from cygnet.charon.sa.snapshot import IkeSnapshot
from cygnet.keying.sa.child_snapshot import ChildSnapshot

SPECIFIER = re.compile(r"(?P<name>[^\]\[{}]*)(?:(?P<open>[\[{])(?P<number>\d{1,10}|\*)?(?P<close>[\]}]))?")
PAIRS = ("[]", "{}")
FORMS = "NAME, NAME{n}, NAME{*}, NAME[n] or NAME[*]"
CARRYING = ("INSTALLED", "UPDATING", "REKEYING")
GOING = ("REKEYED", "DELETED", "DELETING", "DESTROYING")


@dataclass(frozen=True, slots=True)
class Specifier:
    """What was asked for. ``number`` 0 is the first of that name, or with ``all`` every one."""

    name: str
    child: bool = False
    number: int = 0
    all: bool = False
    plain: bool = False

    @property
    def kind(self) -> str:
        """What kind of SA it names."""
        if self.plain:
            return "IKE_SA or CHILD_SA"
        return "CHILD_SA" if self.child else "IKE_SA"


@dataclass(frozen=True, slots=True)
class Target:
    """One SA; ``child_id`` 0 is the IKE_SA itself."""

    ike_id: int
    child_id: int = 0

    def __str__(self) -> str:
        return f"CHILD_SA {{{self.child_id}}}" if self.child_id else f"IKE_SA [{self.ike_id}]"


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
    """The SAs meant, newest first. A plain name that no IKE_SA has may be a CHILD_SA's.

    One that is on its way out is meant only by its number or when there is no other.
    """
    newest = sorted(sas, key=lambda sa: (sa.state != "ESTABLISHED", -sa.unique_id))
    if wanted.child:
        return _chosen(_children(newest, wanted), wanted)
    found = [Target(sa.unique_id) for sa in newest if _meant(wanted, sa.name, sa.unique_id)]
    if not found and wanted.plain:
        return _chosen(_children(newest, wanted), wanted)
    return _chosen(found, wanted)


def _chosen(found: list[Target], wanted: Specifier) -> list[Target]:
    return found if wanted.all else found[:1]


def _children(sas: Sequence[IkeSnapshot], wanted: Specifier) -> list[Target]:
    pairs = [(sa, child) for sa in sas for child in sa.children if _named(wanted, child)]
    pairs.sort(key=lambda pair: (pair[1].state not in CARRYING, -pair[1].unique_id))
    if wanted.all and any(child.state in CARRYING for _, child in pairs):
        pairs = [pair for pair in pairs if pair[1].state not in GOING]
    return [Target(sa.unique_id, child.unique_id) for sa, child in pairs]


def _named(wanted: Specifier, child: ChildSnapshot) -> bool:
    return _meant(wanted, child.name, child.unique_id)


def _meant(wanted: Specifier, name: str, unique_id: int) -> bool:
    """Numbers are unique in the daemon, but a name written with one must fit it."""
    if wanted.number and wanted.number != unique_id:
        return False
    return wanted.name in ("", name)


def childless(sas: Sequence[IkeSnapshot]) -> Iterator[Target]:
    """The established IKE_SAs without any CHILD_SA, oldest first; none that is making one."""
    for sa in sorted(sas, key=lambda sa: sa.unique_id):
        making = "CHILD_CREATE" in (*sa.tasks_queued, *sa.tasks_active, *sa.tasks_passive)
        if sa.state == "ESTABLISHED" and not sa.children and not making:
            yield Target(sa.unique_id)
