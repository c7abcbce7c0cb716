"""The kernel port against a kernel with IPsec: what moves keeps its state, and what is missing is named."""

import re
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from ipaddress import ip_address
from pathlib import Path

import pytest

from cygnet.base.addresses import Address
from cygnet.base.secret import Secret
from cygnet.base.selectors import TrafficSelector
from cygnet.kernel.backends.xfrm.kernel import XfrmKernel
from cygnet.kernel.backends.xfrm.settings import XfrmSettings
from cygnet.kernel.port import (
    Algorithm,
    Direction,
    Encapsulation,
    Expire,
    IpProtocol,
    KernelError,
    KernelEvent,
    Lifetime,
    Mark,
    Mode,
    Offload,
    PolicyMove,
    PolicySpec,
    SaId,
    SaMove,
    SaSpec,
)
from cygnet.runtime.network import options
from lab.hosts import until
from lab.namespaces import Namespace

MOON, SUN, AWAY = ip_address("192.0.2.1"), ip_address("192.0.2.2"), ip_address("192.0.2.9")
LANS = TrafficSelector.of("10.1.0.0/24"), TrafficSelector.of("10.2.0.0/24")
KEYS = Algorithm(20, 256, Secret(bytes(range(36)))), Algorithm(20, 256, Secret(bytes(range(36, 72))))
SPIS = 0xC0000001, 0xC0000002


@dataclass
class Side:
    """One of two hosts with a tunnel between them."""

    space: Namespace
    kernel: XfrmKernel
    events: list[KernelEvent]
    number: int
    mark: Mark | None = None

    def sas(self, ends: tuple[Address, Address], udp: bool = False) -> tuple[SaSpec, SaSpec]:
        """Inbound and outbound SA between moon's and sun's addresses."""
        local, remote = ends if self.number == 0 else ends[::-1]
        mine, theirs = LANS if self.number == 0 else LANS[::-1]
        ports = Encapsulation(4500, 4500) if udp else None
        into = SaSpec(SaId(remote, local, IpProtocol.ESP, SPIS[self.number]), 1, Mode.TUNNEL, True,
                      KEYS[self.number], encapsulation=ports, replay_window=64, mark=self.mark,
                      local_ts=(mine,), remote_ts=(theirs,))  # fmt: skip
        other = 1 - self.number
        out = replace(
            into, id=SaId(local, remote, IpProtocol.ESP, SPIS[other]), inbound=False, encryption=KEYS[other]
        )
        return into, out

    def policies(self, ends: tuple[Address, Address]) -> tuple[PolicySpec, ...]:
        """Out, in and forward."""
        local, remote = ends if self.number == 0 else ends[::-1]
        mine, theirs = LANS if self.number == 0 else LANS[::-1]
        out = PolicySpec(Direction.OUT, mine, theirs, Mode.TUNNEL, 1, local, remote, mark=self.mark)
        into = PolicySpec(Direction.IN, theirs, mine, Mode.TUNNEL, 1, remote, local, mark=self.mark)
        return out, into, replace(into, direction=Direction.FORWARD)

    def install(self, ends: tuple[Address, Address], udp: bool = False) -> None:
        with self.space.entered():
            for sa in self.sas(ends, udp):
                self.kernel.add_sa(sa)
            for policy in self.policies(ends):
                self.kernel.add_policy(policy)

    def migrate(self, old: tuple[Address, Address], new: tuple[Address, Address], udp: bool = False) -> None:
        pairs = zip(self.sas(old, udp), self.sas(new, udp), strict=True)
        sas = tuple(SaMove(one.id, other.id, other.encapsulation) for one, other in pairs)
        policies = tuple(map(PolicyMove, self.policies(old), self.policies(new)))
        with self.space.entered():
            self.kernel.migrate(sas, policies)

    def states(self) -> str:
        with self.space.entered():
            return subprocess.run(
                ["ip", "-s", "xfrm", "state"], check=True, capture_output=True, text=True
            ).stdout


@pytest.fixture
def sides(tmp_path: Path) -> Iterator[tuple[Side, Side]]:
    with ExitStack() as stack:
        found = []
        for number in (0, 1):
            space = Namespace()
            stack.callback(space.close)
            events: list[KernelEvent] = []
            kernel = XfrmKernel(XfrmSettings(tmp_path / f"{number}.xfrm"), lambda level, text: None)
            with space.entered():
                kernel.start(events.append)
            stack.callback(kernel.close, flush=True)
            found.append(Side(space, kernel, events, number))
        moon, sun = found
        moon.space.connect(sun.space, ("192.0.2.1/24", "192.0.2.9/24"), ("192.0.2.2/24",))
        moon.space.run("ip address add 10.1.0.1/24 dev lo")
        sun.space.run("ip address add 10.2.0.1/24 dev lo")
        yield moon, sun


