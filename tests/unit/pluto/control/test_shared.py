"""Verbs that both daemons answer alike, and users told by hand."""

from ipaddress import ip_address
from typing import Any

import pytest

from cygnet.base.errors import LocalError
from cygnet.base.identities import Identity
from cygnet.base.secret import Secret
from cygnet.ctl import whack
from cygnet.ctl.stroke import Done
from cygnet.ctl.whack import AddConnection, End, UserCredentials
from cygnet.keying.backends.address_pools import StrokePools
from cygnet.keying.backends.pool_texts import pools
from cygnet.keying.config.pools import Applicant
from cygnet.pluto.backends.connections import Connections, UnknownNameError
from cygnet.pluto.control.shared import SharedHandler
from cygnet.pluto.control.users import UsersHandler

POOL = "10.3.0.0/24"


class Reply:
    """Keeps lines; somebody types ``typed``."""

    def __init__(self, typed: str = "") -> None:
        self.lines: list[tuple[int, str]] = []
        self.typed = typed

    def line(self, code: int, text: str) -> None:
        self.lines.append((int(code), text))

    def ask(self, prompt: str) -> str:
        self.lines.append((40, prompt))
        return self.typed

    def check(self) -> None:
        pass


class Store:
    """Remembers what was forgotten, and who was set."""

    def __init__(self) -> None:
        self.purged: frozenset[str] = frozenset()
        self.ended = False
        self.users: dict[str, tuple[str, bytes]] = {}

    def purge(self, kinds: frozenset[str]) -> None:
        self.purged = kinds

    def end_childless(self) -> None:
        self.ended = True

    def set_user(self, connection: str, username: str, password: Secret) -> None:
        self.users[connection] = username, password.reveal()


def lists(request: Any, reply: Any) -> Done:
    reply.texts(["", f"List of {' '.join(request.kinds)}"])
    return Done()


def handler(store: Store) -> SharedHandler:
    found = StrokePools()
    found.load("net", [spec for _, spec in pools(POOL, "rightsourceip") if spec])
    for number, user in ((1, "carol"), (2, "dave")):
        who = Applicant(number, Identity.parse(user), ip_address("192.0.2.1"))
        found.acquire(POOL, who, ip_address("0.0.0.0"))
    return SharedHandler(found, lists, store, store.end_childless)  # type: ignore[arg-type]


def test_leases_are_comments_in_the_suites_format() -> None:
    reply = Reply()
    handler(Store()).leases(whack.Leases(), reply)
    assert reply.lines == [
        (0, "Leases in pool '10.3.0.0/24', usage: 2/254, 2 online"),
        (0, "         10.3.0.1   online   'carol'"),
        (0, "         10.3.0.2   online   'dave'"),
    ]


def test_leases_of_one_identity() -> None:
    reply = Reply()
    handler(Store()).leases(whack.Leases(POOL, id="dave"), reply)
    assert [text for _, text in reply.lines[1:]] == ["         10.3.0.2   online   'dave'"]


def test_unknown_pool_is_said_once() -> None:
    reply = Reply()
    with pytest.raises(LocalError, match="pool 'other' not found"):
        handler(Store()).leases(whack.Leases("other"), reply)
    assert reply.lines == []


def test_lists_but_not_of_cards() -> None:
    reply = Reply()
    handler(Store()).list(whack.List(("certs", "cards")), reply)
    handler(Store()).list(whack.List(("cards",)), reply)
    said = (0, "smart cards have no list of their own: their certificates are in --listcerts")
    assert reply.lines == [said, (0, ""), (0, "List of certs"), said]


def test_purging() -> None:
    store = Store()
    handler(store).purge(whack.Purge(("crls", "ike")), Reply())
    assert store.purged == {"crls"} and store.ended
    with pytest.raises(LocalError, match="nothing called 'dust'"):
        handler(store).purge(whack.Purge(("dust",)), Reply())


def users_handler(store: Store, *, is_user: bool = True) -> UsersHandler:
    connections = Connections(lambda: ())
    connections.add(AddConnection("net", End("192.0.2.1"), End("192.0.2.2")))
    return UsersHandler(connections, store, lambda connection: is_user)


def test_user_is_set_and_a_missing_password_asked_for() -> None:
    store = Store()
    users_handler(store)(UserCredentials("net", "carol", "hers"), Reply())
    assert store.users == {"net": ("carol", b"hers")}
    reply = Reply("typed")
    users_handler(store)(UserCredentials("net", "dave"), reply)
    assert store.users == {"net": ("dave", b"typed")}
    assert reply.lines[0][0] == 40 and all("typed" not in text for _, text in reply.lines)


def test_user_of_what_asks_for_none_is_refused() -> None:
    with pytest.raises(LocalError, match="unsuitable for user credentials"):
        users_handler(Store(), is_user=False)(UserCredentials("net", "carol", "x"), Reply())
    with pytest.raises(UnknownNameError):
        users_handler(Store())(UserCredentials("other", "carol", "x"), Reply())
    with pytest.raises(LocalError, match="need a password"):
        users_handler(Store())(UserCredentials("net", "carol"), Reply())
