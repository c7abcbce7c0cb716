"""From one record to another that has fields of the same names, as configurations have with messages."""

from dataclasses import fields
from functools import cache
from typing import Any


def same_fields(record: Any, kind: type) -> dict[str, Any]:
    """What ``kind`` takes from ``record`` under the same names: lists joined by commas, nothing as ""."""
    return {name: _written(getattr(record, name)) for name in _common(record.__class__, kind)}


@cache
def _common(source: type, target: type) -> tuple[str, ...]:
    there = {field.name for field in fields(target)}
    return tuple(field.name for field in fields(source) if field.name in there)


def _written(value: Any) -> Any:
    if value is None:
        return ""
    return ",".join(value) if isinstance(value, tuple) else value
