"""Two espd processes in two network namespaces, keys set by hand over their control sockets."""

import contextlib
import os
import queue
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from ipaddress import ip_address
from pathlib import Path

import pytest

from cygnet.base.addresses import Host
from cygnet.base.secret import Secret
from cygnet.base.selectors import TrafficSelector
from cygnet.kernel.backends.userland import EspdAccess, UserlandKernel
from cygnet.kernel.port import (
    Acquire,
    Algorithm,
    Direction,
    Encapsulation,
    Expire,
    IpProtocol,
    KernelError,
    KernelEvent,
    KernelReset,
    Lifetime,
    MappingChange,
    Mark,
    Mode,
    PolicySpec,
    SaId,
    SaSpec,
)

pytestmark = [
    pytest.mark.root,
    pytest.mark.tun,
    pytest.mark.skipif(os.geteuid() != 0, reason="needs root and network namespaces"),
    pytest.mark.skipif(not Path("/dev/net/tun").exists(), reason="needs /dev/net/tun"),
]

LAUNCH = """
import os, socket, sys
names = []
for name, family, any_ in (("esp4", socket.AF_INET, "0.0.0.0"), ("esp6", socket.AF_INET6, "::")):
    sock = socket.socket(family, socket.SOCK_DGRAM)
    if family == socket.AF_INET6:
        sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
    sock.bind((any_, 4500))
    sock.set_inheritable(True)
    names.append(f"{name}={sock.detach()}")
os.environ["CYGNET_SOCKETS"] = ",".join(names)
os.execv(sys.executable, [sys.executable, "-m", "cygnet.espd.main", "--socket", sys.argv[1]])
"""
TAP = """
import socket
PLAIN = {1: (0, 8), 58: (128, 129)}
tap = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(3))
tap.bind(("eth0", 3))
tap.settimeout(10)
print("listening", flush=True)
seen = 0
while seen < 6:
    packet = tap.recv(65535)
    if packet[0] >> 4 not in (4, 6):
        continue
    protocol, body = (packet[9], packet[20:]) if packet[0] >> 4 == 4 else (packet[6], packet[40:])
    if protocol == 17 and body[2:4] == (4500).to_bytes(2):
        print("esp-in-udp")
    elif protocol == 50:
        print("esp")
    elif body[:1] and body[0] in PLAIN.get(protocol, ()):
        print("plain")
    else:
        continue
    seen += 1
"""
OUTER = {4: ("192.0.2.1", "192.0.2.2"), 6: ("2001:db8::1", "2001:db8::2")}
INNER = {4: ("10.1.0.1", "10.2.0.1"), 6: ("fd01::1", "fd02::1")}
NETS = {4: ("10.1.0.0/16", "10.2.0.0/16"), 6: ("fd01::/16", "fd02::/16")}
REQID = 7


@dataclass
class End:
    """One host: a namespace with an espd and a client of it."""

    namespace: str
    socket: Path
    process: subprocess.Popen[str] | None = None
    kernel: UserlandKernel | None = None
    events: "queue.Queue[KernelEvent]" = field(default_factory=queue.Queue)

    def start_espd(self) -> None:
        command = ["ip", "netns", "exec", self.namespace, sys.executable, "-c", LAUNCH, str(self.socket)]
        self.process = subprocess.Popen(command, text=True)

    def connect(self) -> UserlandKernel:
        self.kernel = UserlandKernel(EspdAccess(self.socket, "test"), lambda level, text: None)
        self.kernel.start(self.events.put)
        return self.kernel

    def run(self, *command: str, check: bool = True) -> str:
        done = subprocess.run(
            ["ip", "netns", "exec", self.namespace, *command], capture_output=True, text=True, timeout=60
        )
        assert not check or done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def stop(self) -> None:
        if self.kernel is not None:
            self.kernel.close(flush=True)
        if self.process is not None:
            self.process.send_signal(signal.SIGTERM)
            self.process.wait(10)


