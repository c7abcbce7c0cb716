"""The connection table: names, orientation, templates and their instances."""

from ipaddress import ip_address

import pytest

from cygnet.base.errors import LocalError
from cygnet.ctl.whack import AddConnection, End
from cygnet.pluto.backends import connections
from cygnet.pluto.backends.connections import (
    Connections,
    DuplicateNameError,
    OrientationError,
    UnknownNameError,
)

OURS, THEIRS = "192.0.2.1", "192.0.2.2"


def table() -> Connections:
    return Connections(lambda: [ip_address(OURS), ip_address("2001:db8::1")])


def message(left: str = OURS, right: str = THEIRS, name: str = "net", **fields) -> AddConnection:
    return AddConnection(name, End(left), End(right), **fields)


@pytest.mark.parametrize(
    ("left", "right", "local", "remote"),
    [
        (OURS, THEIRS, OURS, THEIRS),
        (THEIRS, OURS, OURS, THEIRS),
        ("2001:db8::1", "2001:db8::2", "2001:db8::1", "2001:db8::2"),
        (OURS, "%any", OURS, "%any"),
        ("%any", OURS, OURS, "%any"),
        ("%any", THEIRS, "%any", THEIRS),
        (THEIRS, "%any", "%any", THEIRS),
        ("%any", "%any", "%any", "%any"),
        (f"10.0.0.9,{OURS}", "host.example", f"10.0.0.9,{OURS}", "host.example"),
        ("127.0.0.1", THEIRS, "127.0.0.1", THEIRS),
    ],
)
def test_our_end_is_found_by_address(left: str, right: str, local: str, remote: str) -> None:
    found = table().add(message(left, right))
    assert found.local is not None and found.remote is not None
    assert (found.local.host, found.remote.host) == (local, remote)


def test_connection_of_others_is_kept_without_an_orientation() -> None:
    found = table().add(message("198.51.100.1", "198.51.100.2"))
    assert (found.local, found.remote, found.is_template) == (None, None, False)


def test_connection_from_us_to_us_is_refused() -> None:
    with pytest.raises(OrientationError, match="both ends are addresses of this host"):
        table().add(message(OURS, OURS))


@pytest.mark.parametrize(
    ("host", "within", "template"),
    [
        ("%any", False, True), ("192.0.2.0/24", False, True), ("192.0.2.5-192.0.2.9", False, True),
        (THEIRS, True, True), (THEIRS, False, False), ("vpn-1.example", False, False),
    ],
)  # fmt: skip
def test_template_is_what_may_have_several_peers(host: str, within: bool, template: bool) -> None:
    end = End(host, client="10.0.0.0/8", client_within=within)
    assert table().add(AddConnection("rw", End(OURS), end)).is_template is template


def test_peers_make_numbered_instances_and_come_back_to_their_own() -> None:
    known = table()
    known.add(message(right="%any", name="rw"))
    first = known.instantiate("rw", THEIRS, "@carol")
    assert (first.label, first.peer_id, first.is_template) == ('"rw"[1]', "@carol", False)
    assert first.remote == End(THEIRS, id="@carol")
    assert known.instantiate("rw", THEIRS, "@dave").label == '"rw"[2]'
    assert known.instantiate("rw", THEIRS, "@carol") == first
    assert known.instance("rw", 1) == first
    assert [one.label for one in known.instances("rw")] == ['"rw"[1]', '"rw"[2]']
    known.release("rw", 1)
    with pytest.raises(UnknownNameError):
        known.instance("rw", 1)
    assert known.instantiate("rw", THEIRS, "@carol").label == '"rw"[3]'


def test_only_a_template_has_instances() -> None:
    known = table()
    known.add(message())
    with pytest.raises(LocalError, match="one peer only"):
        known.instantiate("net", THEIRS)


def test_instances_have_a_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "INSTANCE_LIMIT", 2)
    known = table()
    known.add(message(right="%any", name="rw"))
    for number in range(2):
        known.instantiate("rw", f"198.51.100.{number}")
    with pytest.raises(LocalError, match="there are 2 instances already"):
        known.instantiate("rw", "198.51.100.9")


def test_connections_have_a_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "CONNECTION_LIMIT", 1)
    known = table()
    known.add(message())
    with pytest.raises(LocalError, match="there are 1 connections already"):
        known.add(message(name="other"))


def test_name_is_given_once_and_free_again_after_removal() -> None:
    known = table()
    known.add(message(right="%any"))
    known.instantiate("net", THEIRS)
    with pytest.raises(DuplicateNameError):
        known.add(message())
    assert [one.label for one in known.remove("net")] == ['"net"', '"net"[1]']
    with pytest.raises(UnknownNameError):
        known.remove("net")
    known.add(message())


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        (message(name=""), "no name for a connection"),
        (message(name="a b"), "no name for a connection"),
        (message(name="rw[1]"), "no name for a connection"),
        (message(name="x" * 256), "no name for a connection"),
        (AddConnection("a", End(OURS), End("")), "right has no host"),
        (AddConnection("a", End(OURS, client="10.1.0.0/33"), End(THEIRS)), "leftsubnet: '10.1.0.0/33'"),
        (message(ike_lifetime_s=0), "lifetimes must be above 0"),
    ],
)
def test_what_is_no_connection_is_refused_with_the_reason(wrong: AddConnection, words: str) -> None:
    with pytest.raises(LocalError) as caught:
        table().add(wrong)
    assert words in str(caught.value)


def test_subnets_may_have_ports_and_words() -> None:
    end = End(OURS, client="10.1.0.0/16[tcp/http],%dynamic, 2001:db8::/32")
    assert table().add(AddConnection("a", end, End(THEIRS))).local == end
