"""Verbs that both daemons answer alike: charon's handlers, for whack's lines."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from cygnet.base.errors import LocalError
from cygnet.base.identities import Identity
from cygnet.charon.control.leases import LeasesHandler
from cygnet.charon.control.list import ListHandler
from cygnet.charon.control.ports import Pools
from cygnet.ctl import stroke, whack
from cygnet.ctl.whack_codes import Rc
from cygnet.keying.config.pools import Lease, Pool
from cygnet.pluto.control.replies import Reply

CACHES = frozenset({"certs", "crls", "ocsp"})
NOT_HERE = frozenset({"cards"})
"""Lists of strongSwan 4's that are always empty here: tokens stand among the keys."""


class Purger(Protocol):
    """The credential store as far as it forgets."""

    def purge(self, kinds: frozenset[str]) -> None:
        """Forget what was received or fetched."""


@dataclass(slots=True)
class Lines:
    """charon's way back to a client, over whack's: lines are comments but for a reason why not."""

    reply: Reply
    _last: str | None = None

    def text(self, line: str) -> None:
        """One line, sent with the next or by :meth:`finish`."""
        self._flush()
        self._last = line

    def texts(self, lines: Iterable[str]) -> None:
        """Many."""
        for line in lines:
            self.text(line)

    def ask(self, prompt: str) -> str:
        """A secret."""
        self._flush()
        return self.reply.ask(prompt)

    def check(self) -> None:
        """Whether the client still listens."""
        self.reply.check()

    def finish(self, done: stroke.Done) -> None:
        """The end, which raises ``LocalError`` after a failure; its reason is not shown twice."""
        if done.exit_code and self._last == done.reason:
            self._last = None
        self._flush()
        if done.exit_code:
            raise LocalError(done.reason)

    def _flush(self) -> None:
        if self._last is not None:
            self.reply.line(Rc.COMMENT, self._last)
        self._last = None


@dataclass(frozen=True, slots=True)
class OfIdentity:
    """The leases of one identity only (``--lease-id``)."""

    every: Pools
    identity: Identity

    def pools(self) -> Sequence[Pool]:
        """Every pool."""
        return self.every.pools()

    def leases(self, pool: str) -> Iterator[Lease]:
        """Those of the identity."""
        return (one for one in self.every.leases(pool) if one.identity == self.identity)


@dataclass(frozen=True, slots=True)
class SharedHandler:
    """Answers ``--leases``, ``--list…`` and ``--purge…``."""

    pools: Pools
    lists: ListHandler
    purger: Purger
    end_childless: Callable[[], None]

    def leases(self, request: whack.Leases, reply: Reply) -> None:
        """Of every pool, of one, of one address or identity."""
        pools = OfIdentity(self.pools, Identity.parse(request.id)) if request.id else self.pools
        lines = Lines(reply)
        lines.finish(LeasesHandler(pools)(stroke.Leases(request.pool, request.address), lines))

    def list(self, request: whack.List, reply: Reply) -> None:
        """What is loaded; of what there is nothing, nothing is shown."""
        if NOT_HERE.intersection(request.kinds):
            text = "smart cards have no list of their own: their certificates are in --listcerts"
            reply.line(Rc.COMMENT, text)
        kinds = tuple(kind for kind in request.kinds if kind not in NOT_HERE)
        lines = Lines(reply)
        if kinds:
            lines.finish(self.lists(stroke.List(kinds, request.utc), lines))

    def purge(self, request: whack.Purge, reply: Reply) -> None:
        """Forget what is cached of these kinds; with ``ike`` close what carries nothing."""
        kinds = frozenset(request.kinds)
        unknown = kinds - CACHES - {"ike"}
        if unknown:
            raise LocalError(f"there is nothing called '{min(unknown)}' to purge")
        self.purger.purge(kinds & CACHES)
        if "ike" in kinds:
            self.end_childless()
