"""When updown scripts run."""

from collections.abc import Mapping
from dataclasses import replace
from ipaddress import ip_address

from cygnet.base.addresses import Host
from cygnet.base.selectors import TrafficSelector
from cygnet.charon.sa.events import Finished
from cygnet.charon.sa.snapshot import IkeSnapshot
from cygnet.kernel.port import IpProtocol, Mode, SaId
from cygnet.keying.config.records import ChildConfig
from cygnet.keying.sa.child_snapshot import ChildSnapshot
from cygnet.keying.sa.events import ChildDown, ChildUp
from cygnet.keying.updown import DEADLINE_S, Updown
from cygnet.runtime.bus.records import Record
from cygnet.runtime.scripts import Ended

A, B = ip_address("192.0.2.1"), ip_address("192.0.2.2")
NET_A, NET_B = (TrafficSelector.of("10.1.0.0/16"),), (TrafficSelector.of("10.2.0.0/16"),)
CONFIG = ChildConfig("net", NET_A, NET_B, updown="/etc/updown")
CHILD = ChildSnapshot(
    "net", 7, "INSTALLED", Mode.TUNNEL, 3, "ESP", False, SaId(B, A, IpProtocol.ESP, 1),
    SaId(A, B, IpProtocol.ESP, 2), "", NET_A, NET_B, 0,
)  # fmt: skip
SA = IkeSnapshot("net", 5, "ESTABLISHED", True, Host(A, 500), Host(B, 500), None, None, b"", b"", "", 0,
                 None, None, "")  # fmt: skip
NEWER = replace(CHILD, unique_id=8, reqid=4)


class Shell:
    """A daemon with one IKE_SA; remembers what was run, and what was said."""

    def __init__(self, outcome: Ended | OSError | None = None) -> None:
        self.ran: list[tuple[str, str, str]] = []
        self.said: list[str] = []
        self.sas = {5: SA}
        self.outcome = outcome or Ended(0, ())
        self.updown = Updown(self.sas.get, lambda address: "eth0", self.run, self.log)

    def tell(self, *events: object) -> None:
        for event in events:
            if self.updown.wants(event):
                self.updown.handle(Record(event, 0, 0))

    def run(self, command: str, environment: Mapping[str, str], deadline_s: float) -> Ended:
        assert deadline_s == DEADLINE_S
        self.ran.append((command, environment["PLUTO_VERB"], environment["PLUTO_REQID"]))
        if isinstance(self.outcome, OSError):
            raise self.outcome
        return self.outcome

    def log(self, group: object, level: int, text: str) -> None:
        self.said.append(text)


def test_script_runs_when_a_child_comes_and_when_it_goes_even_after_its_ike_sa() -> None:
    shell = Shell()
    shell.tell(ChildUp(5, CONFIG, CHILD))
    shell.sas.clear()
    shell.tell(ChildDown(5, CONFIG, CHILD))
    assert shell.ran == [("/etc/updown", "up-client", "3"), ("/etc/updown", "down-client", "3")]


def test_rekeying_runs_nothing_and_the_end_is_that_of_the_newest() -> None:
    shell = Shell()
    shell.tell(ChildUp(5, CONFIG, CHILD), ChildUp(5, CONFIG, NEWER, replaces=7))
    shell.tell(ChildDown(5, CONFIG, CHILD, rekeyed=True))
    assert [verb for _, verb, _ in shell.ran] == ["up-client"]
    shell.tell(ChildDown(5, CONFIG, NEWER))
    assert shell.ran[1:] == [("/etc/updown", "down-client", "4")]


def test_when_both_sides_rekey_at_once_the_script_runs_down_once_after_the_last() -> None:
    shell, newest = Shell(), replace(CHILD, unique_id=9)
    shell.tell(ChildUp(5, CONFIG, CHILD), ChildUp(5, CONFIG, NEWER, replaces=7))
    shell.tell(ChildUp(5, CONFIG, newest, replaces=7))
    shell.tell(ChildDown(5, CONFIG, NEWER, rekeyed=True), ChildDown(5, CONFIG, CHILD, rekeyed=True))
    assert [verb for _, verb, _ in shell.ran] == ["up-client"]
    shell.tell(ChildDown(5, CONFIG, newest))
    assert [verb for _, verb, _ in shell.ran] == ["up-client", "down-client"]


def test_successor_in_another_ike_sa_runs_nothing_while_the_facts_are_the_same() -> None:
    shell, newer = Shell(), replace(CHILD, unique_id=8)
    shell.sas[6] = replace(SA, unique_id=6)
    for first, second in (((5, CHILD), (6, newer)), ((6, newer), (5, CHILD))):
        shell.ran.clear()
        shell.tell(ChildUp(first[0], CONFIG, first[1]), ChildUp(second[0], CONFIG, second[1]))
        shell.tell(ChildDown(first[0], CONFIG, first[1], rekeyed=True))
        assert [verb for _, verb, _ in shell.ran] == ["up-client"]
        shell.tell(ChildDown(second[0], CONFIG, second[1]))
        assert [verb for _, verb, _ in shell.ran] == ["up-client", "down-client"]


def test_successor_with_other_facts_runs_both() -> None:
    shell = Shell()
    shell.sas[6] = replace(SA, unique_id=6)
    shell.tell(ChildUp(5, CONFIG, CHILD), ChildUp(6, CONFIG, NEWER), ChildDown(5, CONFIG, CHILD))
    assert [(verb, reqid) for _, verb, reqid in shell.ran] == [
        ("up-client", "3"), ("up-client", "4"), ("down-client", "3")]  # fmt: skip


def test_child_that_was_replaced_and_then_ends_otherwise_runs_nothing() -> None:
    shell = Shell()
    shell.tell(ChildUp(5, CONFIG, CHILD), ChildUp(5, CONFIG, NEWER, replaces=7), ChildDown(5, CONFIG, CHILD))
    assert len(shell.ran) == 1


def test_what_has_no_script_or_no_ike_sa_runs_nothing() -> None:
    shell = Shell()
    silent = replace(CONFIG, updown="")
    shell.tell(ChildUp(5, silent, CHILD), ChildDown(5, silent, CHILD), Finished(1, True))
    shell.tell(ChildUp(6, CONFIG, CHILD), ChildDown(6, CONFIG, CHILD))
    assert shell.ran == []


def test_what_a_script_prints_and_how_it_ends_is_logged() -> None:
    for outcome, said in (
        (Ended(0, ("one", "two")), ["updown: one", "updown: two"]),
        (Ended(2, ("oops",)), ["updown: oops", "updown: /etc/updown ended with 2 (up-client of net)"]),
        (Ended(-9, (), late=True),
         ["updown: /etc/updown took longer than 30 s and was killed (up-client of net)"]),
        (OSError(2, "No such file"), ["updown: /etc/updown cannot run (up-client of net): No such file"]),
    ):  # fmt: skip
        shell = Shell(outcome)
        shell.tell(ChildUp(5, CONFIG, CHILD))
        assert shell.said == said