@pytest.fixture
def ends(tmp_path: Path) -> Iterator[tuple[End, End]]:
    tag = f"{os.getpid() % 100000}"
    names = (f"espa{tag}", f"espb{tag}")
    both = tuple(End(name, tmp_path / f"{name}.sock") for name in names)
    try:
        wire(*names)
        for end in both:
            end.start_espd()
        for end in both:
            end.connect()
        yield both  # type: ignore[misc]
    finally:
        for end in both:
            with contextlib.suppress(Exception):
                end.stop()
        for name in names:
            subprocess.run(["ip", "netns", "del", name], check=False)


def wire(one: str, other: str) -> None:
    """Two namespaces, one cable, inner addresses on lo without any route to them."""
    for name in (one, other):
        subprocess.run(["ip", "netns", "add", name], check=True)
    command = ["ip", "link", "add", "eth0", "netns", one, "type", "veth", "peer", "eth0", "netns", other]
    subprocess.run(command, check=True)
    for at, name in enumerate((one, other)):
        lines = ["link set lo up", "link set eth0 up"]
        lines += [f"addr add {OUTER[4][at]}/24 dev eth0", f"addr add {OUTER[6][at]}/64 dev eth0 nodad"]
        lines += [f"addr add {INNER[4][at]}/32 dev lo", f"addr add {INNER[6][at]}/128 dev lo"]
        for line in lines:
            subprocess.run(["ip", "-n", name, *line.split()], check=True)


def sa(
    spi: int, at: int, receiver: int, outer: int, inner: int, udp: bool = True, **changes: object
) -> SaSpec:
    """The SA towards end ``receiver``, as installed at end ``at``."""
    addresses = [ip_address(text) for text in OUTER[outer]]
    nets = [TrafficSelector.of(text) for text in NETS[inner]]
    spec = SaSpec(
        id=SaId(addresses[1 - receiver], addresses[receiver], IpProtocol.ESP, spi),
        reqid=REQID,
        mode=Mode.TUNNEL,
        inbound=at == receiver,
        encryption=Algorithm(20, 128, Secret(bytes([spi & 255]) * 20)),
        encapsulation=Encapsulation(4500, 4500) if udp else None,
        replay_window=64,
        local_ts=(nets[at],),
        remote_ts=(nets[1 - at],),
    )
    return replace(spec, **changes)  # type: ignore[arg-type]


def policies(at: int, outer: int, inner: int, trap: bool = False) -> list[PolicySpec]:
    addresses = [ip_address(text) for text in OUTER[outer]]
    nets = [TrafficSelector.of(text) for text in NETS[inner]]
    out = PolicySpec(Direction.OUT, nets[at], nets[1 - at], Mode.TUNNEL, REQID,
                     addresses[at], addresses[1 - at], trap=trap)
    into = replace(out, direction=Direction.IN, source=nets[1 - at], destination=nets[at],
                   outer_source=addresses[1 - at], outer_destination=addresses[at])
    return [out, into, replace(into, direction=Direction.FORWARD)]


def tunnel(ends: tuple[End, End], outer: int, inner: int, udp: bool = True, **changes: object) -> None:
    for at, end in reversed(list(enumerate(ends))):  # the second end receives before the first sends
        assert end.kernel is not None
        for receiver in (at, 1 - at):
            end.kernel.add_sa(sa(0xC0000001 + receiver, at, receiver, outer, inner, udp, **changes))
        for policy in policies(at, outer, inner):
            end.kernel.add_policy(policy)


