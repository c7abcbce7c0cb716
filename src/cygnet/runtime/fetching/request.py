"""What is asked of a server, and the limits under which its answer is read."""

import time
from dataclasses import dataclass, field
from urllib.parse import SplitResult, urlsplit

from cygnet.cert.revocation import FetchError

MAX_URI = 2048


class UnreachableError(FetchError):
    """The server does not answer, whatever it is asked."""


@dataclass(frozen=True, slots=True)
class Request:
    """A URI, with a body for POST. ``max_octets`` is the longest answer that is read."""

    uri: str
    body: bytes | None = None
    content_type: str = ""
    max_octets: int = 16 << 20
    headers: tuple[tuple[str, str], ...] = ()

    def split(self) -> SplitResult:
        """The URI's parts; raises :class:`FetchError`."""
        if len(self.uri) > MAX_URI or not self.uri.isprintable() or " " in self.uri:
            raise FetchError("not a URI")
        try:
            parts = urlsplit(self.uri)
            _ = parts.port
        except ValueError as error:
            raise FetchError(f"not a URI: {error}") from None
        return parts

    @property
    def server(self) -> str:
        """Scheme, host and port."""
        return "://".join(self.split()[:2])


@dataclass(frozen=True, slots=True)
class Deadline:
    """A moment on the monotonic clock until which all has to be done."""

    at: float
    seconds: float = field(compare=False, default=0)

    @classmethod
    def after(cls, seconds: float) -> "Deadline":
        """So many seconds from now."""
        return cls(time.monotonic() + seconds, seconds)

    def left(self) -> float:
        """Seconds that are left; raises :class:`FetchError` when there are none."""
        left = self.at - time.monotonic()
        if left <= 0:
            raise self.passed()
        return left

    def passed(self) -> UnreachableError:
        """What to raise when time is up."""
        return UnreachableError(f"no answer within {self.seconds:.3g} seconds")
