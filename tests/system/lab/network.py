"""Wires between hosts, a router with NAT, lossy paths, and counters of what crossed a wire."""

import json
import subprocess

from lab.hosts import Host

COUNTERS = """
table inet wire {
  counter seen-esp { }
  counter seen-esp-in-udp { }
  counter seen-ike { }
  counter seen-plain { }
  chain seen {
    type filter hook prerouting priority -400;
    iifname != "eth*" return
    meta l4proto esp counter name seen-esp
    udp dport 4500 @th,64,32 != 0 counter name seen-esp-in-udp
    udp sport 4500 udp dport != 4500 @th,64,32 != 0 counter name seen-esp-in-udp
    udp dport 4500 @th,64,32 0 counter name seen-ike
    udp dport 500 counter name seen-ike
    meta secpath exists return
    icmp type { echo-request, echo-reply } counter name seen-plain
    icmp type { echo-request, echo-reply } counter name seen-plain
    icmpv6 type { echo-request, echo-reply } counter name seen-plain
  }
}
"""

LOSS = """
table inet loss {
  chain input {
    type filter hook input priority -300;
    udp dport 500 numgen random mod 100 < PERCENT drop
    udp dport 4500 @th,64,32 0 numgen random mod 100 < PERCENT drop
  }
}
"""

NAT = """
table ip nat {
  chain out {
    type nat hook postrouting priority srcnat;
    oifname "DEVICE" masquerade
  }
}
"""


def wire(one: Host, other: Host, device: str = "eth0", other_device: str = "eth0") -> None:
    """Joins two hosts by a veth pair."""
    command = ["ip", "link", "add", device, "netns", str(one.pid), "type", "veth"]
    command += ["peer", "name", other_device, "netns", str(other.pid)]
    subprocess.run(command, check=True, capture_output=True, env={"PATH": Host.path})
    for host, name in ((one, device), (other, other_device)):
        host.net("ip", "link", "set", name, "up")


def address(host: Host, *addresses: str, device: str = "eth0") -> None:
    """Gives addresses (with prefix lengths) to a device; IPv6 ones are usable at once."""
    for entry in addresses:
        host.net("ip", "address", "add", entry, "dev", device, *(["nodad"] if ":" in entry else []))


def lan(host: Host, *addresses: str) -> None:
    """The protected network behind a host: a bridge with no ports, on which only the host itself lives."""
    host.net("ip", "link", "add", "lan0", "type", "bridge")
    host.net("ip", "link", "set", "lan0", "up")
    address(host, *addresses, device="lan0")


def forward(router: Host) -> None:
    """Makes a router of a host, for both families."""
    for switch in ("ipv4/ip_forward", "ipv6/conf/all/forwarding"):
        router.net("sh", "-c", f"echo 1 > /proc/sys/net/{switch}")


def default_route(host: Host, gateway: str, device: str, metric: int) -> None:
    """A way out; among several the one with the lowest metric is taken."""
    host.net("ip", "route", "add", "default", "via", gateway, "dev", device, "metric", str(metric))


def masquerade(router: Host, device: str = "eth1") -> None:
    """Makes a router of a host that hides everything leaving by a device behind its own address."""
    forward(router)
    router.net("nft", "-f", "-", stdin=NAT.replace("DEVICE", device))


def forget_mappings(router: Host, first_port: int) -> None:
    """What a NAT does when it is restarted: other ports from now on, and nothing of before is known.

    The kernel forgets what it masqueraded by a device when that goes down.
    """
    router.net("ip", "link", "set", "eth1", "down")
    router.net("nft", "flush", "ruleset")
    rule = f'oifname "eth1" meta l4proto udp masquerade to :{first_port}-{first_port + 99}'
    router.net("nft", "-f", "-", stdin=NAT.replace('oifname "DEVICE" masquerade', rule))
    router.net("ip", "link", "set", "eth1", "up")


def lose(host: Host, percent: int) -> None:
    """Drops this share of the IKE messages (not of ESP) that arrive at a host."""
    host.net("nft", "-f", "-", stdin=LOSS.replace("PERCENT", str(percent)))


def watch(host: Host) -> None:
    """Starts counting what arrives at a host by its wires.

    What a kernel has taken out of ESP passes here once more; a kernel without IPsec does not know how to
    tell, and need not.
    """
    if host.net("nft", "-f", "-", stdin=COUNTERS, status=None).returncode:
        host.net("nft", "-f", "-", stdin=COUNTERS.replace("meta secpath exists return", ""))


def seen(host: Host) -> dict[str, int]:
    """Packets that arrived since ``watch``: esp, esp-in-udp, ike, plain."""
    listing = json.loads(host.net("nft", "-j", "list", "counters", "table", "inet", "wire").stdout)
    rows = [entry["counter"] for entry in listing["nftables"] if "counter" in entry]
    return {row["name"].removeprefix("seen-"): row["packets"] for row in rows}


def esp_seen(host: Host) -> int:
    """ESP packets of both encapsulations that arrived at a host."""
    counts = seen(host)
    return counts["esp"] + counts["esp-in-udp"]


def ping(host: Host, source: str, target: str, count: int = 3, size: int = 56) -> bool:
    """Whether every ping was answered."""
    command = ["ping", "-q", "-c", str(count), "-i", "0.05", "-W", "2", "-s", str(size), "-I", source, target]
    return host.net(*command, status=None).returncode == 0


def assert_pings_as_esp(
    one: Host, source: str, other: Host, target: str, count: int = 3, size: int = 56
) -> None:
    """Pings both ways, and checks that ESP arrived at both ends and nothing in the clear."""
    before = esp_seen(one), esp_seen(other)
    assert ping(one, source, target, count, size), f"{one.name} got no answer from {target}"
    assert ping(other, target, source, count, size), f"{other.name} got no answer from {source}"
    after = esp_seen(one), esp_seen(other)
    for host, was, now in zip((one, other), before, after, strict=True):
        assert now - was >= 2 * count, f"{host.name} saw only {now - was} ESP packets arrive"
        assert seen(host)["plain"] == 0, f"{host.name} saw a ping in the clear"
