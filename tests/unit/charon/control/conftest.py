"""A client that remembers what it was told."""

from collections.abc import Iterable

import pytest


class MemoryReply:
    """A reply that remembers; the operator types ``typed``."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.typed = ""

    def text(self, line: str) -> None:
        self.lines.append(line)

    def texts(self, lines: Iterable[str]) -> None:
        self.lines.extend(lines)

    def ask(self, prompt: str) -> str:
        return self.typed

    def check(self) -> None:
        pass


@pytest.fixture
def reply() -> MemoryReply:
    return MemoryReply()
