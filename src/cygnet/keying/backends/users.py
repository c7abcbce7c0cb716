"""User names and passwords that an operator set by hand (``stroke user-creds``); never written to a file."""

import threading

from cygnet.base.secret import Secret
from cygnet.keying.backends.errors import ConfigError
from cygnet.keying.sa.credentials import User

LIMIT = 10_000


class Users:
    """One user for each connection. Safe for any thread."""

    def __init__(self, limit: int = LIMIT) -> None:
        self._limit = limit
        self._lock = threading.Lock()
        self._users: dict[str, User] = {}

    def set_user(self, connection: str, username: str, password: Secret) -> None:
        """Use these for ``connection`` from now on; raises :class:`ConfigError` beyond the limit."""
        with self._lock:
            if connection not in self._users and len(self._users) >= self._limit:
                raise ConfigError(f"more than {self._limit} user credentials")
            self._users[connection] = User(username, password)

    def of(self, connection: str) -> User | None:
        """The user of a connection."""
        return self._users.get(connection)
