"""Users of EAP as identities, and what the credential store says of them."""

import pytest

from cygnet.base.identities import Identity
from cygnet.base.secret import Secret
from cygnet.charon.sa.authenticators.eap_users import StoredUsers, user_identity, user_name
from cygnet.eap.ports import UserSecret


@pytest.mark.parametrize("text", ["carol", "carol@lab", "192.0.2.1", "C=CH, CN=carol", "LAB\\carol"])
def test_name_and_identity_are_the_same_thing(text: str) -> None:
    assert user_identity(user_name(Identity.parse(text))) == Identity.parse(text)


def test_octets_that_are_no_text_are_a_name_too() -> None:
    assert user_identity(b"\xff\xfe").data == b"\xff\xfe"


@pytest.mark.parametrize(
    ("secret", "accepted"),
    [(UserSecret(Secret(b"right")), True), (UserSecret(Secret(b"wrong")), False), (None, False),
     (UserSecret(nt_hash=Secret(bytes(16))), False)],
)  # fmt: skip
def test_password_in_clear_is_compared(secret: UserSecret | None, accepted: bool) -> None:
    users = StoredUsers(Store(secret), Identity.parse("sun.lab"))  # type: ignore[arg-type]
    assert users.accepts(b"carol", Secret(b"right")) is accepted


class Store:
    def __init__(self, known: UserSecret | None) -> None:
        self.known = known

    def eap_secret(self, user: Identity, server: Identity | None) -> UserSecret | None:
        assert (str(user), str(server)) == ("carol", "sun.lab")
        return self.known
