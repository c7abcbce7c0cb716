"""The configuration store: the daemon's own settings from ``strongswan.conf``."""

from collections.abc import Sequence
from pathlib import Path

from cygnet.charon.config.settings import DaemonSettings, load
from cygnet.conf.problems import Reader
from cygnet.conf.settings import Settings, parse_settings


class StrongswanConf:
    """``strongswan.conf``, read once at start: the whole tree, and the daemon's options out of it."""

    def __init__(self, path: Path, reader: Reader) -> None:
        self.tree: Settings = parse_settings(str(path), reader)
        self.settings: DaemonSettings = load(self.tree)

    def problems(self) -> Sequence[str]:
        """What is wrong in the file."""
        return [str(problem) for problem in self.tree.problems]
