"""``up``, ``down``, ``route``, ``unroute``: what the operator reads and the exit code a script sees."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from ipaddress import ip_address

import pytest

from cygnet.base.addresses import Address, Host
from cygnet.base.selectors import TrafficSelector
from cygnet.charon.control.following import Follower
from cygnet.charon.control.initiate import InitiateHandler
from cygnet.charon.control.rekey import RekeyHandler
from cygnet.charon.control.route import RouteHandler, UnrouteHandler
from cygnet.charon.control.terminate import TerminateHandler
from cygnet.charon.sa.events import Finished
from cygnet.charon.sa.snapshot import IkeSnapshot
from cygnet.ctl.stroke import Done, Initiate, Rekey, Route, Terminate, TerminateSourceIp, Unroute
from cygnet.kernel.port import IpProtocol, KernelError, Mode, SaId
from cygnet.keying.config.records import AuthConfig, ChildConfig, IkeConfig, PeerConfig
from cygnet.keying.sa.child_snapshot import ChildSnapshot
from cygnet.keying.sa.routed import Routed
from cygnet.runtime.control_socket import ClientGoneError

A, B = ip_address("192.0.2.1"), ip_address("192.0.2.2")
TS = (TrafficSelector.of("10.0.0.0/8"),)
NET, LAN = ChildConfig("net", TS, TS), ChildConfig("lan", TS, TS)
PEER = PeerConfig("net", IkeConfig(), (AuthConfig(),), (AuthConfig(),), (NET, LAN))
UP = "connection 'net' established successfully"


def test_up_shows_the_exchange_and_ends_well() -> None:
    daemon = Daemon([PEER], says=["initiating IKE_SA net[1] to 192.0.2.2", Finished(1, True)])
    assert up(daemon, "net") == (["initiating IKE_SA net[1] to 192.0.2.2", UP], Done())
    assert daemon.orders == ["initiate net/net level 1"]
    assert daemon.followed == 0


def test_up_finds_a_child_of_any_peer() -> None:
    daemon = Daemon([PEER], says=[Finished(1, True)])
    assert up(daemon, "lan")[1] == Done()
    assert daemon.orders == ["initiate net/lan level 1"]


def test_up_of_a_peer_without_a_child_of_its_name_initiates_all_its_children() -> None:
    daemon = Daemon([replace(PEER, name="peer")], says=[Finished(1, True)])
    lines, done = up(daemon, "peer")
    assert daemon.orders == ["initiate peer/net level 1", "initiate peer/lan level 1"]
    assert lines == [UP, "connection 'lan' established successfully"]
    assert done == Done()


def test_failed_negotiation_says_why_and_exits_non_zero() -> None:
    daemon = Daemon([PEER], says=["received N(AUTH_FAILED)", Finished(1, False, "the peer refused")])
    lines, done = up(daemon, "net")
    assert lines[-1] == "establishing connection 'net' failed"
    assert done == Done(1, "the peer refused")


def test_up_of_an_unknown_name_exits_non_zero() -> None:
    assert up(Daemon([PEER]), "nobody") == (
        ["no config named 'nobody'"], Done(1, "no config named 'nobody'")
    )  # fmt: skip


def test_up_detaches_when_its_time_is_over() -> None:
    daemon = Daemon([PEER], says=[None, None, None])
    lines, done = up(daemon, "net", timeout_s=2)
    assert lines == ["connection 'net' not established after 2000ms, detaching"]
    assert done.exit_code == 1
    assert daemon.followed == 0


def test_up_without_waiting_answers_at_once() -> None:
    daemon = Daemon([PEER], says=[Finished(1, False, "later")])
    assert up(daemon, "net", wait=False) == ([], Done())
    assert daemon.orders == ["initiate net/net level 1"]
    assert daemon.followed == 0


def test_client_that_goes_away_ends_the_following_only() -> None:
    daemon = Daemon([PEER], says=[None])
    with pytest.raises(ClientGoneError):
        InitiateHandler(daemon, daemon, Follower(daemon.now), daemon.route)(Initiate("net"), GoneReply())
    assert daemon.followed == 0


def test_shunt_and_ikev1_are_not_initiated() -> None:
    shunt = Daemon([replace(PEER, children=(replace(NET, mode=Mode.PASS),))])
    older = Daemon([replace(PEER, ike=IkeConfig(version=1))])
    assert up(shunt, "net")[1].exit_code == up(older, "net")[1].exit_code == 1
    assert shunt.orders == older.orders == []


@pytest.mark.parametrize(
    ("name", "orders"),
    [
        ("net", ["ike 2"]),
        ("net[*]", ["ike 2", "ike 1"]),
        ("net[1]", ["ike 1"]),
        ("[1]", ["ike 1"]),
        ("net{*}", ["child 2/12", "child 1/10"]),
        ("net{10}", ["child 1/10"]),
        ("lan", ["child 1/11"]),
        ("lan{*}", ["child 1/11"]),
        ("{12}", ["child 2/12"]),
    ],
)
def test_down_deletes_what_the_name_stands_for(name: str, orders: list[str]) -> None:
    daemon = Daemon(sas=two_sas(), says=[Finished(1, True)])
    assert down(daemon, name)[1] == Done()
    assert daemon.orders == orders


def test_down_tells_of_each_sa() -> None:
    daemon = Daemon(sas=two_sas(), says=["deleting IKE_SA", Finished(1, True)])
    lines = down(daemon, "net[*]")[0]
    assert lines[1::2] == ["IKE_SA [2] closed successfully", "IKE_SA [1] closed successfully"]
    lines = down(Daemon(sas=two_sas(), says=[Finished(1, True)]), "lan")[0]
    assert lines == ["CHILD_SA {11} closed successfully"]


@pytest.mark.parametrize("name", ["nobody", "net[9]", "net{9}", "nobody[1]"])
def test_down_of_what_is_not_there_exits_non_zero(name: str) -> None:
    lines, done = down(Daemon(sas=two_sas()), name)
    assert done.exit_code == 1
    assert lines == [done.reason]
    assert name in done.reason


def test_down_of_what_was_only_wanted_cancels_that() -> None:
    daemon = Daemon()
    assert down(daemon, "wanted") == (["connection 'wanted' was not up and is wanted no longer"], Done())
    assert daemon.orders == ["cancel wanted"]


def test_auto_start_is_kept_and_not_waited_for() -> None:
    daemon, reply = Daemon([PEER]), LineReply()
    handler = InitiateHandler(daemon, daemon, Follower(daemon.now), daemon.route)
    assert handler(Initiate("net", wait=False, lasting=True), reply) == Done()
    assert daemon.orders == ["keep net"] and not daemon.followed


def test_down_of_nonsense_is_a_usage_error() -> None:
    assert down(Daemon(), "net{1]")[1].exit_code == 2


def test_down_that_fails_says_so() -> None:
    lines, done = down(Daemon(sas=two_sas(), says=[Finished(1, False, "no answer")]), "net[1]")
    assert (lines, done) == (["closing IKE_SA [1] failed"], Done(1, "no answer"))


@pytest.mark.parametrize(
    ("start", "end", "orders"),
    [
        ("10.3.0.1", "", ["ike 1"]),
        ("10.3.0.0", "10.3.0.255", ["ike 1", "ike 2"]),
        ("fd00::1", "fd00::ffff", ["ike 2"]),
    ],
)
def test_down_srcip_closes_the_peers_that_have_these_addresses(
    start: str, end: str, orders: list[str]
) -> None:
    first, second = two_sas()
    sas = [
        replace(first, remote_virtual_ips=(ip_address("10.3.0.1"),)),
        replace(second, remote_virtual_ips=(ip_address("10.3.0.7"), ip_address("fd00::7"))),
    ]
    daemon, reply = Daemon(sas=sas, says=[Finished(1, True)]), LineReply()
    handler = TerminateHandler(daemon, daemon, Follower(daemon.now))
    assert handler.by_source_ip(TerminateSourceIp(start, end), reply) == Done()
    assert daemon.orders == orders
    assert all(line.endswith("closed successfully") for line in reply.lines)


@pytest.mark.parametrize(
    ("start", "end", "code"),
    [("10.9.0.1", "", 1), ("x", "", 2), ("10.3.0.2", "10.3.0.1", 2), ("10.3.0.1", "fd00::1", 2)],
)
def test_down_srcip_of_nobody_and_of_nonsense_says_so(start: str, end: str, code: int) -> None:
    daemon, reply = Daemon(sas=two_sas()), LineReply()
    handler = TerminateHandler(daemon, daemon, Follower(daemon.now))
    done = handler.by_source_ip(TerminateSourceIp(start, end), reply)
    assert (done.exit_code, [done.reason]) == (code, reply.lines)
    assert daemon.orders == []


def test_purgeike_closes_what_has_no_child_and_makes_none() -> None:
    first, second = two_sas()
    making = replace(first, unique_id=3, children=(), tasks_active=("CHILD_CREATE",))
    begun = replace(first, unique_id=4, children=(), state="CONNECTING")
    daemon, reply = Daemon(sas=[first, replace(second, children=()), making, begun]), LineReply()
    daemon.says = [Finished(1, True)]
    handler = TerminateHandler(daemon, daemon, Follower(daemon.now))
    assert handler.childless(reply) == Done()
    assert daemon.orders == ["ike 2"]
    assert reply.lines == ["IKE_SA [2] closed successfully"]


@pytest.mark.parametrize(
    ("name", "orders", "last"),
    [
        ("net", ["rekey ike 2"], "IKE_SA [2] rekeyed successfully"),
        ("net[*]", ["rekey ike 2", "rekey ike 1"], "IKE_SA [1] rekeyed successfully"),
        ("net{10}", ["rekey child 1/10"], "CHILD_SA {10} rekeyed successfully"),
        ("lan", ["rekey child 1/11"], "CHILD_SA {11} rekeyed successfully"),
    ],
)
def test_rekey_renews_what_the_name_stands_for(name: str, orders: list[str], last: str) -> None:
    daemon = Daemon(sas=two_sas(), says=[Finished(1, True)])
    lines, done = rekey(daemon, name)
    assert (lines[-1], done) == (last, Done())
    assert daemon.orders == orders


@pytest.mark.parametrize(("name", "code"), [("nobody", 1), ("net{9}", 1), ("net{", 2)])
def test_rekey_of_nothing_and_of_nonsense_says_so(name: str, code: int) -> None:
    lines, done = rekey(Daemon(sas=two_sas()), name)
    assert done.exit_code == code
    assert name in done.reason
    assert lines


def test_rekeying_that_is_refused_says_so() -> None:
    refused = Daemon(sas=two_sas(), says=[Finished(1, False, "received NO_PROPOSAL_CHOSEN")])
    assert rekey(refused, "{10}") == (
        ["rekeying CHILD_SA {10} failed"], Done(1, "received NO_PROPOSAL_CHOSEN")
    )  # fmt: skip


def test_failed_up_names_what_to_change() -> None:
    daemon = Daemon([PEER], says=[Finished(1, False, "received TS_UNACCEPTABLE notify, no CHILD_SA built")])
    reason = up(daemon, "net")[1].reason
    assert reason.startswith("received TS_UNACCEPTABLE notify, no CHILD_SA built: ")
    assert "leftsubnet=" in reason


def test_route_installs_the_policy() -> None:
    daemon = Daemon([PEER])
    assert route(daemon, "net") == (["'net' routed"], Done())
    assert daemon.orders == ["install net/net"]


def test_route_of_a_shunt_names_its_kind() -> None:
    daemon = Daemon([replace(PEER, children=(replace(NET, mode=Mode.PASS),))])
    assert route(daemon, "net")[0] == ["'net' shunt PASS policy installed"]


def test_route_that_the_kernel_refuses_says_why() -> None:
    assert route(Daemon([PEER], refusal="no such module"), "net") == (
        ["routing 'net' failed"], Done(1, "no such module")
    )  # fmt: skip


def test_route_of_an_unknown_name_exits_non_zero() -> None:
    assert route(Daemon(), "net") == (["no config named 'net'"], Done(1, "no config named 'net'"))


@pytest.mark.parametrize(
    ("mode", "text"),
    [(Mode.TUNNEL, "trap policy 'net' unrouted"), (Mode.DROP, "shunt policy 'net' uninstalled")],
)
def test_unroute_removes_the_policy(mode: Mode, text: str) -> None:
    daemon, reply = Daemon(routed=[Routed("net", 1, 1, mode, TS, TS)]), LineReply()
    assert UnrouteHandler(daemon)(Unroute("net"), reply) == Done()
    assert reply.lines == [text]


def test_unroute_of_what_is_not_routed_exits_non_zero() -> None:
    reply = LineReply()
    assert UnrouteHandler(Daemon())(Unroute("net"), reply) == Done(1, "configuration 'net' not found")
    assert reply.lines == ["configuration 'net' not found"]


def two_sas() -> list[IkeSnapshot]:
    """``net`` twice; the older one carries ``lan`` too."""
    host = Host(A, 500)
    sa = IkeSnapshot("net", 1, "ESTABLISHED", True, host, host, None, None, b"", b"", "", 0, None, None, "")
    return [replace(sa, children=(_child("net", 10), _child("lan", 11))),
            replace(sa, unique_id=2, children=(_child("net", 12),))]  # fmt: skip


def _child(name: str, number: int) -> ChildSnapshot:
    ids = SaId(A, B, IpProtocol.ESP, number), SaId(B, A, IpProtocol.ESP, number)
    return ChildSnapshot(name, number, "INSTALLED", Mode.TUNNEL, 1, "ESP", False, *ids, "", TS, TS, 0)


@dataclass
class Daemon:
    """Connections, SAs, negotiations and traps; every dialogue says the same."""

    configs: Sequence[PeerConfig] = ()
    sas: Sequence[IkeSnapshot] = ()
    says: Sequence[str | Finished | None] = ()
    routed: list[Routed] = field(default_factory=list)
    refusal: str = ""
    orders: list[str] = field(default_factory=list)
    followed: int = 0
    time: float = 0

    def now(self) -> float:
        return self.time

    def route(self, destination: Address) -> Address | None:
        return A

    def snapshots(self) -> Sequence[IkeSnapshot]:
        return self.sas

    def peers(self) -> Sequence[PeerConfig]:
        return self.configs

    def peer(self, name: str) -> PeerConfig | None:
        return next((peer for peer in self.configs if peer.name == name), None)

    def child(self, name: str) -> tuple[PeerConfig, ChildConfig] | None:
        return next(((peer, child) for peer in self.configs if (child := peer.child(name))), None)

    def initiate(self, peer: PeerConfig, child: ChildConfig | None, level: int) -> "ScriptedDialogue":
        return self._order(f"initiate {peer.name}/{child.name if child else ''} level {level}")

    def keep(self, child: ChildConfig) -> None:
        self.orders.append(f"keep {child.name}")

    def cancel(self, name: str) -> bool:
        self.orders.append(f"cancel {name}")
        return name == "wanted"

    def terminate_ike(self, unique_id: int, level: int) -> "ScriptedDialogue":
        return self._order(f"ike {unique_id}")

    def terminate_child(self, ike_id: int, child_id: int, level: int) -> "ScriptedDialogue":
        return self._order(f"child {ike_id}/{child_id}")

    def rekey_ike(self, unique_id: int, level: int) -> "ScriptedDialogue":
        return self._order(f"rekey ike {unique_id}")

    def rekey_child(self, ike_id: int, child_id: int, level: int) -> "ScriptedDialogue":
        return self._order(f"rekey child {ike_id}/{child_id}")

    def install(self, peer: PeerConfig, child: ChildConfig) -> Routed:
        if self.refusal:
            raise KernelError(self.refusal)
        self.orders.append(f"install {peer.name}/{child.name}")
        return Routed(child.name, 1, 1, child.mode, TS, TS)

    def uninstall(self, name: str) -> Routed | None:
        return next((routed for routed in self.routed if routed.name == name), None)

    def installed(self) -> Sequence[Routed]:
        return self.routed

    def _order(self, order: str) -> "ScriptedDialogue":
        self.orders.append(order)
        self.followed += 1
        return ScriptedDialogue(self, list(self.says))


@dataclass
class ScriptedDialogue:
    """Says its lines; a ``None`` lets a second go by."""

    daemon: Daemon
    lines: list[str | Finished | None]

    def read(self, timeout_s: float) -> str | Finished | None:
        item = self.lines.pop(0) if self.lines else None
        self.daemon.time += 1 if item is None else 0
        return item

    def close(self) -> None:
        self.daemon.followed -= 1


class LineReply:
    """A reply that remembers."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def text(self, line: str) -> None:
        self.lines.append(line)

    def texts(self, lines: Iterable[str]) -> None:
        self.lines.extend(lines)

    def ask(self, prompt: str) -> str:
        return ""

    def check(self) -> None:
        pass


class GoneReply(LineReply):
    """A client that has closed its socket."""

    def check(self) -> None:
        raise ClientGoneError


def up(daemon: Daemon, name: str, timeout_s: float = 0, wait: bool = True) -> tuple[list[str], Done]:
    reply = LineReply()
    handler = InitiateHandler(daemon, daemon, Follower(daemon.now, timeout_s), daemon.route)
    return reply.lines, handler(Initiate(name, wait=wait), reply)


def down(daemon: Daemon, name: str) -> tuple[list[str], Done]:
    reply = LineReply()
    return reply.lines, TerminateHandler(daemon, daemon, Follower(daemon.now))(Terminate(name), reply)


def rekey(daemon: Daemon, name: str) -> tuple[list[str], Done]:
    reply = LineReply()
    return reply.lines, RekeyHandler(daemon, daemon, Follower(daemon.now))(Rekey(name), reply)


def route(daemon: Daemon, name: str) -> tuple[list[str], Done]:
    reply = LineReply()
    return reply.lines, RouteHandler(daemon, daemon)(Route(name), reply)