def headless(
    ends: tuple[End, End], mode: Mode, addresses: tuple[str, str], outer: int, udp: bool, **changes: object
) -> None:
    """Transport mode or BEET between two addresses."""
    hosts = [TrafficSelector.of(text) for text in addresses]
    for at, end in reversed(list(enumerate(ends))):
        here, there = hosts[at], hosts[1 - at]
        for receiver in (at, 1 - at):
            spec = sa(0xC0000001 + receiver, at, receiver, outer, here.family, udp, **changes)
            kernel_of(end).add_sa(replace(spec, mode=mode, local_ts=(here,), remote_ts=(there,)))
        out, into, _ = policies(at, outer, here.family)
        kernel_of(end).add_policy(replace(out, action=mode, source=here, destination=there))
        kernel_of(end).add_policy(replace(into, action=mode, source=there, destination=here))


@contextlib.contextmanager
def only_esp(end: End) -> Iterator[None]:
    """Nothing but ESP arrives at or leaves an end's cable meanwhile."""
    rules = "ip protocol { icmp, tcp } counter; ip6 nexthdr { tcp } counter;"
    rules += "icmpv6 type { echo-request, echo-reply } counter;"
    end.run("nft", "add table inet w; add chain inet w i { type filter hook prerouting priority -400; };"
                   + "".join(f"add rule inet w i iifname eth0 {rule};" for rule in rules.split(";") if rule))
    yield
    listing = end.run("nft", "list", "table", "inet", "w")
    end.run("nft", "delete", "table", "inet", "w")
    assert set(re.findall(r"packets (\d+)", listing)) == {"0"}, listing


@pytest.mark.parametrize("udp", [True, False], ids=["udp", "raw"])
@pytest.mark.parametrize("family", [4, 6])
def test_transport_mode_between_hosts(ends, family, udp):
    headless(ends, Mode.TRANSPORT, OUTER[family], family, udp)
    there = OUTER[family][1]
    with only_esp(ends[0]), only_esp(ends[1]):
        assert " ttl=64 " in ends[0].run("ping", "-c", "2", "-i", "0.05", "-W", "2", there)
        assert " 0% packet loss" in ends[0].run("ping", "-c", "2", "-W", "2", "-s", "4000", there)
        mtu = kernel_of(ends[0]).inventory().mtu
        largest = str(mtu - (28 if family == 4 else 48))
        one = ("ping", "-c", "1", "-W", "2")
        assert " 0% packet loss" in ends[0].run(*one, "-s", largest, "-M", "do", there)
        ends[1].run("sysctl", "-qw", "net.ipv4.ip_default_ttl=77", "net.ipv6.conf.ipsec0.hop_limit=77")
        assert " ttl=77 " in ends[0].run(*one, "-t", "9", "-Q", "0xb8", there)
        assert transfer(ends, there, family, 300_000) == 300_000
    usages = [status.usage for status in kernel_of(ends[0]).inventory().sas]
    assert all(usage.packets >= 6 for usage in usages)


def transfer(ends: tuple[End, End], address: str, family: int, size: int) -> int:
    """Octets that arrive over a TCP connection to the second end."""
    kind = f"socket.AF_INET{'6' * (family == 6)}"
    serve = f"""
import socket
own = socket.socket({kind}); own.bind(({address!r}, 5001)); own.listen(); print("ready", flush=True)
peer, _ = own.accept(); total = 0
while data := peer.recv(65536): total += len(data)
print(total)
"""
    send = f"""
import socket
own = socket.socket({kind}); own.settimeout(5); own.connect(({address!r}, 5001)); own.sendall(bytes({size}))
"""
    command = ["ip", "netns", "exec", ends[1].namespace, sys.executable, "-c", serve]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None and server.stdout.readline() == "ready\n"
        ends[0].run(sys.executable, "-c", send)
        return int(server.stdout.readline())


@pytest.mark.parametrize("inner", [4, 6])
@pytest.mark.parametrize("outer", [4, 6])
def test_beet_between_inner_addresses(ends, outer, inner):
    headless(ends, Mode.BEET, INNER[inner], outer, udp=True)
    with only_esp(ends[0]), only_esp(ends[1]):
        assert " 0% packet loss" in ping(ends[0], inner)
        assert " 0% packet loss" in ping(ends[0], inner, "-s", "4000", "-M", "dont")
        if inner == 4:  # a timestamp option travels in BEET's pseudo header
            assert "TS:" in ping(ends[0], inner, "-T", "tsonly")
        assert transfer(ends, INNER[inner][1], inner, 100_000) == 100_000


