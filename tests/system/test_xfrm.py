"""The XFRM backend on this machine's kernel, in a network namespace: what any kernel with XFRM netlink does.

Policies, traps, routes and rules need no ESP; where the kernel has none, the refusal of SAs is looked at.
"""

import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from ipaddress import ip_address
from pathlib import Path

import pytest

from cygnet.base.secret import Secret
from cygnet.base.selectors import TrafficSelector
from cygnet.kernel.backends.probe import probe
from cygnet.kernel.backends.xfrm.kernel import XfrmKernel
from cygnet.kernel.backends.xfrm.leftovers import remove_leftovers
from cygnet.kernel.backends.xfrm.settings import XfrmSettings
from cygnet.kernel.port import (
    Acquire,
    AddressChange,
    Algorithm,
    Direction,
    IpProtocol,
    KernelError,
    KernelEvent,
    Mark,
    Mode,
    PolicySpec,
    SaId,
    SaSpec,
)
from lab.hosts import until
from lab.namespaces import Namespace

pytestmark = pytest.mark.root

MOON, SUN, FAR = ip_address("192.0.2.1"), ip_address("192.0.2.2"), ip_address("198.51.100.7")
LAN, PEER = TrafficSelector.of("10.1.0.0/24"), TrafficSelector.of("10.2.0.0/24")
OUT = PolicySpec(Direction.OUT, LAN, PEER, Mode.TUNNEL, 1, MOON, SUN)
TRAP = replace(OUT, trap=True, reqid=77)
TCP = 6
VIRTUAL, OTHERS = (ip_address("10.3.0.1"), ip_address("fd03::1")), ip_address("10.3.0.5")


@pytest.fixture
def space() -> Iterator[Namespace]:
    made, beyond = Namespace(), Namespace()
    made.connect(beyond, ("192.0.2.1/24", "10.1.0.1/24", "fd01::1/64"), ("192.0.2.2/24",))
    made.run("ip route add default via 192.0.2.254")
    yield made
    made.close()
    beyond.close()


@pytest.fixture
def events() -> list[KernelEvent]:
    return []


@pytest.fixture
def kernel(space: Namespace, tmp_path: Path, events: list[KernelEvent]) -> Iterator[XfrmKernel]:
    made = started(space, tmp_path, events)
    yield made
    made.close(flush=True)


def started(space: Namespace, folder: Path, events: list[KernelEvent]) -> XfrmKernel:
    made = XfrmKernel(XfrmSettings(folder / "charon.xfrm"), lambda level, text: None)
    with space.entered():
        made.start(events.append)
    return made


def told(space: Namespace, command: str) -> str:
    with space.entered():
        return subprocess.run(command.split(), capture_output=True, text=True).stdout


def policies(space: Namespace) -> list[str]:
    """One line for each policy, as ``ip`` reads it."""
    text = told(space, "ip -o xfrm policy").replace("\\", " ")
    return sorted(" ".join(line.split()) for line in text.splitlines() if "socket" not in line)


def test_policies_are_what_ip_reads(space: Namespace, kernel: XfrmKernel) -> None:
    with space.entered():
        kernel.add_policy(OUT)
        kernel.add_policy(
            replace(OUT, direction=Direction.FORWARD, source=PEER, destination=LAN, mark=Mark(5, 255))
        )
        kernel.add_policy(replace(OUT, source=TrafficSelector.of("10.1.0.0/24", TCP), action=Mode.TRANSPORT,
                                  destination=TrafficSelector.of("10.2.0.0/24", TCP, (80, 80))))  # fmt: skip
        kernel.add_policy(replace(OUT, action=Mode.DROP, destination=TrafficSelector.of("10.9.0.0/16")))
        kernel.add_policy(replace(OUT, source=TrafficSelector.of("fd01::/64"), compression=True,
                                  destination=TrafficSelector.of("fd02::/64")))  # fmt: skip
    assert policies(space) == sorted([
        "src 10.1.0.0/24 dst 10.2.0.0/24 dir out priority 375423 ptype main"
        " tmpl src 192.0.2.1 dst 192.0.2.2 proto esp reqid 1 mode tunnel",
        "src 10.2.0.0/24 dst 10.1.0.0/24 dir fwd priority 375423 ptype main mark 0x5/0xff"
        " tmpl src 192.0.2.1 dst 192.0.2.2 proto esp reqid 1 mode tunnel",
        "src 10.1.0.0/24 dst 10.2.0.0/24 proto tcp dport 80 dir out priority 375103 ptype main"
        " tmpl src 0.0.0.0 dst 0.0.0.0 proto esp reqid 1 mode transport",
        "src 10.1.0.0/24 dst 10.9.0.0/16 dir out action block priority 579519 ptype main",
        "src fd01::/64 dst fd02::/64 dir out priority 334463 ptype main"
        " tmpl src 192.0.2.1 dst 192.0.2.2 proto comp reqid 1 mode tunnel"
        " tmpl src 0.0.0.0 dst 0.0.0.0 proto esp reqid 1 mode transport",
    ])  # fmt: skip


