"""Name servers come and go with IKE_SAs."""

from dataclasses import replace
from ipaddress import ip_address

from cygnet.charon.sa.events import IkeStateChanged
from cygnet.keying.config.resolvers import EncryptedResolver
from cygnet.keying.name_servers import NameServers
from cygnet.keying.sa.events import Servers, ServersGiven, ServersTaken
from cygnet.runtime.bus.records import Record

ONE = Servers((ip_address("10.2.0.53"),), ("corp.example",), (ip_address("10.3.0.1"),))
OTHER = Servers((ip_address("10.4.0.53"),), (), (ip_address("10.5.0.1"),))


class Shown:
    """Keeps what it was told last; refuses once on demand."""

    def __init__(self, speaks_tls=False) -> None:
        self.speaks_tls = speaks_tls
        self.last = None
        self.problem = None

    def set(self, servers, domains, interface) -> None:
        if self.problem:
            raise self.problem
        self.last = ([str(one) for one in servers], list(domains), interface)


def listener(keeper):
    log = []
    made = NameServers(keeper, lambda address: f"on {address}", lambda group, level, text: log.append(text))
    return made, log


def tell(made, *events) -> None:
    for event in events:
        made.handle(Record(event, 0.0, 0))


def test_servers_are_there_while_any_ike_sa_has_brought_them() -> None:
    keeper = Shown()
    made, _ = listener(keeper)
    assert keeper.last == ([], [], "")
    tell(made, ServersGiven(ONE), ServersGiven(ONE), ServersTaken(ONE))
    assert keeper.last == (["10.2.0.53"], ["corp.example"], "on 10.3.0.1")
    tell(made, ServersTaken(ONE))
    assert keeper.last == ([], [], "")


def test_newest_comes_first_and_one_for_all_names_makes_all_so() -> None:
    keeper = Shown()
    made, _ = listener(keeper)
    tell(made, ServersGiven(ONE), ServersGiven(OTHER))
    assert keeper.last == (["10.4.0.53", "10.2.0.53"], [], "on 10.5.0.1")


def test_what_was_never_given_is_not_taken() -> None:
    keeper = Shown()
    made, _ = listener(keeper)
    tell(made, ServersGiven(ONE), ServersTaken(OTHER))
    assert keeper.last[0] == ["10.2.0.53"]


def test_end_of_the_daemon_takes_everything() -> None:
    keeper = Shown()
    made, _ = listener(keeper)
    tell(made, ServersGiven(ONE))
    made.close()
    assert keeper.last == ([], [], "")


def test_failure_is_told() -> None:
    keeper = Shown()
    made, log = listener(keeper)
    keeper.problem = OSError(30, "Read-only file system", "/etc/resolv.conf")
    tell(made, ServersGiven(ONE))
    assert "name servers cannot be set: Read-only file system (/etc/resolv.conf)" in log


def test_wants_nothing_else() -> None:
    assert NameServers.wants(ServersGiven(ONE)) and NameServers.wants(ServersTaken(ONE))
    assert not NameServers.wants(IkeStateChanged(1, "a", None, None))


DOT = EncryptedResolver("dns.corp.example", (ip_address("10.2.0.54"), ip_address("fd02::54")))
DOH = EncryptedResolver("doh.corp.example", (ip_address("10.2.0.55"),), ("h2",), path="/dns-query{?dns}")


def test_resolvers_with_tls_are_used_instead_of_others() -> None:
    keeper = Shown(speaks_tls=True)
    made, log = listener(keeper)
    tell(made, ServersGiven(replace(ONE, encrypted=(DOH, DOT))))
    assert keeper.last[0] == ["10.2.0.54:853#dns.corp.example", "[fd02::54]:853#dns.corp.example"]
    assert "installing DNS server 10.2.0.54:853#dns.corp.example" in log
    tell(made, ServersGiven(OTHER))
    assert keeper.last[0][0] == "10.4.0.53" and len(keeper.last[0]) == 3
    tell(made, ServersTaken(replace(ONE, encrypted=(DOH, DOT))))
    assert keeper.last[0] == ["10.4.0.53"]


def test_resolvers_that_cannot_be_used_are_told_and_the_others_are() -> None:
    for keeper, resolver, reason in (
        (Shown(), DOT, "that takes charon.plugins.resolve.resolvectl"),
        (Shown(speaks_tls=True), DOH, "they speak h2, usable is dot"),
    ):
        made, log = listener(keeper)
        tell(made, ServersGiven(replace(ONE, encrypted=(resolver,))))
        assert keeper.last[0] == ["10.2.0.53"]
        assert f"encrypted DNS resolvers not used: {reason}" in log
