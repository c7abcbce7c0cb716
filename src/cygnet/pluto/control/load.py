"""``whack``'s connections and certification authorities: loaded and forgotten."""

import threading
from dataclasses import dataclass, field

from cygnet.base.errors import LocalError
from cygnet.ctl.whack import AddAuthority, AddConnection, DeleteAuthority, DeleteConnection, List
from cygnet.ctl.whack_codes import Rc
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
        reply.line(Rc.LOG, f"added connection description {connection.label}")
        if connection.local is None:
            text = f"{connection.label} has no end with an address of this host, and waits for one"
            reply.line(Rc.COMMENT, text)

    def delete(self, request: DeleteConnection, reply: Reply) -> None:
        """A connection with its instances and SAs, which nobody waits for."""
        try:
            gone = self.connections.remove(request.name)
        except UnknownNameError:
            if request.missing_ok:
                return
            raise
        self.core.unroute(gone[0])
        self.negotiations.forget(self.negotiations.find(Specifier(request.name)))
        reply.line(Rc.LOG, f"deleting connection {gone[0].label}")


@dataclass(slots=True)
class Authorities:
    """The ``ca`` sections that were loaded."""

    _sections: dict[str, AddAuthority] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def add(self, request: AddAuthority, reply: Reply) -> None:
        """Load one; a name that is taken is refused."""
        with self._lock:
            known = request.name in self._sections
            if not known and len(self._sections) >= AUTHORITY_LIMIT:
                raise LocalError(f"there are {AUTHORITY_LIMIT} ca descriptions already")
            if not known:
                self._sections[request.name] = request
        if known:
            reply.line(Rc.DUPLICATE_NAME, f'attempt to redefine ca record "{request.name}"')
        else:
            reply.line(Rc.LOG, f'added ca description "{request.name}"')

    def delete(self, request: DeleteAuthority, reply: Reply) -> None:
        """Forget one."""
        with self._lock:
            known = self._sections.pop(request.name, None)
        if known is None:
            reply.line(Rc.UNKNOWN_NAME, f'no ca record named "{request.name}"')
        else:
            reply.line(Rc.LOG, f'deleting ca description "{request.name}"')

    def list(self, request: List, reply: Reply) -> None:
        """``listcainfos``."""
        with self._lock:
            sections = list(self._sections.values())
        if not sections:
            return
        reply.line(Rc.COMMENT, " ")
        reply.line(Rc.COMMENT, "List of CA Information Sections:")
        for section in sections:
            reply.line(Rc.COMMENT, " ")
            reply.line(Rc.COMMENT, f'  authname:    "{section.cacert or section.name}"')
            for uri in filter(None, (section.crluri, section.crluri2)):
                reply.line(Rc.COMMENT, f"  crluri:      '{uri}'")
            if section.ocspuri:
                reply.line(Rc.COMMENT, f"  ocspuri:     '{section.ocspuri}'")
