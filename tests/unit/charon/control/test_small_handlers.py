"""Loading, rereading, log levels."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

import pytest

from cygnet.base.errors import LocalError
from cygnet.charon.control.load import LoadHandler
from cygnet.charon.control.loglevel import LogLevelHandler
from cygnet.charon.control.reread import RereadHandler
from cygnet.ctl.stroke import (
    AddAuthority,
    AddConnection,
    DeleteAuthority,
    DeleteConnection,
    Done,
    LogLevel,
    Reread,
)


def test_loading_answers_with_warnings_and_what_was_added() -> None:
    reply = MemoryReply()
    handler = LoadHandler(Files(warnings=["odd"]))
    assert handler.add_connection(AddConnection("net"), reply) == Done()
    assert handler.add_authority(AddAuthority("lab"), reply) == Done()
    assert reply.lines == ["odd", "added configuration 'net'", "odd", "added ca 'lab'"]


def test_refused_connection_says_why() -> None:
    reason = "adding connection 'net' failed: no such algorithm"
    assert LoadHandler(Files(refusal="no such algorithm")).add_connection(
        AddConnection("net"), MemoryReply()
    ) == Done(1, reason)  # fmt: skip


def test_refused_authority_says_why() -> None:
    done = LoadHandler(Files(refusal="no file")).add_authority(AddAuthority("lab"), MemoryReply())
    assert done == Done(1, "adding ca 'lab' failed: no file")


def test_deleting_what_is_not_there_exits_non_zero() -> None:
    handler = LoadHandler(Files(known=False))
    assert handler.delete_connection(DeleteConnection("x"), MemoryReply()) == Done(1, "no config named 'x'")
    assert handler.delete_authority(DeleteAuthority("x"), MemoryReply()) == Done(1, "no ca named 'x'")


def test_deleting_what_is_there_says_so() -> None:
    handler, reply = LoadHandler(Files()), MemoryReply()
    assert handler.delete_connection(DeleteConnection("x"), reply) == Done()
    assert handler.delete_authority(DeleteAuthority("x"), reply) == Done()
    assert reply.lines == ["deleted connection 'x'", "deleted ca 'x'"]


EVERY = {"secrets", "cacerts", "certs", "aacerts", "ocspcerts", "acerts", "crls"}


@pytest.mark.parametrize(
    ("asked", "read"),
    [(("secrets",), {"secrets"}), (("cacerts",), {"cacerts"}), (("crls",), {"crls"}), (("all",), EVERY)],
)
def test_rereading_reads_what_was_asked(asked: tuple[str, ...], read: set[str]) -> None:
    files, reply = Files(warnings=["x.pem: readable by others"]), MemoryReply()
    assert RereadHandler(files)(Reread(asked), reply) == Done()
    assert files.reread_kinds == [read]
    assert reply.lines == ["x.pem: readable by others"]


def test_rereading_what_cannot_be_used_exits_non_zero() -> None:
    files, reply = Files(warnings=["x.pem: damaged"], complete=False), MemoryReply()
    assert RereadHandler(files)(Reread(("cacerts",)), reply).exit_code == 1
    assert reply.lines == ["x.pem: damaged"]


def test_rereading_asks_the_operator_for_passphrases() -> None:
    files = Files(prompts=["Passphrase:"])
    RereadHandler(files)(Reread(("secrets",)), MemoryReply())
    assert files.answers == ["typed"]


def test_rereading_what_there_is_not_exits_non_zero() -> None:
    files = Files()
    assert RereadHandler(files)(Reread(("nonsense",)), MemoryReply()).exit_code == 2
    assert files.reread_kinds == []


@pytest.mark.parametrize("group", ["ike", "IKE", "any"])
def test_log_level_is_set(group: str) -> None:
    levels = LevelTable()
    assert LogLevelHandler(levels)(LogLevel(group, 2), MemoryReply()) == Done()
    assert levels.set == [(group.lower(), 2)]


@pytest.mark.parametrize(
    ("request_", "code"),
    [(LogLevel("foo", 2), 2), (LogLevel("ike", 5), 2), (LogLevel("ike", -2), 2)],
)
def test_log_level_that_makes_no_sense_is_refused(request_: LogLevel, code: int) -> None:
    levels, reply = LevelTable(), MemoryReply()
    done = LogLevelHandler(levels)(request_, reply)
    assert done.exit_code == code
    assert reply.lines == [done.reason]
    assert levels.set == []


def test_log_level_may_be_frozen() -> None:
    levels = LevelTable()
    assert LogLevelHandler(levels, frozen=True)(LogLevel("ike", 2), MemoryReply()).exit_code == 1
    assert levels.set == []


@dataclass
class Files:
    """A loader and rereader."""

    warnings: Sequence[str] = ()
    refusal: str = ""
    known: bool = True
    complete: bool = True
    prompts: Sequence[str] = ()
    answers: list[str] = field(default_factory=list)
    reread_kinds: list[set[str]] = field(default_factory=list)

    def add(self, request: AddConnection) -> Sequence[str]:
        return self._take()

    def add_authority(self, request: AddAuthority) -> Sequence[str]:
        return self._take()

    def remove(self, name: str) -> bool:
        return self.known

    def remove_authority(self, name: str) -> bool:
        return self.known

    def reread(
        self, kinds: frozenset[str], ask: Callable[[str], str] | None = None
    ) -> tuple[Sequence[str], bool]:
        self.reread_kinds.append(set(kinds))
        self.answers = [ask(prompt) for prompt in self.prompts] if ask else []
        return self.warnings, self.complete

    def _take(self) -> Sequence[str]:
        if self.refusal:
            raise LocalError(self.refusal)
        return self.warnings


class LevelTable:
    """Remembers the levels set."""

    def __init__(self) -> None:
        self.set: list[tuple[str, int]] = []

    def set_level(self, group: str, level: int) -> None:
        self.set.append((group, level))


class MemoryReply:
    """A reply that remembers."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def text(self, line: str) -> None:
        self.lines.append(line)

    def texts(self, lines: Iterable[str]) -> None:
        self.lines.extend(lines)

    def ask(self, prompt: str) -> str:
        return "typed"

    def check(self) -> None:
        pass
