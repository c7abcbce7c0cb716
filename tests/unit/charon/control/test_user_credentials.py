"""``user-creds``."""

import pytest

from cygnet.base.secret import Secret
from cygnet.base.selectors import TrafficSelector
from cygnet.charon.control.user_credentials import UserCredentialsHandler
from cygnet.ctl.stroke import Done, UserCredentials
from cygnet.keying.config.records import (
    PASSWORD_CLASSES,
    AuthClass,
    AuthConfig,
    ChildConfig,
    IkeConfig,
    PeerConfig,
)

TS = (TrafficSelector.of("10.0.0.0/8"),)
PEER = PeerConfig(
    "home", IkeConfig(), (AuthConfig(AuthClass.PSK),), (AuthConfig(),), (ChildConfig("lan", TS, TS),)
)


class Daemon:
    """One connection, and the users it was told of."""

    def __init__(self) -> None:
        self.users: dict[str, tuple[str, Secret]] = {}

    def peer(self, name: str) -> PeerConfig | None:
        return PEER if name == "home" else None

    def child(self, name: str) -> tuple[PeerConfig, ChildConfig] | None:
        return (PEER, PEER.children[0]) if name == "lan" else None

    def set_user(self, connection: str, username: str, password: Secret) -> None:
        self.users[connection] = (username, password)


@pytest.mark.parametrize("name", ["home", "lan"])
def test_credentials_are_kept_for_the_peer_of_that_name(name: str, reply) -> None:
    daemon = Daemon()
    assert users(daemon, UserCredentials(name, "alice", "hush"), reply) == Done()
    assert daemon.users == {"home": ("alice", Secret(b"hush"))}
    assert reply.lines == []


@pytest.mark.parametrize(
    ("request_", "suitable", "reason"),
    [
        (UserCredentials("x", "a", "b"), {AuthClass.PSK}, "no config named 'x'"),
        (UserCredentials("home", "a", "b"), PASSWORD_CLASSES,
         "config 'home' unsuitable for user credentials"),
        (UserCredentials("home", "", "b"), {AuthClass.PSK}, "user credentials need a user name"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_refused(request_: UserCredentials, suitable, reason: str, reply) -> None:
    daemon = Daemon()
    done = UserCredentialsHandler(daemon, daemon, frozenset(suitable))(request_, reply)
    assert done.exit_code
    assert reply.lines == [done.reason] == [reason]
    assert daemon.users == {}


def users(daemon: Daemon, request: UserCredentials, reply) -> Done:
    return UserCredentialsHandler(daemon, daemon, frozenset({AuthClass.PSK}))(request, reply)