@contextmanager
def decapsulating(side: Side) -> Iterator[None]:
    """What an IKE daemon has: a socket on port 4500 out of which the kernel takes ESP."""
    with side.space.entered():
        sock = options.open_udp(4)
    try:
        sock.bind(("0.0.0.0", 4500))
        assert options.enable_udp_encapsulation(sock)
        yield
    finally:
        sock.close()


def pings(side: Side) -> None:
    """Three pings through the tunnel, all answered."""
    side.space.run("ping -q -c 3 -i 0.05 -W 1 -I 10.1.0.1 10.2.0.1")


def sequence(side: Side) -> list[int]:
    """What has been sent, by the outbound SA's own count."""
    return [int(number, 16) for number in re.findall(r"oseq (0x[0-9a-f]+)", side.states())]


@pytest.mark.parametrize("way", ["kernel", "udp", "marked"])
def test_tunnel_follows_its_hosts_and_counts_on(sides: tuple[Side, Side], way: str) -> None:
    for side in sides:
        side.mark = Mark(7) if way == "marked" else None
        side.install((MOON, SUN), udp=way == "udp")
    with ExitStack() as stack:
        for side in sides:
            stack.enter_context(decapsulating(side))
        follow(sides, way)


def follow(sides: tuple[Side, Side], way: str) -> None:
    moon, sun = sides
    if way != "marked":  # with marks the kernel's own migration is not used; packets have none here
        pings(moon)
    for side in sides:
        side.migrate((MOON, SUN), (AWAY, SUN), udp=way == "udp")
    assert "192.0.2.1" not in moon.states() + sun.states()
    assert all(side.kernel.check(repair=False) == () for side in sides)
    if way == "marked":
        return
    assert max(sequence(moon)) == max(sequence(sun)) == 3
    pings(moon)
    assert max(sequence(moon)) == max(sequence(sun)) == 6
    assert moon.kernel.query_sa(moon.sas((AWAY, SUN))[1].id).packets == 6


def test_update_of_ports_and_addresses_keeps_window_and_counters(sides: tuple[Side, Side]) -> None:
    moon, _ = sides
    for side in sides:
        side.install((MOON, SUN), udp=True)
    for side in sides:
        with side.space.entered():
            for old, new in zip(side.sas((MOON, SUN)), side.sas((AWAY, SUN)), strict=True):
                side.kernel.update_sa(old.id, new.id, Encapsulation(4501, 4502))
                side.kernel.update_sa(new.id, new.id, Encapsulation(4503, 4504))
    assert moon.states().count("sport 4503 dport 4504") == 2
    assert all(side.kernel.view().sas[0].encapsulation == Encapsulation(4503, 4504) for side in sides)


def test_soft_and_hard_expiry_are_told(sides: tuple[Side, Side]) -> None:
    moon, _ = sides
    into, out = moon.sas((MOON, SUN))
    with moon.space.entered():
        moon.kernel.add_sa(replace(into, lifetime=Lifetime(soft_s=1, hard_s=2)))
        moon.kernel.add_sa(out)
    wanted = [Expire(into.id, hard=False), Expire(into.id, hard=True)]
    until(lambda: [one for one in moon.events if isinstance(one, Expire)] == wanted, "both expiries", 5)
    assert moon.kernel.query_sa(out.id).packets == 0
    with pytest.raises(KernelError, match="No such process"):
        moon.kernel.query_sa(into.id)


CAMELLIA = Algorithm(23, 256, Secret(bytes(32)))
SHA1 = Algorithm(2, 0, Secret(bytes(20)))


LACKING: list[tuple[dict[str, object], str]] = [
    ({"encryption": CAMELLIA, "integrity": SHA1}, r"cbc\(camellia\).*modprobe cbc camellia_generic"),
    ({"mode": Mode.IPTFS}, "CONFIG_XFRM_IPTFS"),
    ({"encapsulation": Encapsulation(4500, 4500, tcp=True)}, "TCP"),
    ({"offload": Offload.PACKET}, "hw_offload=packet"),
]


def test_what_the_kernel_lacks_is_named(sides: tuple[Side, Side]) -> None:
    moon, _ = sides
    for changes, words in LACKING:
        with moon.space.entered(), pytest.raises(KernelError, match=words):
            moon.kernel.add_sa(replace(moon.sas((MOON, SUN))[1], **changes))
    assert moon.kernel.view().sas == ()
