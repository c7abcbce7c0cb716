"""Verbs that both daemons answer alike: charon's handlers, for whack's lines."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Protocol

from cygnet.base.errors import LocalError
from cygnet.base.identities import Identity
from cygnet.charon.config.pools import Lease, Pool
from cygnet.charon.control.leases import LeasesHandler
from cygnet.charon.control.list import ListHandler
from cygnet.ctl import stroke, whack
from cygnet.ctl.whack_codes import Rc
from cygnet.pluto.control.replies import Reply

PURGES = frozenset({"certs", "crls", "ocsp"})
NOT_HERE = frozenset({"cards"})
"""Lists of strongSwan 4's that are always empty here: tokens stand among the keys."""


class Purger(Protocol):
    """The credential store as far as it forgets."""

    def purge(self, kinds: frozenset[str]) -> None:
        """Forget what was received or fetched."""


@dataclass(slots=True)
class Lines:
    """charon's way back to a client, over whack's: each line is a comment."""

    reply: Reply

    def text(self, line: str) -> None:
        """One line."""
        self.reply.line(Rc.COMMENT, line)

    def texts(self, lines: Iterable[str]) -> None:
        """Many."""
        for line in lines:
            self.text(line)

    def ask(self, prompt: str) -> str:
        """A secret."""
        return self.reply.ask(prompt)

    def check(self) -> None:
        """Whether the client still listens."""
        self.reply.check()


class Pools(Protocol):
    """Virtual addresses."""

    def pools(self) -> Iterable[Pool]:
        """Every pool, in the order configured."""

    def leases(self, pool: str) -> Iterable[Lease]:
        """The leases of the pool of that name."""


@dataclass(frozen=True, slots=True)
class OfIdentity:
    """The leases of one identity only (``--lease-id``)."""

    every: Pools
    identity: Identity

    def pools(self) -> list[Pool]:
        """Every pool."""
        return list(self.every.pools())

    def leases(self, pool: str) -> Iterator[Lease]:
        """Those of the identity."""
        return (one for one in self.every.leases(pool) if one.identity == self.identity)


@dataclass(frozen=True, slots=True)
class Every:
    """All leases."""

    every: Pools

    def pools(self) -> list[Pool]:
        """Every pool."""
        return list(self.every.pools())

    def leases(self, pool: str) -> Iterable[Lease]:
        """All of a pool."""
        return self.every.leases(pool)
