"""Configuration files as the parsers of ``cygnet.conf`` see them."""

import glob
import os
import re
from pathlib import Path

MAX_OCTETS = 64 << 20
"""A larger file is refused: none of ours is, and it may be a device."""

_WILDCARDS = re.compile(r"[*?\[]")


class FileReader:
    """Reads real files (the ``Reader`` of ``cygnet.conf.problems``)."""

    def read(self, path: str) -> str:
        """The text of a file; octets that are not UTF-8 survive as surrogates. Raises ``OSError``."""
        with Path(path).open("rb") as file:
            octets = file.read(MAX_OCTETS + 1)
        if len(octets) > MAX_OCTETS:
            raise OSError(f"longer than {MAX_OCTETS} octets")
        return octets.decode("utf-8", "surrogateescape")

    def glob(self, pattern: str, relative_to: str) -> list[str]:
        """Files matching ``pattern``, sorted, relative to the folder of the file ``relative_to``."""
        path = os.path.join(os.path.dirname(relative_to), pattern)
        if not _WILDCARDS.search(pattern):
            return [path]
        try:
            return sorted(glob.glob(path))
        except (OSError, ValueError, re.error):
            return []
