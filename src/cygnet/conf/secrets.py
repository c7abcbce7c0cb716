"""``ipsec.secrets``: text to records.

An entry is ``[SELECTOR …] : TYPE VALUE …``; the colon stands between blanks. It ends with its line,
unless the next one is indented and begins no entry of its own. ``#`` begins a comment where a word could
begin; within one it is part of it (``@#6d6f6f6e``). Problems never quote a value.
"""

import re
from base64 import b64decode
from binascii import Error as Base64Error
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

from cygnet.base.secret import Secret
from cygnet.conf.keywords import nearest
from cygnet.conf.problems import Origin, Problem, Problems, Reader

MAX_INCLUDE_DEPTH = 10
MAX_FILES = 1000

_WORD = re.compile(r'[ \t]*("[^"]*"|\'[^\']*\'|[^\s"\'#]\S*|#.*|["\'].*)')
_PROMPT = "%prompt"


class SecretKind(StrEnum):
    """What an entry holds."""

    PSK = "PSK"
    PPK = "PPK"
    RSA = "RSA"
    ECDSA = "ECDSA"
    PKCS8 = "PKCS8"
    BLISS = "BLISS"
    P12 = "P12"
    EAP = "EAP"
    NTLM = "NTLM"
    XAUTH = "XAUTH"
    PIN = "PIN"


SHARED = (SecretKind.PSK, SecretKind.PPK, SecretKind.EAP, SecretKind.NTLM, SecretKind.XAUTH)


@dataclass(frozen=True, slots=True)
class SecretEntry:
    """One entry. ``secret`` is set for PSK PPK EAP NTLM XAUTH, ``path`` (as written) for the others.

    ``passphrase`` opens the file or card; ``prompt`` says that it is to be asked of the operator. No
    selectors at all match everybody.
    """

    selectors: tuple[str, ...]
    kind: SecretKind
    secret: Secret | None = None
    path: str | None = None
    passphrase: Secret | None = None
    prompt: bool = False
    file: str = ""
    line: int = 0


class _Word(NamedTuple):
    text: str
    quoted: bool = False

    def is_colon(self) -> bool:
        return self.text == ":" and not self.quoted


def parse_secrets(path: str, reader: Reader) -> tuple[tuple[SecretEntry, ...], tuple[Problem, ...]]:
    """Parse ``path`` with all it includes. Never raises for anything written in the files."""
    problems = Problems()
    loader = _Loader(reader, problems)
    loader.load(path, Origin(path, 0), ())
    return tuple(loader.entries), problems.result()


class _Loader:
    def __init__(self, reader: Reader, problems: Problems) -> None:
        self.entries: list[SecretEntry] = []
        self._reader = reader
        self._problems = problems
        self._files = 0

    def load(self, path: str, asked_by: Origin, stack: tuple[str, ...]) -> None:
        self._files += 1
        if path in stack or len(stack) > MAX_INCLUDE_DEPTH or self._files > MAX_FILES:
            self._problems.error(asked_by, f"'{path}' is not read: it includes itself, or too much")
            return
        try:
            text = self._reader.read(path)
        except (OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or "it is not text"
            self._problems.error(asked_by, f"cannot open '{path}': {reason}")
            return
        for number, line in _entries(text):
            self._take(line, Origin(path, number), (*stack, path))

    def _take(self, line: str, origin: Origin, stack: tuple[str, ...]) -> None:
        words = _words(line)
        if words and words[0] == _Word("include"):
            if len(words) != 2:
                self._problems.error(origin, "an include names one file or pattern")
                return
            for path in self._reader.glob(words[1].text, origin.file):
                self.load(path, origin, stack)
            return
        try:
            self.entries.append(_entry(words, origin))
        except ValueError as error:
            self._problems.error(origin, str(error))


def _entries(text: str) -> Iterator[tuple[int, str]]:
    """Each entry, continuation lines joined, with the number of its first line."""
    begun: tuple[int, list[str]] | None = None
    for number, line in enumerate(text.replace("\r\n", "\n").split("\n"), 1):
        words = _words(line)
        if not words:
            continue
        own = any(word.is_colon() for word in words) or words[0] == _Word("include")
        if begun and line[0] in " \t" and not (own and _complete(begun[1])):
            begun[1].append(line)
            continue
        if begun:
            yield begun[0], " ".join(begun[1])
        begun = (number, [line])
    if begun:
        yield begun[0], " ".join(begun[1])


def _complete(lines: list[str]) -> bool:
    words = [word for line in lines for word in _words(line)]
    return any(word.is_colon() for word in words) or words[0] == _Word("include")


def _words(line: str) -> list[_Word]:
    """The words of a line without its comment; a quote left open takes the rest of the line."""
    found: list[_Word] = []
    for match in _WORD.finditer(line):
        text = match[1]
        if text[0] == "#":
            break
        if text[0] in "\"'":
            closed = len(text) > 1 and text[-1] == text[0]
            found.append(_Word(text[1:-1] if closed else text, closed))
        else:
            found.append(_Word(text))
    return found


def _entry(words: list[_Word], origin: Origin) -> SecretEntry:
    """The record of an entry; raises ``ValueError`` saying what is wrong without showing any value."""
    if any(not word.quoted and word.text[0] in "\"'" for word in words):
        raise ValueError("syntax error: unterminated string")
    colon = next((index for index, word in enumerate(words) if word.is_colon()), None)
    if colon is None:
        raise ValueError("syntax error: an entry needs a ':' with blanks around it")
    if len(words) == colon + 1:
        raise ValueError("syntax error: no type of secret behind ':'")
    kind, values = _kind(words[colon + 1].text), words[colon + 2 :]
    selectors = tuple(word.text for word in words[:colon])
    place = (origin.file, origin.line)
    if kind in SHARED:
        if len(values) != 1:
            raise ValueError(f"{kind} must be followed by one secret; one with blanks in it stands in quotes")
        return SecretEntry(selectors, kind, _secret(values[0]), None, None, False, *place)
    if not values or len(values) > 2:
        raise ValueError(f"{kind} must be followed by a file and perhaps a passphrase")
    if values[0] == _Word("{"):
        raise ValueError(f"{kind} keys written into the file are not supported; name a key file instead")
    prompt = len(values) == 2 and values[1] == _Word(_PROMPT)
    passphrase = _secret(values[1]) if len(values) == 2 and not prompt else None
    return SecretEntry(selectors, kind, None, values[0].text, passphrase, prompt, *place)


def _kind(word: str) -> SecretKind:
    if word not in SecretKind.__members__.values():
        near = nearest(word.upper(), tuple(SecretKind))
        hint = f" (did you mean '{near}'?)" if near else f"; known are {', '.join(SecretKind)}"
        raise ValueError(f"unknown type of secret behind ':'{hint}")
    return SecretKind(word)


def _secret(word: _Word) -> Secret:
    """Text, or octets behind ``0x`` or ``0s`` where not in quotes."""
    if not word.quoted and word.text[:2] in ("0x", "0s"):
        body = word.text[2:]
        try:
            if word.text[1] == "s":
                return Secret(b64decode(body + "=" * (-len(body) % 4), validate=True))
            return Secret(bytes.fromhex(body.replace("_", "")))
        except (ValueError, Base64Error):
            coding = "base64" if word.text[1] == "s" else "hexadecimal"
            raise ValueError(f"the secret is not {coding}") from None
    return Secret(word.text.encode("utf-8", "surrogateescape"))
