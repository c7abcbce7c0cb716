"""Much traffic at once: what many packets in one system call carry is whole at the other end."""

import re
import subprocess

import pytest

from lab.gateways import Gateway
from lab.hosts import Host
from lab.network import address, seen, wire
from lab.topology import PAIRS, Lab
from lab.tunnels import End, bring_up, configure

pytestmark = [pytest.mark.root, pytest.mark.tun]

OURS = [pair for pair in PAIRS if str(pair.id) == "cygnet-cygnet"]
MEGABYTE = 1 << 20

TAKE = """
import hashlib, socket, sys
family = socket.AF_INET6 if ":" in sys.argv[1] else socket.AF_INET
tcp = socket.socket(family); tcp.setsockopt(1, 2, 1); tcp.bind((sys.argv[1], 5001)); tcp.listen()
udp = socket.socket(family, socket.SOCK_DGRAM); udp.setsockopt(1, 33, 8 << 20); udp.bind((sys.argv[1], 5001))
print("ready", flush=True)
if sys.argv[2] == "tcp":
    own, _ = tcp.accept(); digest = hashlib.sha256()
    while data := own.recv(1 << 20): digest.update(data)
    print(digest.hexdigest(), flush=True)
else:
    udp.settimeout(5); found = []
    while len(found) < int(sys.argv[3]): found.append(udp.recv(65536))
    print(hashlib.sha256(b"|".join(sorted(found))).hexdigest(), flush=True)
"""
GIVE_TCP = """
import hashlib, random, socket, sys
tcp = socket.create_connection((sys.argv[2], 5001), 10, (sys.argv[1], 0))
data = random.Random(7).randbytes(int(sys.argv[3])); at = 0
chance = random.Random(8)
while at < len(data):
    size = chance.choice((1, 700, 5000, 100000)); tcp.sendall(data[at:at + size]); at += size
tcp.close(); print(hashlib.sha256(data).hexdigest())
"""
GIVE_UDP = """
import hashlib, random, socket, sys, time
family = socket.AF_INET6 if ":" in sys.argv[1] else socket.AF_INET
udp = socket.socket(family, socket.SOCK_DGRAM); udp.bind((sys.argv[1], 0)); udp.connect((sys.argv[2], 5001))
size, count, found = int(sys.argv[3]), int(sys.argv[4]), []
udp.setsockopt(17, 103, size)  # UDP_SEGMENT
while len(found) < count:
    head = len(found).to_bytes(4, "big")
    some = [head + bytes((i,)) * (size - 4) for i in range(min(20, count - len(found)))]
    udp.send(b"".join(some)); found += some; time.sleep(0.002)
print(hashlib.sha256(b"|".join(sorted(found))).hexdigest())
"""


