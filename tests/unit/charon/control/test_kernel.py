"""``kernel``: the view, the comparison, the repair."""

from dataclasses import dataclass, field, replace
from ipaddress import ip_address

import pytest

from cygnet.base.addresses import Host
from cygnet.base.selectors import TrafficSelector
from cygnet.charon.control.kernel import KernelHandler
from cygnet.charon.sa.snapshot import IkeSnapshot
from cygnet.ctl.stroke import Done, Kernel
from cygnet.kernel.port import (
    Difference,
    DropCount,
    Encapsulation,
    IpProtocol,
    KernelError,
    KernelView,
    Mark,
    Mode,
    SaId,
    SaView,
    Usage,
)
from cygnet.keying.sa.child_snapshot import ChildSnapshot

A, B = ip_address("192.0.2.1"), ip_address("192.0.2.2")
NETS = (TrafficSelector.of("10.1.0.0/16"),), (TrafficSelector.of("10.2.0.0/16"),)
INBOUND, OUTBOUND = SaId(B, A, IpProtocol.ESP, 0xC8E57AF0), SaId(A, B, IpProtocol.ESP, 0x0D2F72)
CHILD = ChildSnapshot(
    "net-net", 1, "INSTALLED", Mode.TUNNEL, 1, "ESP", False, INBOUND, OUTBOUND, "AES_GCM_16_128", *NETS, 0.0
)
SA = IkeSnapshot(
    "net-net", 1, "ESTABLISHED", True, Host(A, 500), Host(B, 500), None, None, bytes(8), bytes(8), "", 0.0,
    None, None, "", children=(CHILD,),
)  # fmt: skip
IN = SaView(INBOUND, True, 1, Mode.TUNNEL, Usage(840, 10, 3.5))
LOST = (DropCount("replayed", 1), DropCount("not authentic", 2))
OUT = SaView(OUTBOUND, True, 1, Mode.TUNNEL, Usage(drops=LOST), Encapsulation(4500, 1025), Mark(5), 9)
VIEW = KernelView(
    "xfrm", (IN, OUT), ("out a === b",), ("10.2.0.0/16 interface 3",), (), 1, 1, 2,
    (DropCount("XfrmInNoPols", 3),),
)
STRAY = SaView(SaId(INBOUND.source, INBOUND.destination, INBOUND.protocol, 0xAA), True)


@dataclass
class World:
    """A data plane, the IKE_SAs, and what was asked of both."""

    held: KernelView = VIEW
    sas: tuple[IkeSnapshot, ...] = (SA,)
    problems: tuple[Difference, ...] = ()
    renewed: list[SaId] = field(default_factory=list)
    deleted: list[SaId] = field(default_factory=list)
    naps: list[float] = field(default_factory=list)
    broken: bool = False

    def view(self) -> KernelView:
        if self.broken:
            raise KernelError("espd is not running")
        return self.held

    def check(self, repair: bool) -> tuple[Difference, ...]:
        return tuple(replace(one, repaired=repair and one.missing is None) for one in self.problems)

    def delete_sa(self, id: SaId) -> None:
        self.deleted.append(id)

    def snapshots(self) -> tuple[IkeSnapshot, ...]:
        return self.sas

    def ask(self, **words: bool) -> tuple[Done, list[str]]:
        lines: list[str] = []
        handler = KernelHandler(self, self, self.renewed.append, self.naps.append)
        return handler(Kernel(**words), Lines(lines)), lines


@dataclass
class Lines:
    """A client that keeps what it is told."""

    lines: list[str]

    def text(self, line: str) -> None:
        self.lines.append(line)

    def check(self) -> None:
        pass


def test_view_names_the_child_of_each_sa() -> None:
    done, lines = World().ask()
    assert done == Done()
    assert lines == [
        "Data plane xfrm: 2 SAs, 1 policies, 1 reserved SPIs; of others 0 SAs, 2 policies",
        "SAs:",
        "  net-net{1} in ESP c8e57af0 192.0.2.2 to 192.0.2.1, reqid 1, TUNNEL: 840 bytes, 10 packets, 3s ago",
        "  net-net{1} out ESP 000d2f72 192.0.2.1 to 192.0.2.2, reqid 1, TUNNEL, in UDP 4500-1025,"
        " mark 0x5/0xffffffff, if_id 0x9: 0 bytes, 0 packets, 1 replayed, 2 not authentic",
        "Policies:",
        "  out a === b",
        "Routes:",
        "  10.2.0.0/16 interface 3",
        "Dropped packets:",
        "  3 XfrmInNoPols",
    ]


def test_captions_without_lines_are_left_out() -> None:
    _, lines = World(KernelView("userland", (), ()), ()).ask()
    assert lines == ["Data plane userland: 0 SAs, 0 policies, 0 reserved SPIs; of others 0 SAs, 0 policies"]


def test_sas_of_others_are_counted_only() -> None:
    _, lines = World(replace(VIEW, sas=(IN, replace(STRAY, ours=False)))).ask()
    assert "of others 1 SAs" in lines[0]
    assert len([line for line in lines if " ESP " in line]) == 1


def test_all_well_is_said_and_nobody_waits() -> None:
    world = World()
    assert world.ask(check=True) == (Done(), ["the kernel holds what it should"])
    assert world.naps == []


def test_difference_fails_the_check() -> None:
    done, lines = World(problems=(Difference("policy out is missing"),)).ask(check=True)
    assert done == Done(1, "1 differences")
    assert lines == ["policy out is missing", "1 differences"]


def test_repaired_difference_is_success() -> None:
    done, lines = World(problems=(Difference("policy out is missing"),)).ask(check=True, repair=True)
    assert done == Done()
    assert lines == ["policy out is missing; repaired", "1 differences, 0 left"]


def test_failed_repair_is_told_with_its_reason() -> None:
    done, lines = World(problems=(Difference("x", failure="no memory", missing=None),)).ask(check=True)
    assert (done.exit_code, lines[0]) == (1, "x; repairing failed: no memory")


def test_lost_sa_is_negotiated_anew_once() -> None:
    lost = Difference("ESP SA is missing", missing=INBOUND)
    world = World(replace(VIEW, sas=(OUT,)), problems=(lost,))
    done, lines = world.ask(check=True, repair=True)
    assert (done, world.renewed) == (Done(), [INBOUND])
    assert lines[0] == "ESP SA is missing; its CHILD_SA is negotiated anew"
    assert world.ask(check=True)[0].exit_code == 1


def test_child_whose_sas_nobody_knows_of_is_found() -> None:
    world = World(replace(VIEW, sas=(IN,)))
    _, lines = world.ask(check=True)
    assert lines[0] == "ESP SA 000d2f72 (192.0.2.1 to 192.0.2.2) is missing"
    assert world.naps == [0.5]


def test_child_that_is_being_made_is_not_missed() -> None:
    young = replace(SA, children=(replace(CHILD, state="CREATED"),))
    assert World(replace(VIEW, sas=(IN,)), (young,)).ask(check=True)[0] == Done()


def test_sa_without_a_child_is_removed() -> None:
    world = World(replace(VIEW, sas=(IN, OUT, STRAY)))
    done, lines = world.ask(check=True, repair=True)
    assert (done, world.deleted) == (Done(), [STRAY.id])
    assert lines[0] == "ESP SA 000000aa (192.0.2.2 to 192.0.2.1) has no CHILD_SA; repaired"


@pytest.mark.parametrize("words", [{}, {"check": True}])
def test_data_plane_that_does_not_answer_is_a_failure(words: dict[str, bool]) -> None:
    assert World(broken=True).ask(**words)[0] == Done(1, "espd is not running")