def test_transport_mode_protects_what_its_selectors_say_and_nothing_else(ends):
    any_port, there = TrafficSelector.of(OUTER[4][0], 6), TrafficSelector.of(OUTER[4][1], 6, (5001, 5001))
    for at, end in reversed(list(enumerate(ends))):
        near, far = (any_port, there) if at == 0 else (there, any_port)
        for receiver in (at, 1 - at):
            spec = sa(0xC0000001 + receiver, at, receiver, 4, 4, False)
            kernel_of(end).add_sa(replace(spec, mode=Mode.TRANSPORT, local_ts=(near,), remote_ts=(far,)))
        out, into, _ = policies(at, 4, 4)
        kernel_of(end).add_policy(replace(out, action=Mode.TRANSPORT, source=near, destination=far))
        kernel_of(end).add_policy(replace(into, action=Mode.TRANSPORT, source=far, destination=near))
    with only_esp(ends[0]), only_esp(ends[1]):
        assert transfer(ends, OUTER[4][1], 4, 10_000) == 10_000
    carried = [status.usage.packets for status in kernel_of(ends[0]).inventory().sas]
    assert " 0% packet loss" in ends[0].run("ping", "-c", "2", "-i", "0.05", "-W", "2", OUTER[4][1])
    assert " 0% packet loss" in ends[0].run("ping", "-c", "1", "-W", "2", "-s", "3000", OUTER[4][1])
    assert carried == [status.usage.packets for status in kernel_of(ends[0]).inventory().sas]


@pytest.mark.parametrize("tfc", [512, -1])
def test_padded_packets_all_look_alike_on_the_wire(ends, tfc):
    tunnel(ends, 4, 4, tfc=tfc)
    capture = subprocess.Popen(
        ["ip", "netns", "exec", ends[0].namespace,
         "tcpdump", "-n", "-l", "-i", "eth0", "-c", "4", "udp port 4500"],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )
    assert capture.stderr is not None
    while "listening on" not in capture.stderr.readline():
        pass
    for size in ("8", "400"):
        assert " 0% packet loss" in ends[0].run("ping", "-c", "1", "-W", "2", "-s", size, INNER[4][1])
    seen, _ = capture.communicate(timeout=10)
    lengths = set(re.findall(r"length (\d+)", seen))
    assert lengths == {str(8 + 8 + (512 + 4 if tfc > 0 else 1440) + 16)}, seen


def test_marks_choose_between_equal_selectors(ends):
    for at, end in reversed(list(enumerate(ends))):
        for receiver in (at, 1 - at):
            for number in (1, 2):
                spec = sa(0xC0000010 + 16 * number + receiver, at, receiver, 4, 4)
                kernel_of(end).add_sa(replace(spec, reqid=number))
        for number in (1, 2):
            out, into, _ = policies(at, 4, 4)
            mark = Mark(number, 0xF) if at == 0 else None
            if at == 0 or number == 1:
                kernel_of(end).add_policy(replace(out, reqid=number, mark=mark))
            kernel_of(end).add_policy(replace(into, reqid=number, mark=mark))
    assert " 0% packet loss" in ping(ends[0], 4, "-m", "1")
    assert " 0% packet loss" in ping(ends[0], 4, "-m", "18")
    assert " 0% packet loss" in ping(ends[0], 4, "-m", "2")
    ends[0].run("ping", "-c", "1", "-W", "1", INNER[4][1], check=False)
    sas = kernel_of(ends[0]).inventory().sas
    assert {one.reqid: one.usage.packets for one in sas if not one.inbound} == {1: 3, 2: 6}
    assert "fwmark 0x1/0xf lookup 22000" in ends[0].run("ip", "rule")
    kernel_of(ends[0]).close(flush=True)
    ends[0].connect()
    assert "lookup 22" not in ends[0].run("ip", "rule").replace("lookup 220", "")
    assert "ipsec0m" not in ends[0].run("ip", "link")


