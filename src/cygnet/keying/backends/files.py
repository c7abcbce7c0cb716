"""Files with certificates and keys: reading them, and who else may."""

import stat
from pathlib import Path

from cygnet.base.errors import LocalError

MAX_OCTETS = 1 << 20
MAX_FILES = 10_000


class FileError(LocalError):
    """A file cannot be read; the text says why, without its path."""


def read_octets(path: Path, limit: int = MAX_OCTETS) -> bytes:
    """A file's octets; raises :class:`FileError` for what is missing, too long or no file."""
    try:
        if not stat.S_ISREG(path.stat().st_mode):
            raise FileError("is not a file")
        with path.open("rb") as file:
            octets = file.read(limit + 1)
    except OSError as error:
        raise FileError(error.strerror or str(error)) from None
    if len(octets) > limit:
        raise FileError(f"is longer than {limit} octets")
    return octets


def wide_permissions(path: Path) -> str:
    """What is wrong with a secret file's permissions, in words; empty if only its owner may use it."""
    try:
        mode = stat.S_IMODE(path.stat().st_mode)
    except OSError:
        return ""
    return f"can be read by others (mode {mode:04o})" if mode & 0o077 else ""


def files_in(folder: Path) -> list[Path]:
    """The files of a folder in the order of their names, hidden ones left out; none if it is not there."""
    try:
        found = sorted(path for path in folder.iterdir() if not path.name.startswith("."))
    except OSError:
        return []
    return [path for path in found[:MAX_FILES] if path.is_file()]
