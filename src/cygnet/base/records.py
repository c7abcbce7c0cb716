"""Immutable records that are made many times per packet.

``@dataclass(frozen=True)`` guards each assignment at run time by making the constructor go round the guard,
field by field, which takes three times as long as a plain one: a tenth of the time of a handshake went there.
``@record`` is as frozen for mypy, which checks all of our code, and leaves the guard out.
"""

from dataclasses import dataclass
from typing import TypeVar, dataclass_transform

T = TypeVar("T")


@dataclass_transform(frozen_default=True)
def record(cls: type[T]) -> type[T]:
    """A dataclass with slots, compared and hashed by its fields, none of which may be assigned to."""
    return dataclass(slots=True, unsafe_hash=True)(cls)