def test_mark_of_our_own_packets_is_refused(ends):
    out = policies(0, 4, 4)[0]
    with pytest.raises(KernelError, match="also that of IKE and ESP packets"):
        kernel_of(ends[0]).add_policy(replace(out, mark=Mark(0, 0xFF)))
    assert "ipsec0m" not in ends[0].run("ip", "link")


def ping(end: End, inner: int, *options: str) -> str:
    return end.run("ping", "-c", "3", "-i", "0.05", "-W", "2", *options, INNER[inner][1])


def kernel_of(end: End) -> UserlandKernel:
    assert end.kernel is not None
    return end.kernel


@pytest.mark.parametrize("udp", [True, False], ids=["udp", "raw"])
@pytest.mark.parametrize("inner", [4, 6])
@pytest.mark.parametrize("outer", [4, 6])
def test_ping_crosses_the_wire_as_esp_only(ends, outer, inner, udp):
    tunnel(ends, outer, inner, udp)
    command = ["ip", "netns", "exec", ends[0].namespace, sys.executable, "-c", TAP]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as tap:
        assert tap.stdout is not None
        assert tap.stdout.readline() == "listening\n"
        assert " 0% packet loss" in ping(ends[0], inner)
        assert tap.stdout.read().split() == ["esp-in-udp" if udp else "esp"] * 6
    for end in ends:
        usages = [status.usage for status in kernel_of(end).inventory().sas]
        size = 84 if inner == 4 else 104
        assert [(usage.packets, usage.bytes) for usage in usages] == [(3, 3 * size)] * 2


@pytest.mark.parametrize(
    ("encryption", "integrity", "esn"),
    [((12, 256, 32), (12, 32), False), ((13, 128, 20), (2, 20), True), ((28, 0, 36), None, True),
     ((11, 0, 0), (14, 64), False)],
    ids=["cbc256-sha256", "ctr-sha1-esn", "chacha-esn", "null-sha512"],
)
def test_every_kind_of_algorithm_carries_traffic(ends, encryption, integrity, esn):
    number, bits, octets = encryption
    mac = Algorithm(integrity[0], 0, Secret(b"m" * integrity[1])) if integrity else None
    tunnel(ends, 4, 4, encryption=Algorithm(number, bits, Secret(b"k" * octets)), integrity=mac, esn=esn)
    assert " 0% packet loss" in ping(ends[0], 4)


def test_large_packets_fit_and_larger_ones_are_answered_with_the_mtu(ends):
    tunnel(ends, 4, 4)
    mtu = kernel_of(ends[0]).inventory().mtu
    assert mtu == 1500 - 20 - 8 - 8 - 8 - 16 - 2
    assert f"mtu {mtu}" in ends[0].run("ip", "link", "show", "ipsec0")
    assert " 0% packet loss" in ping(ends[0], 4, "-M", "do", "-s", str(mtu - 28))
    assert " 0% packet loss" in ping(ends[0], 4, "-M", "dont", "-s", "4000")


def test_trap_makes_one_acquire_and_the_held_packets_follow(ends):
    for policy in policies(0, 4, 4, trap=True):
        kernel_of(ends[0]).add_policy(policy)
    pinger = subprocess.Popen(
        ["ip", "netns", "exec", ends[0].namespace, "ping", "-c", "3", "-i", "0.1", "-W", "5", INNER[4][1]],
        stdout=subprocess.PIPE, text=True,
    )
    acquire = ends[0].events.get(timeout=5)
    assert isinstance(acquire, Acquire)
    assert (acquire.reqid, str(acquire.source), str(acquire.destination)) == (
        REQID, "10.1.0.1/32[icmp/8(0)]", "10.2.0.1/32[icmp/8(0)]")
    tunnel(ends, 4, 4)
    assert " 0% packet loss" in pinger.communicate(timeout=20)[0]
    assert ends[0].events.empty()


