"""``user-creds``: the user name and password with which a connection authenticates us."""

from dataclasses import dataclass

from cygnet.base.secret import Secret
from cygnet.charon.control.ports import Connections, Reply, Users
from cygnet.charon.control.replies import refuse
from cygnet.ctl.stroke import EXIT_USAGE, Done, UserCredentials
from cygnet.keying.config.records import PASSWORD_CLASSES, AuthClass


@dataclass(frozen=True, slots=True)
class UserCredentialsHandler:
    """Answers ``user-creds``; ``suitable`` are the kinds of authentication that use a password."""

    connections: Connections
    users: Users
    suitable: frozenset[AuthClass] = PASSWORD_CLASSES

    def __call__(self, request: UserCredentials, reply: Reply) -> Done:
        """Hand them to the credential store; what was there for the connection is replaced."""
        peer = self.connections.peer(request.name)
        if peer is None:
            found = self.connections.child(request.name)
            peer = found[0] if found else None
        if peer is None:
            return refuse(reply, f"no config named '{request.name}'")
        if not any(auth.auth in self.suitable for auth in peer.local):
            return refuse(reply, f"config '{request.name}' unsuitable for user credentials")
        if not request.username:
            return refuse(reply, "user credentials need a user name", EXIT_USAGE)
        self.users.set_user(peer.name, request.username, Secret(request.password.encode()))
        return Done()
