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