def test_hard_byte_limit_ends_the_sa_and_both_expiries_are_told(ends):
    tunnel(ends, 4, 4, lifetime=Lifetime(soft_packets=1, hard_packets=2))
    ends[0].run("ping", "-c", "3", "-i", "0.05", "-W", "1", INNER[4][1], check=False)
    out = SaId(ip_address(OUTER[4][0]), ip_address(OUTER[4][1]), IpProtocol.ESP, 0xC0000002)
    told = [ends[0].events.get(timeout=5) for _ in range(4)]
    assert [event.hard for event in told if isinstance(event, Expire) and event.id == out] == [False, True]
    with pytest.raises(KernelError, match="no SA"):
        kernel_of(ends[0]).query_sa(out)


def test_path_mtu_told_by_a_router_reaches_the_sender(ends):
    router = f"{ends[0].namespace}r"
    subprocess.run(["ip", "netns", "add", router], check=True)
    try:
        between(ends, router, mtu=1400)
        tunnel(ends, 4, 4)
        assert kernel_of(ends[0]).inventory().mtu == 1438
        ends[0].run("ping", "-c", "1", "-W", "1", "-M", "do", "-s", "1400", INNER[4][1], check=False)
        ends[0].run("ping", "-c", "1", "-W", "1", INNER[4][1])
        assert kernel_of(ends[0]).inventory().mtu == 1338
        assert " 0% packet loss" in ping(ends[0], 4, "-M", "do", "-s", str(1338 - 28))
    finally:
        subprocess.run(["ip", "netns", "del", router], check=False)


def between(ends: tuple[End, End], router: str, mtu: int) -> None:
    """Put a router into the cable; the second end's half has a smaller MTU. Outer addresses become /32."""
    for at, end in enumerate(ends):
        subprocess.run(["ip", "-n", end.namespace, "link", "del", "eth0"], check=False, capture_output=True)
        command = ["ip", "link", "add", "eth0", "netns", end.namespace, "type", "veth",
                   "peer", f"eth{at}", "netns", router]
        subprocess.run(command, check=True)
        here, there = OUTER[4][at], OUTER[4][1 - at]
        for line in (f"link set eth{at} up mtu {mtu if at else 1500}",
                     f"addr add 203.0.113.{at}/32 dev eth{at}", f"route add {here} dev eth{at}"):
            subprocess.run(["ip", "-n", router, *line.split()], check=True)
        for line in ("link set eth0 up", f"addr add {here}/32 dev eth0",
                     f"route add 203.0.113.{at} dev eth0", f"route add {there} via 203.0.113.{at}"):
            subprocess.run(["ip", "-n", end.namespace, *line.split()], check=True)
    subprocess.run(["ip", "netns", "exec", router, "sysctl", "-qw", "net.ipv4.ip_forward=1"], check=True)


def test_daemon_that_runs_alone_starts_its_espd_and_it_outlives_the_daemon(ends, tmp_path):
    path = tmp_path / "own.sock"
    program = f"""
import pathlib
from cygnet.kernel.backends.userland import EspdAccess, UserlandKernel
access = EspdAccess(pathlib.Path({str(path)!r}), "charon", spawn=True)
kernel = UserlandKernel(access, lambda level, text: None)
kernel.start(print)
print("total", kernel.inventory().total_sas)
kernel.close(flush=False)
"""
    ends[0].stop()
    ends[0].kernel = ends[0].process = None
    assert "total 0" in ends[0].run(sys.executable, "-W", "ignore", "-c", program)
    pid = int(path.with_suffix(".pid").read_text())
    assert "ipsec0" in ends[0].run("ip", "link")
    os.kill(pid, signal.SIGTERM)
    deadline = time.monotonic() + 10
    while path.with_suffix(".pid").exists() and time.monotonic() < deadline:
        time.sleep(0.02)
    assert "220" not in ends[0].run("ip", "rule")