def carries(giver: Host, source: str, taker: Host, target: str, give: str, *what: str) -> None:
    """Send, and compare what arrived. The programs are this machine's, the network is the host's."""
    enter = ["nsenter", f"--net=/proc/{taker.pid}/ns/net", "--", "python3", "-c", TAKE, target]
    kind = "tcp" if give is GIVE_TCP else "udp"
    with subprocess.Popen([*enter, kind, what[-1]], stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        assert server.stdout.readline() == "ready\n"
        sent = giver.net("python3", "-c", give, source, target, *what).stdout.strip()
        assert server.stdout.read().strip() == sent
        assert server.wait(20) == 0


def tunnel(lab: Lab, kinds: str, family: int = 4, **options: str) -> tuple[End, End]:
    moon, sun = lab.pair(kinds)
    if family == 6:
        moon.inside, sun.inside, moon.subnet, sun.subnet = "fd01::1", "fd02::1", "fd01::/64", "fd02::/64"
    configure(moon, sun, **options)
    bring_up(moon, sun)
    return moon, sun


@pytest.mark.parametrize("family", [4, 6])
@pytest.mark.parametrize("kinds", PAIRS)
def test_tcp_arrives_whole_both_ways(lab: Lab, kinds: str, family: int) -> None:
    moon, sun = tunnel(lab, kinds, family, esp="aes128gcm16!")
    for giver, taker in ((moon, sun), (sun, moon)):
        carries(giver.host, giver.inside, taker.host, taker.inside, GIVE_TCP, str(8 * MEGABYTE))


@pytest.mark.parametrize("encapsulation", ["yes", "no"])
@pytest.mark.parametrize("esp", ["aes256-sha256!", "chacha20poly1305-esn!", "aes128ccm8!"])
@pytest.mark.parametrize("kinds", OURS)
def test_tcp_arrives_whole_with_every_kind_of_algorithm(
    lab: Lab, kinds: str, esp: str, encapsulation: str
) -> None:
    moon, sun = tunnel(lab, kinds, esp=esp, forceencaps=encapsulation)
    carries(moon.host, moon.inside, sun.host, sun.inside, GIVE_TCP, str(8 * MEGABYTE))


@pytest.mark.parametrize("family", [4, 6])
@pytest.mark.parametrize("kinds", PAIRS)
def test_datagrams_sent_many_at_once_arrive_as_they_were(lab: Lab, kinds: str, family: int) -> None:
    moon, sun = tunnel(lab, kinds, family)
    for giver, taker in ((moon, sun), (sun, moon)):
        carries(giver.host, giver.inside, taker.host, taker.inside, GIVE_UDP, "1200", "400")
        carries(giver.host, giver.inside, taker.host, taker.inside, GIVE_UDP, "90", "400")


LOSS = """
table inet loss {
  chain input {
    type filter hook input priority -300;
    udp dport 4500 @th,64,32 != 0 numgen random mod 100 < 3 drop
    meta l4proto esp numgen random mod 100 < 3 drop
  }
}
"""


@pytest.mark.parametrize("encapsulation", ["yes", "no"])
@pytest.mark.parametrize("kinds", OURS)
def test_tcp_arrives_whole_where_packets_are_lost(lab: Lab, kinds: str, encapsulation: str) -> None:
    """With UDP what is lost is whole bursts."""
    moon, sun = tunnel(lab, kinds, forceencaps=encapsulation)
    for end in (moon, sun):
        end.host.net("nft", "-f", "-", stdin=LOSS)
    carries(moon.host, moon.inside, sun.host, sun.inside, GIVE_TCP, str(2 * MEGABYTE))


@pytest.mark.parametrize("kinds", [pair for pair in PAIRS if str(pair.id).startswith("cygnet")])
def test_narrow_path_is_found_and_kept_to(lab: Lab, kinds: str) -> None:
    """A router on the way carries 1000 octets: the sender's host is told, and its TCP sends what fits."""
    moon, sun, router = lab.pair_with_nat(kinds)
    for device in ("eth0", "eth1"):
        router.net("ip", "link", "set", device, "mtu", "1000")
    configure(moon, sun)
    bring_up(moon, sun)
    carries(moon.host, moon.inside, sun.host, sun.inside, GIVE_TCP, str(MEGABYTE))
    told = moon.host.net("ip", "route", "get", sun.inside, "from", moon.inside).stdout
    found = re.search(r"mtu (\d+)", told)
    assert found and int(found[1]) < 1000


@pytest.mark.parametrize("kinds", OURS)
def test_hosts_behind_gateways_reach_each_other(lab: Lab, kinds: str) -> None:
    """What gateways forward, and cut or join, is as right as what they send themselves."""
    moon, sun = lab.pair(kinds)
    inner = [_behind(lab, end.host, f"10.{number}.1", end) for number, end in enumerate((moon, sun), 1)]
    configure(moon, sun)
    bring_up(moon, sun)
    for (giver, source), (taker, target) in (inner, inner[::-1]):
        carries(giver, source, taker, target, GIVE_TCP, str(8 * MEGABYTE))
        carries(giver, source, taker, target, GIVE_UDP, "1000", "400")
    assert seen(sun.host)["plain"] == 0


def _behind(lab: Lab, gateway: Gateway, prefix: str, end: End) -> tuple[Host, str]:
    """A host of its own in a network behind a gateway."""
    host = Host(f"behind-{gateway.name}", lab.folder / f"behind-{gateway.name}")
    lab.hosts.append(host)
    wire(host, gateway, "eth0", "eth1")
    address(host, f"{prefix}.2/24")
    address(gateway, f"{prefix}.1/24", device="eth1")
    host.net("ip", "route", "add", "default", "via", f"{prefix}.1")
    gateway.net("sh", "-c", "echo 1 > /proc/sys/net/ipv4/ip_forward")
    end.subnet = f"{prefix}.0/24"
    return host, f"{prefix}.2"
