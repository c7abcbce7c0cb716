"""What ``NAME``, ``NAME[n]``, ``NAME[*]`` and ``#n`` mean."""

import re
from dataclasses import dataclass

from cygnet.base.errors import LocalError

FORMS = "NAME, NAME[n], NAME[*] or #n"
_FORM = re.compile(r'#(?P<state>\d{1,10})|"?(?P<name>[^\[\]{}#"]+)"?(?:\[(?P<instance>\d{1,10}|\*)\])?')


class SpecifierError(LocalError):
    """The text names nothing that could be."""


@dataclass(frozen=True, slots=True)
class Specifier:
    """What was asked for: an SA by its number ``state``, or a connection, its instances with ``every``.

    ``instance`` is 0 where none was given, which is the connection itself and all its SAs.
    """

    name: str = ""
    instance: int = 0
    every: bool = False
    state: int = 0

    def means(self, number: int, name: str, instance: int) -> bool:
        """Whether the SA of this number and of that connection is meant."""
        if self.state:
            return self.state == number
        if name != self.name:
            return False
        return instance > 0 if self.every else self.instance in (0, instance)


def parse(text: str) -> Specifier:
    """What ``text`` asks for; raises :class:`SpecifierError`."""
    match = _FORM.fullmatch(text)
    if match is None or (match["state"] is not None and not int(match["state"])):
        raise SpecifierError(f"'{text:.60}' is not {FORMS}")
    if match["state"]:
        return Specifier(state=int(match["state"]))
    instance = match["instance"] or "0"
    every = instance == "*"
    return Specifier(match["name"], 0 if every else int(instance), every)


_SUITE_FORM = re.compile(
    r"(?P<name>[^\]\[{}]*)(?:\[(?P<ike>\d{1,10}|\*)\]|\{(?P<child>\d{1,10}|\*)\})?"
)
SUITE_FORMS = "NAME, NAME{n}, NAME{*}, NAME[n] or NAME[*]"


@dataclass(frozen=True, slots=True)
class SuiteSpecifier:
    """What ``ipsec down`` names: numbers are those of SAs, ``number`` 0 the newest of that name.

    ``child`` tells of which kind it is, ``plain`` that it may be either.
    """

    name: str
    child: bool = False
    number: int = 0
    every: bool = False
    plain: bool = False

    def means(self, number: int, name: str) -> bool:
        """Whether the SA of this number and name is meant; one number is unique in the daemon."""
        return self.number in (0, number) and self.name in ("", name)


def parse_suite(text: str) -> SuiteSpecifier:
    """What ``text`` asks for; raises :class:`SpecifierError`."""
    match = _SUITE_FORM.fullmatch(text)
    number = (match["ike"] or match["child"] or "") if match else ""
    if match is None or not (match["name"] or number):
        raise SpecifierError(f"'{text:.60}' is not {SUITE_FORMS}")
    every = number == "*"
    return SuiteSpecifier(
        match["name"], match["child"] is not None, int(number or 0) if not every else 0, every, not number
    )
