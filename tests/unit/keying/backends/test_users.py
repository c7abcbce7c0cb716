"""Users set by hand."""

import pytest

from cygnet.base.secret import Secret
from cygnet.keying.backends.errors import ConfigError
from cygnet.keying.backends.users import User, Users


def test_last_user_of_a_connection_counts() -> None:
    users = Users()
    users.set_user("net", "alice", Secret(b"one"))
    users.set_user("net", "bob", Secret(b"two"))
    assert users.of("net") == User("bob", Secret(b"two"))
    assert users.of("lan") is None


def test_there_is_a_limit_which_replacing_does_not_meet() -> None:
    users = Users(limit=1)
    users.set_user("net", "alice", Secret(b"one"))
    with pytest.raises(ConfigError, match="more than 1"):
        users.set_user("lan", "alice", Secret(b"one"))
    users.set_user("net", "alice", Secret(b"two"))
    assert users.of("net") == User("alice", Secret(b"two"))


def test_password_does_not_print() -> None:
    assert "hush" not in repr(User("alice", Secret(b"hush")))
