"""From JSON values to frozen records, each value checked against its field's declared type."""

from dataclasses import fields, is_dataclass
from math import isfinite
from typing import Any, TypeVar

from cygnet.ctl.frames import ControlError

R = TypeVar("R")


def record(cls: type[R], values: dict[str, Any]) -> R:
    """A record of these fields; raises :class:`ControlError` naming the field that is wrong."""
    types = {entry.name: entry.type for entry in fields(cls)}  # type: ignore[arg-type]
    unknown = values.keys() - types.keys()
    if unknown:
        raise ControlError(f"unknown field '{min(unknown)}' in {cls.__name__}")
    checked = {name: _value(f"{cls.__name__}.{name}", types[name], value) for name, value in values.items()}
    try:
        return cls(**checked)
    except TypeError:
        raise ControlError(f"a field of {cls.__name__} is missing") from None


def _value(name: str, wanted: object, value: object) -> object:
    """``value`` if it is of the declared type; a tuple or a record is made from its JSON form."""
    if isinstance(wanted, type) and is_dataclass(wanted) and isinstance(value, dict):
        return record(wanted, value)
    if wanted == tuple[str, ...] and isinstance(value, list) and all(isinstance(one, str) for one in value):
        return tuple(value)
    if wanted is float and type(value) in (int, float) and isfinite(value):  # type: ignore[arg-type]
        return value
    if wanted in (str, int, bool) and type(value) is wanted:
        return value
    raise ControlError(f"{name} cannot be {value!r:.40}")
