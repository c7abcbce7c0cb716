"""Options of ``ipsec pki``: parsed by ``argparse``, shown in the form of strongSwan's tool."""

import argparse
import shlex
import sys
import textwrap
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

from cygnet import __version__
from cygnet.ipsec.pki.errors import PkiError

WIDTH = 88
MAX_OPTION_FILES = 10


@dataclass(frozen=True, slots=True)
class Command:
    """A command: its letter, what it says of itself, its own options, what it does with them."""

    letter: str
    help: str
    options: Callable[[argparse.ArgumentParser], None]
    run: Callable[[argparse.Namespace], bytes]


class UsageError(Exception):
    """The command line is wrong; the text says what."""


class Parser(argparse.ArgumentParser):
    """Raises :class:`UsageError` instead of ending the program."""

    def __init__(self, name: str, command: Command) -> None:
        super().__init__(f"pki --{name}", allow_abbrev=False, add_help=False)
        self._name, self._command = name, command
        self.add_argument("--help", "-h", action="store_true", help="show usage information")
        command.options(self)
        self.add_argument(
            "--debug", "-v", type=int, default=1, metavar="level", help="set debug level, default: 1"
        )
        self.add_argument(
            "--options", "-+", metavar="file", action="append", help="read command line options from file"
        )

    def error(self, message: str) -> NoReturn:
        """What ``argparse`` calls for a wrong command line."""
        raise UsageError(message)

    def format_help(self) -> str:
        """As strongSwan's tool shows it."""
        title = f"Cygnet {__version__} PKI tool (--{self._name}/-{self._command.letter})"
        return (
            "\n".join([title, self._command.help, "usage:", *self._usage(), "options:", *self._table()])
            + "\n"
        )

    def _usage(self) -> list[str]:
        shown = [one for one in self._actions if one.dest not in ("help", "debug", "options")]
        words = " ".join(_word(one).replace(" ", "\0") for one in shown)
        lines = textwrap.wrap(words, WIDTH, initial_indent=f"  pki --{self._name} ", subsequent_indent="    ",
                              break_long_words=False, break_on_hyphens=False)  # fmt: skip
        return [line.replace("\0", " ") for line in lines] or [f"  pki --{self._name}"]

    def _table(self) -> list[str]:
        return [
            f"  {one.option_strings[0]:<17} ({one.option_strings[1]})  {one.help}" for one in self._actions
        ]


def parse(parser: Parser, arguments: Sequence[str]) -> argparse.Namespace:
    """The options, those in files of ``--options`` included; raises :class:`UsageError`."""
    return parser.parse_args(_expanded(list(arguments), 0))


def _expanded(arguments: list[str], depth: int) -> list[str]:
    found: list[str] = []
    rest = iter(arguments)
    for word in rest:
        if word not in ("--options", "-+"):
            found.append(word)
            continue
        name = next(rest, None)
        if name is None or depth >= MAX_OPTION_FILES:
            raise UsageError("--options needs a file that does not name itself")
        found += _expanded(shlex.split(Path(name).read_text(), comments=True), depth + 1)
    return found


def _word(action: argparse.Action) -> str:
    name = action.option_strings[0]
    if action.choices:
        name += " " + "|".join(map(str, action.choices))
    elif action.nargs != 0:
        name += f" {action.metavar or 'value'}"
    shown = name if action.required else f"[{name}]"
    return shown + "+" if isinstance(action, argparse._AppendAction) else shown


class Listed(argparse.Action):
    """Options whose order matters: each is appended to one list with its name."""

    def __call__(
        self,
        parser: argparse.ArgumentParser,
        namespace: argparse.Namespace,
        values: Any,
        option: str | None = None,
    ) -> None:
        """Append ``(name, value)``."""
        setattr(namespace, self.dest, [*(getattr(namespace, self.dest) or []), (self.metavar, values)])


def listed(parser: argparse.ArgumentParser, long: str, short: str, dest: str, help: str) -> None:
    """An option of a list whose order matters."""
    parser.add_argument(
        f"--{long}", f"-{short}", dest=dest, action=Listed, metavar=long, default=[], help=help
    )


def add_input(parser: argparse.ArgumentParser, what: str, required: bool = False) -> None:
    """``--in``."""
    parser.add_argument(
        "--in", "-i", dest="input", metavar="file", required=required, help=f"{what}, default: stdin"
    )


def add_output(parser: argparse.ArgumentParser, what: str, forms: Sequence[str] = ("der", "pem")) -> None:
    """``--outform``."""
    parser.add_argument(
        "--outform", "-f", choices=forms, default="der", help=f"encoding of {what}, default: der"
    )


def add_type(parser: argparse.ArgumentParser, kinds: Sequence[str], default: str, what: str) -> None:
    """``--type``."""
    parser.add_argument("--type", "-t", choices=kinds, default=default, help=f"{what}, default: {default}")


def add_signature(parser: argparse.ArgumentParser, digests: Sequence[str]) -> None:
    """``--digest`` and ``--rsa-padding``."""
    parser.add_argument(
        "--digest", "-g", choices=digests, help="digest for signature creation, default: key-specific"
    )
    parser.add_argument(
        "--rsa-padding", "-R", choices=("pkcs1", "pss"), default="pkcs1",
        help="padding for RSA signatures, default: pkcs1",
    )  # fmt: skip


def add_dates(
    parser: argparse.ArgumentParser, begin: tuple[str, str], end: tuple[str, str], what: str
) -> None:
    """The options for the first and the last date, and for how they are written."""
    parser.add_argument(f"--{begin[0]}", f"-{begin[1]}", metavar="date", help=f"date/time {what} starts")
    parser.add_argument(f"--{end[0]}", f"-{end[1]}", metavar="date", help=f"date/time {what} ends")
    parser.add_argument(
        "--dateform", "-D", default=DATE_FORM, metavar="form",
        help="strptime(3) input format, default: %d.%m.%y %T",
    )  # fmt: skip


DATE_FORM = "%d.%m.%y %H:%M:%S"
MAX_INPUT = 16 << 20


def read_input(name: str | None) -> bytes:
    """A file, or standard input."""
    data = Path(name).read_bytes() if name else sys.stdin.buffer.read(MAX_INPUT + 1)
    if len(data) > MAX_INPUT:
        raise PkiError(f"the input is longer than {MAX_INPUT} octets")
    return data
