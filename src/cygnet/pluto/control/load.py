"""``whack``'s connections and certification authorities: loaded and forgotten."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from cygnet.base.errors import LocalError
from cygnet.ctl.whack import AddAuthority, AddConnection, DeleteAuthority, DeleteConnection, MyId
from cygnet.ctl.whack_codes import Rc
from cygnet.keying.config.authorities import AuthoritySection
from cygnet.pluto.backends.connections import Connections, UnknownNameError
from cygnet.pluto.backends.specifier import Specifier
from cygnet.pluto.control.replies import Reply
from cygnet.pluto.jobs.core import Core
from cygnet.pluto.jobs.negotiations import Negotiations

AUTHORITY_LIMIT = 10_000


@dataclass(frozen=True, slots=True)
class LoadHandler:
    """Fills and empties the connection table."""

    connections: Connections
    negotiations: Negotiations
    core: Core

    def add(self, request: AddConnection, reply: Reply) -> None:
        """A connection under a name of its own."""
        connection = self.connections.add(request)
        try:
            warnings = self.core.load(connection)
        except LocalError:
            self.connections.remove(request.name)
            raise
        for warning in warnings:
            reply.line(Rc.LOG, warning)
        reply.line(Rc.LOG, f"added connection description {connection.label}")
        if connection.local is None:
            text = f"{connection.label} has no end with an address of this host, and waits for one"
            reply.line(Rc.COMMENT, text)

    def my_id(self, request: MyId, reply: Reply) -> None:
        """What ``%myid`` stands for from now on, for loaded connections too; SAs keep what they had."""
        self.connections.my_id = request.id
        for connection in self.connections.all():
            if connection.has_my_id and not connection.instance:
                self.core.load(connection)

    def delete(self, request: DeleteConnection, reply: Reply) -> None:
        """A connection with its instances and SAs, which nobody waits for."""
        try:
            gone = self.connections.remove(request.name)
        except UnknownNameError:
            if request.missing_ok:
                return
            raise
        self.core.unroute(gone[0])
        self.core.forget(request.name)
        self.negotiations.forget(self.negotiations.find(Specifier(request.name)))
        reply.line(Rc.LOG, f"deleting connection {gone[0].label}")


class AuthorityStore(Protocol):
    """The credential store as far as ``ca`` sections go."""

    def sections(self) -> Sequence[AuthoritySection]:
        """Those that are loaded."""

    def add_authority(self, section: AuthoritySection, path: str) -> Sequence[str]:
        """Load one, its CA from ``path``; the answer is what was wrong. Raises ``LocalError``."""

    def remove_authority(self, name: str) -> bool:
        """Forget one; whether it was there."""


@dataclass(frozen=True, slots=True)
class Authorities:
    """The ``ca`` sections."""

    store: AuthorityStore

    def add(self, request: AddAuthority, reply: Reply) -> None:
        """Load one; a name that is taken is refused."""
        known = self.store.sections()
        if any(one.name == request.name for one in known):
            reply.line(Rc.DUPLICATE_NAME, f'attempt to redefine ca record "{request.name}"')
            return
        if len(known) >= AUTHORITY_LIMIT:
            raise LocalError(f"there are {AUTHORITY_LIMIT} ca descriptions already")
        crls = tuple(filter(None, (request.crluri, request.crluri2)))
        section = AuthoritySection(request.name, None, crls, tuple(filter(None, (request.ocspuri,))))
        for problem in self.store.add_authority(section, request.cacert):
            reply.line(Rc.LOG_SERIOUS, problem)
        for option in ("ldaphost", "ldapbase", "strict_crl_policy"):
            if getattr(request, option):
                reply.line(Rc.LOG, f"--{option.replace('_', '')} has no effect in this version of pluto")
        reply.line(Rc.LOG, f'added ca description "{request.name}"')

    def delete(self, request: DeleteAuthority, reply: Reply) -> None:
        """Forget one."""
        if self.store.remove_authority(request.name):
            reply.line(Rc.LOG, f'deleting ca description "{request.name}"')
        else:
            reply.line(Rc.UNKNOWN_NAME, f'no ca record named "{request.name}"')