def test_routes_lead_as_the_peer_is_reached(space: Namespace, kernel: XfrmKernel) -> None:
    far = replace(OUT, outer_destination=FAR, destination=TrafficSelector.of("10.3.0.0/24"))
    shunt = replace(OUT, action=Mode.PASS, destination=TrafficSelector.of("10.1.0.0/24"))
    with space.entered():
        for policy in (OUT, far, shunt):
            kernel.add_policy(policy)
        assert told(space, "ip route show table 220").split("\n")[:3] == [
            "throw 10.1.0.0/24 proto 220 ",
            "10.2.0.0/24 dev wire proto 220 src 10.1.0.1 ",
            "10.3.0.0/24 via 192.0.2.254 dev wire proto 220 src 10.1.0.1 ",
        ]
        assert "not from all fwmark 0x43594700 lookup 220" in told(space, "ip rule")
        for policy in (OUT, far, shunt):
            kernel.delete_policy(policy)
    assert told(space, "ip route show table 220") == ""


def test_routes_follow_new_addresses(space: Namespace, kernel: XfrmKernel, events: list[KernelEvent]) -> None:
    with space.entered():
        kernel.add_policy(replace(OUT, source=TrafficSelector.of("10.7.0.0/24")))
    assert "10.2.0.0/24" not in told(space, "ip route show table 220")
    space.run("ip address add 10.7.0.1/24 dev wire")
    until(
        lambda: "10.2.0.0/24 dev wire proto 220 src 10.7.0.1" in told(space, "ip route show table 220"),
        "route",
    )
    assert AddressChange() in events


def test_trap_fires_and_others_traps_do_not_concern_us(
    space: Namespace, kernel: XfrmKernel, events: list[KernelEvent]
) -> None:
    space.run(
        "ip xfrm policy add src 10.1.0.0/24 dst 10.8.0.0/24 dir out tmpl proto esp reqid 5 mode transport"
    )
    with space.entered():
        kernel.add_policy(TRAP)
        for target in ("10.8.0.1", "10.2.0.9"):
            subprocess.run(["ping", "-c1", "-W1", "-I", "10.1.0.1", target], capture_output=True)
    until(lambda: [one for one in events if isinstance(one, Acquire)], "acquire")
    acquires = [one for one in events if isinstance(one, Acquire)]
    assert {(one.reqid, str(one.destination.start)) for one in acquires} == {(77, "10.2.0.9")}


def test_trap_asks_again_some_seconds_after_an_acquire_that_came_to_nothing(
    space: Namespace, kernel: XfrmKernel, events: list[KernelEvent]
) -> None:
    def ping() -> int:
        with space.entered():
            subprocess.run(["ping", "-c1", "-W1", "-I", "10.1.0.1", "10.2.0.9"], capture_output=True)
        return len([one for one in events if isinstance(one, Acquire)])

    with space.entered():
        kernel.add_policy(TRAP)
    until(lambda: ping() == 1, "acquire")
    assert ping() == 1
    kernel.acquire_failed(TRAP.reqid)
    until(lambda: ping() == 2, "another acquire", 10)


def test_new_daemon_removes_what_the_dead_one_left_and_nothing_else(space: Namespace, tmp_path: Path) -> None:
    space.run("ip xfrm policy add src 198.51.100.1 dst 198.51.100.2 dir out action block")
    space.run("ip route add 198.51.100.0/24 via 192.0.2.254 table 220")
    dead = started(space, tmp_path, [])
    with space.entered():
        for policy in (OUT, TRAP, replace(OUT, mark=Mark(5)), replace(OUT, if_id=7)):
            dead.add_policy(policy)
    dead.close(flush=False)
    assert len(policies(space)) == 4
    successor = started(space, tmp_path, [])
    assert [line for line in policies(space) if "198.51.100.1" not in line] == []
    assert "198.51.100.0/24 via 192.0.2.254 dev wire" in told(space, "ip route show table 220")
    successor.close(flush=True)
    assert len(policies(space)) == 1
    assert "220" not in told(space, "ip rule")


