"""``--xauthname``, ``--xauthpass``: who we are to a server that asks for a user of XAUTH."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from cygnet.base.errors import LocalError
from cygnet.base.secret import Secret
from cygnet.ctl.whack import UserCredentials
from cygnet.ctl.whack_codes import Rc
from cygnet.pluto.backends.connections import Connection, Connections
from cygnet.pluto.control.replies import Reply


class Users(Protocol):
    """Where they are kept, in memory only."""

    def set_user(self, connection: str, username: str, password: Secret) -> None:
        """Use these for ``connection`` from now on; raises ``LocalError`` if there are too many."""


@dataclass(frozen=True, slots=True)
class UsersHandler:
    """Answers ``UserCredentials``; ``is_user`` tells whether a connection has us as the user of XAUTH."""

    connections: Connections
    users: Users
    is_user: Callable[[Connection], bool]

    def __call__(self, request: UserCredentials, reply: Reply) -> None:
        """What was there for the connection is replaced. Without a password the client is asked."""
        connection = self.connections.find(request.name)
        if not self.is_user(connection):
            raise LocalError(f"config '{request.name}' unsuitable for user credentials")
        password = request.password or reply.ask(f"Password of '{request.username}'")
        if not password:
            raise LocalError("user credentials need a password")
        self.users.set_user(request.name, request.username, Secret(password.encode()))
        reply.line(Rc.LOG, f"set user credentials of {connection.label}")