def test_time_limits_are_told_without_traffic(ends):
    tunnel(ends, 4, 4, lifetime=Lifetime(soft_s=0.1, hard_s=0.2))
    told = [ends[0].events.get(timeout=5) for _ in range(4)]
    assert [event.hard for event in told if isinstance(event, Expire)] == [False, False, True, True]
    assert kernel_of(ends[0]).inventory().total_sas == 0


def test_traffic_goes_on_without_a_client_and_a_new_one_flushes(ends):
    tunnel(ends, 4, 4)
    kernel_of(ends[0]).close(flush=False)
    assert " 0% packet loss" in ping(ends[0], 4)
    inventory = ends[0].connect().inventory()
    assert (inventory.total_sas, inventory.total_policies) == (0, 0)
    assert "ipsec0" not in ends[0].run("ip", "route", "show", "table", "220", check=False)


def test_killed_espd_leaves_what_cleanup_removes_and_its_client_hears_a_reset(ends):
    tunnel(ends, 4, 4)
    assert ends[0].process is not None
    pid = ends[0].socket.with_suffix(".pid").read_text()
    os.kill(int(pid), signal.SIGKILL)
    ends[0].process.wait(10)
    assert "not from all fwmark 0x43594700 lookup 220" in ends[0].run("ip", "rule")
    ends[0].run(sys.executable, "-m", "cygnet.espd.main", "--cleanup", "--socket", str(ends[0].socket))
    assert "lookup 220" not in ends[0].run("ip", "rule") + ends[0].run("ip", "-6", "rule")
    ends[0].start_espd()
    assert isinstance(ends[0].events.get(timeout=10), KernelReset)
    deadline = time.monotonic() + 5
    while time.monotonic() < deadline:
        with contextlib.suppress(KernelError):
            assert kernel_of(ends[0]).inventory().total_sas == 0
            break


def test_orderly_end_leaves_nothing(ends):
    tunnel(ends, 4, 4)
    routes = ends[0].run("ip", "route", "show", "table", "220")
    assert re.search(r"10\.2\.0\.0/16 dev ipsec0 .*src 10\.1\.0\.1", routes)
    ends[0].stop()
    assert "220" not in ends[0].run("ip", "rule")
    assert "ipsec0" not in ends[0].run("ip", "link")
    assert not ends[0].socket.exists()


def test_new_port_of_the_peer_is_told_and_can_be_followed(ends):
    tunnel(ends, 4, 4)
    assert " 0% packet loss" in ping(ends[0], 4)
    ends[0].run("nft", "add table ip n; add chain ip n o { type nat hook postrouting priority 100; };"
                       "add rule ip n o udp sport 4500 snat to 192.0.2.77:7777")
    ends[0].run("ip", "addr", "add", "192.0.2.77/32", "dev", "eth0")
    ends[0].run("ip", "addr", "add", "192.0.2.9/32", "dev", "eth0")
    old = sa(0xC0000002, 0, 1, 4, 4)
    moved = replace(old.id, source=ip_address("192.0.2.9"))
    kernel_of(ends[0]).update_sa(old.id, moved, Encapsulation(4500, 4500))
    ends[0].run("ping", "-c", "1", "-W", "1", INNER[4][1], check=False)
    told = ends[1].events.get(timeout=5)
    assert told == MappingChange(old.id, Host.of("192.0.2.77", 7777))
    back = sa(0xC0000001, 1, 0, 4, 4).id
    new = replace(back, destination=told.remote.address)
    kernel_of(ends[1]).update_sa(back, new, Encapsulation(4500, 7777))
    assert " 0% packet loss" in ping(ends[0], 4)