@pytest.mark.parametrize("device", ["", "wire"])
def test_virtual_addresses_of_a_dead_daemon_go_and_no_others(
    space: Namespace, tmp_path: Path, kernel: XfrmKernel, device: str
) -> None:
    (tmp_path / "dead").mkdir()
    space.run("ip link set lo up")
    space.run("ip addr add 10.3.0.9/32 dev lo metric 77")
    dead = started(space, tmp_path / "dead", [])
    with space.entered():
        for address in VIRTUAL:
            dead.add_address(address, device)
        kernel.add_address(OTHERS, device)
    dead.close(flush=False)
    assert virtual(space) == {"10.3.0.1/32", "fd03::1/128", "10.3.0.5/32", "10.3.0.9/32"}
    successor = started(space, tmp_path / "dead", [])
    assert virtual(space) == {"10.3.0.5/32", "10.3.0.9/32"}
    with space.entered():
        successor.add_address(VIRTUAL[0], device)
        successor.delete_address(VIRTUAL[0], device)
    assert virtual(space) == {"10.3.0.5/32", "10.3.0.9/32"}
    successor.close(flush=True)


def virtual(space: Namespace) -> set[str]:
    lines = told(space, "ip -o addr show").splitlines()
    return {word for line in lines for word in line.split() if word.startswith(("10.3.", "fd03:"))}


def test_two_daemons_leave_each_other_alone(space: Namespace, tmp_path: Path, kernel: XfrmKernel) -> None:
    (tmp_path / "other").mkdir()
    with space.entered():
        kernel.add_policy(OUT)
    other = started(space, tmp_path / "other", [])
    with space.entered(), pytest.raises(KernelError, match="somebody else's policy"):
        other.add_policy(OUT)
    other.close(flush=True)
    assert len(policies(space)) == 1


def test_leftovers_are_removed_for_whoever_stops_a_daemon(space: Namespace, tmp_path: Path) -> None:
    dead = started(space, tmp_path, [])
    with space.entered():
        dead.add_policy(OUT)
        dead.add_address(VIRTUAL[0], "")
        dead.close(flush=False)
        assert remove_leftovers(tmp_path / "charon.xfrm", 220) == (0, 1, 1)
        assert remove_leftovers(tmp_path / "charon.xfrm", 220) == (0, 0, 0)
    assert (policies(space), told(space, "ip route show table 220")) == ([], "")


def test_differences_are_found_and_mended(space: Namespace, kernel: XfrmKernel) -> None:
    with space.entered():
        kernel.add_policy(OUT)
        assert kernel.check(repair=False) == ()
        before = policies(space)
        space.run("ip xfrm policy flush")
        space.run("ip route flush table 220")
        space.run("ip rule del priority 220")
        assert len(kernel.check(repair=False)) == 3
        assert all(one.repaired for one in kernel.check(repair=True))
        assert kernel.check(repair=False) == ()
    assert policies(space) == before


def test_kernel_without_esp_says_what_it_lacks(space: Namespace, kernel: XfrmKernel) -> None:
    with space.entered():
        if probe().xfrm:
            pytest.skip("this kernel has ESP")
        spec = SaSpec(SaId(MOON, SUN, IpProtocol.ESP, 0xC1), 1, Mode.TUNNEL, False,
                      Algorithm(20, 256, Secret(bytes(range(36)))))  # fmt: skip
        with pytest.raises(KernelError, match=r"rfc4106\(gcm\(aes\)\).*modprobe gcm seqiv"):
            kernel.add_sa(spec)
        spi = kernel.allocate_spi(SUN, MOON, IpProtocol.ESP)
        with pytest.raises(KernelError):
            kernel.add_sa(replace(spec, id=SaId(SUN, MOON, IpProtocol.ESP, spi), inbound=True))
        assert kernel.view().reservations == 0


def test_spis_are_reserved_and_released(space: Namespace, kernel: XfrmKernel) -> None:
    with space.entered():
        spis = [kernel.allocate_spi(SUN, MOON, IpProtocol.ESP) for _ in range(20)]
        cpi = kernel.allocate_cpi(SUN, MOON)
        assert len(set(spis)) == 20 and all(0xC0000000 <= spi <= 0xCFFFFFFF for spi in spis)
        assert 0x100 <= cpi <= 0xEFFF
        assert kernel.view().reservations == 21
        assert kernel.check(repair=False) == ()
        for spi in spis:
            kernel.delete_sa(SaId(SUN, MOON, IpProtocol.ESP, spi))
        kernel.release_cpi(SUN, MOON, cpi)
        assert kernel.view().reservations == 0


def test_without_the_right_the_missing_capability_is_named(tmp_path: Path) -> None:
    program = (
        "import sys; from pathlib import Path\n"
        "from cygnet.kernel.backends.xfrm.kernel import XfrmKernel\n"
        "from cygnet.kernel.backends.xfrm.settings import XfrmSettings\n"
        "XfrmKernel(XfrmSettings(Path(sys.argv[1])), print).start(print)\n"
    )

    command = [
        "setpriv",
        "--bounding-set=-net_admin",
        "--inh-caps=-net_admin",
        "--",
        sys.executable,
        "-c",
        program,
    ]
    done = subprocess.run([*command, str(tmp_path / "x")], capture_output=True, text=True)
    assert "CAP_NET_ADMIN is missing" in done.stderr
