"""Names and passwords of XAUTH."""

from typing import Any

import pytest

from cygnet.base.identities import Identity
from cygnet.base.secret import Secret
from cygnet.eap.ports import UserSecret
from cygnet.keying.config.records import AuthConfig, IkeConfig
from cygnet.keying.sa.credentials import User
from cygnet.pluto.backends.users import Users
from cygnet.pluto.config.records import PeerConfig, XauthConfig


class Secrets:
    """Two users in ipsec.secrets, perhaps one by hand."""

    def __init__(self) -> None:
        self.known = {
            "carol": UserSecret(Secret(b"hers")), "moon": UserSecret(Secret(b"its")),
            "hash": UserSecret(nt_hash=Secret(bytes(16))),
        }  # fmt: skip
        self.by_hand: User | None = None

    def user(self, connection: str) -> User | None:
        return self.by_hand

    def eap_secret(self, user: Identity, server: Identity | None) -> UserSecret | None:
        return self.known.get(str(user))


def config(user: str = "", identity: str = "moon") -> PeerConfig:
    own: Any = AuthConfig(identity=Identity.parse(identity))
    return PeerConfig("net", IkeConfig(), own, AuthConfig(), xauth=XauthConfig(user=user))


def given(users: Users, of: PeerConfig) -> tuple[str, bytes] | None:
    found = users.credentials(of, None)
    return None if found is None else (found[0], found[1].reveal())


def test_client_is_who_xauth_identity_says_or_itself() -> None:
    users = Users(Secrets())
    assert given(users, config("carol")) == ("carol", b"hers")
    assert given(users, config()) == ("moon", b"its")
    assert given(users, config("dave")) is None
    assert given(users, config(identity="%any")) is None
    assert given(users, config("hash")) is None


def test_user_by_hand_comes_first() -> None:
    secrets = Secrets()
    secrets.by_hand = User("dave", Secret(b"told"))
    assert given(Users(secrets), config("carol")) == ("dave", b"told")


@pytest.mark.parametrize(
    ("user", "password", "good"),
    [
        ("carol", b"hers", True), ("carol", b"his", False), ("carol", b"", False), ("dave", b"hers", False),
        ("hash", b"", False), ("%any", b"hers", False),
    ],
)  # fmt: skip
def test_server_knows_passwords(user: str, password: bytes, good: bool) -> None:
    assert Users(Secrets()).verify(config(), user, Secret(password)) is good
