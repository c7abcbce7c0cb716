"""A file system in a dictionary, for the parsers of cygnet.conf."""

import fnmatch
import posixpath
from collections.abc import Callable

import pytest


class DictionaryReader:
    """The ``Reader`` over texts by path."""

    def __init__(self, texts: dict[str, str]) -> None:
        self.texts = texts

    def read(self, path: str) -> str:
        if path not in self.texts:
            raise FileNotFoundError(2, "No such file or directory", path)
        return self.texts[path]

    def glob(self, pattern: str, relative_to: str) -> list[str]:
        path = posixpath.join(posixpath.dirname(relative_to), pattern)
        if not set(pattern) & set("*?["):
            return [path]
        return sorted(one for one in self.texts if fnmatch.fnmatchcase(one, path))


@pytest.fixture(scope="session")
def reader_of() -> Callable[[dict[str, str]], DictionaryReader]:
    """Makes a reader of texts by path."""
    return DictionaryReader
