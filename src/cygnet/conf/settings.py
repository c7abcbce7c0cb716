"""``strongswan.conf``: a tree of sections with typed look-ups (being filled in)."""

from cygnet.conf.problems import Problem, Reader


class Settings:
    """The settings tree. Paths are dotted: ``charon.plugins.stroke.timeout``.

    A value that cannot be read as asked for counts as not set; it is noted in :attr:`problems`.
    """

    problems: list[Problem]

    def get(self, path: str, default: str = "") -> str:
        """A value as text."""
        raise NotImplementedError

    def get_int(self, path: str, default: int) -> int:
        """A value as an integer, decimal or ``0x``."""
        raise NotImplementedError

    def get_float(self, path: str, default: float) -> float:
        """A value as a number."""
        raise NotImplementedError

    def get_bool(self, path: str, default: bool) -> bool:
        """A value as yes or no (``yes true enabled 1``, ``no false disabled 0``)."""
        raise NotImplementedError

    def get_time(self, path: str, default: float) -> float:
        """A value in seconds (``s m h d`` behind the number)."""
        raise NotImplementedError

    def has(self, path: str) -> bool:
        """Whether a value of that name is set."""
        raise NotImplementedError

    def sections(self, path: str = "") -> tuple[str, ...]:
        """Names of the sections directly below ``path``, in the file's order."""
        raise NotImplementedError

    def items(self, path: str = "") -> tuple[tuple[str, str], ...]:
        """Keys and values directly in the section ``path``, in the file's order."""
        raise NotImplementedError

    def section(self, *names: str) -> "Settings":
        """The section reached by these names (which may contain dots), empty where there is none."""
        raise NotImplementedError


def parse_settings(path: str, reader: Reader) -> Settings:
    """Parse ``path`` with all it includes; problems are in ``.problems``. A missing file is empty."""
    raise NotImplementedError
