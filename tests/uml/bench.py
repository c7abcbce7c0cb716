"""Two gateways with a kernel that has IPsec, and between them a switch on which every packet is written down.

What a kernel has taken out of ESP passes its own hooks once more; only a third party tells what was on the
wire.
"""

import re
import time
from collections.abc import Mapping
from pathlib import Path

from lab.gateways import GATEWAYS, Gateway, StrongSwan, peer_root
from lab.hosts import Host, until
from lab.network import address, lan, ping, wire
from lab.tunnels import PSK, End

LOOK_S = 0.3
"""How long the switch may take to write down what has passed."""
SETTINGS = "kernel = xfrm"


class Switch(Host):
    """Joins hosts by a bridge; ``eth0`` of each."""

    def __init__(self, folder: Path) -> None:
        super().__init__("switch", folder)
        self.net("ip", "link", "add", "br0", "type", "bridge")
        self.net("ip", "link", "set", "br0", "up")
        self._ports = 0
        self._at = 0

    def plug(self, host: Host, device: str = "eth0") -> None:
        """Connect a device of a host."""
        port = f"port{self._ports}"
        self._ports += 1
        wire(host, self, device, port)
        self.net("ip", "link", "set", port, "master", "br0")

    def listen(self) -> None:
        """Begin to write down."""
        self.spawn("tcpdump", "-ln", "-i", "br0", "not", "arp", log="wire.log")
        until(lambda: "listening" in self.read("/var/log/wire.log"), "tcpdump")
        self._at = len(self.read("/var/log/wire.log"))

    def since(self) -> str:
        """What has passed since the last time it was asked."""
        time.sleep(LOOK_S)
        text = self.read("/var/log/wire.log")
        new, self._at = text[self._at :], len(text)
        return new


class Bench:
    """A switch and what is plugged in."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.switch = Switch(folder / "switch")
        self.hosts: list[Host] = [self.switch]

    def gateway(self, kind: str, name: str, number: int) -> End:
        """A gateway with 192.0.2.N and 2001:db8::N outside, 10.N.0.1 and fd0N::1 inside."""
        host = GATEWAYS[kind](name, self.folder / name)
        self.hosts.append(host)
        if isinstance(host, StrongSwan):
            host.load = StrongSwan.load.replace("kernel-libipsec ", "")
        host.settings(SETTINGS)
        self.plug(host, number)
        return End(host, f"192.0.2.{number}", f"10.{number}.0.1", f"10.{number}.0.0/24", f"@{name}.lab")

    def plug(self, host: Host, number: int) -> None:
        """Connect a host and give it its addresses."""
        self.switch.plug(host)
        address(host, f"192.0.2.{number}/24", f"2001:db8::{number}/64")
        lan(host, f"10.{number}.0.1/24", f"fd0{number}::1/64")

    def close(self) -> None:
        """End every process."""
        for host in reversed(self.hosts):
            host.close()


def inside_of(conns: Mapping[str, object], name: str) -> tuple[str, str]:
    """The inner addresses of a connection's two ends: each connection has networks of its own."""
    number = list(conns).index(name)
    return f"10.1.{number}.1", f"10.2.{number}.1"


def give_networks(ends: tuple[End, End], conns: dict[str, dict[str, str]]) -> None:
    """Addresses in those networks (the first ones are there), and the subnets in the connections."""
    for number, (name, options) in enumerate(conns.items()):
        for end, key, at in zip(ends, ("onesubnet", "othersubnet"), inside_of(conns, name), strict=True):
            if number:
                address(end.host, f"{at}/24", device="lan0")
            options.setdefault(key, at.removesuffix("1") + "0/24")


def write_configs(one: End, other: End, conns: dict[str, dict[str, str]]) -> None:
    """Both machines' files: what ``conns`` say, with the ends' addresses and identities, seen from each.

    Keywords of a side begin with ``one`` and ``other`` in place of ``left`` and ``right``.
    """
    for end, sides in ((one, ("left", "right")), (other, ("right", "left"))):
        text = "config setup\n"
        for name, options in conns.items():
            lines = {"keyexchange": "ikev2", "auto": "add", "authby": "secret"}
            for who, side in zip((one, other), sides, strict=True):
                lines |= {side: who.address, f"{side}id": who.identity, f"{side}subnet": who.subnet}
            for key, value in options.items():
                lines[_seen_from(key, sides)] = value
            text += f"\nconn {name}\n" + "".join(f"    {k}={v}\n" for k, v in lines.items() if v)
        end.host.write("/etc/ipsec.conf", text)
        end.host.write("/etc/ipsec.secrets", f': PSK "{PSK}"\n', 0o600)


def _seen_from(key: str, sides: tuple[str, str]) -> str:
    """``one…`` and ``other…`` are keywords of a side."""
    for name, side in zip(("other", "one"), reversed(sides), strict=True):
        if key.startswith(name):
            return side + key.removeprefix(name)
    return key


def up(end: End, name: str, peer: End | None = None) -> None:
    """Bring a connection up; the kernels of both ends must have new SAs."""
    sides = [end, *filter(None, (peer,))]
    before = [spis(one.host) for one in sides]
    end.host.ipsec("up", name, timeout=60)
    for one, old in zip(sides, before, strict=True):
        until(lambda one=one, old=old: len(spis(one.host) - old) == 2, f"{name} at {one.host.name}", 10)


def down(end: End, name: str, peer: End) -> None:
    """Take a connection down, by its CHILD_SAs; the kernels of both ends must lose SAs."""
    before = [spis(one.host) for one in (end, peer)]
    end.host.ipsec("down", f"{name}{{*}}")
    for one, old in zip((end, peer), before, strict=True):
        until(lambda one=one, old=old: spis(one.host) < old, f"{name} gone at {one.host.name}", 10)


def states(host: Host) -> str:
    """The SAs of a host's kernel with their counters."""
    return host.net("ip", "-s", "xfrm", "state").stdout


def policies(host: Host) -> str:
    """The policies of a host's kernel, without those of sockets."""
    text = host.net("ip", "xfrm", "policy").stdout
    return "".join(part for part in re.split(r"(?=^src )", text, flags=re.M) if "socket" not in part)


def carried(host: Host, protocol: str = "esp") -> list[int]:
    """Octets that each SA of a protocol has carried."""
    blocks = [
        block for block in re.split(r"(?=^src )", states(host), flags=re.M) if f"proto {protocol} " in block
    ]
    return [int(match) for block in blocks for match in re.findall(r"(\d+)\(bytes\), \d+\(packets\)", block)]


def spis(host: Host) -> set[str]:
    """The SPIs of all SAs of ESP and AH that are in use."""
    return set(re.findall(r"proto (?:esp|ah) spi (0x[0-9a-f]+)", states(host))) - {"0x00000000"}


def is_foreign_only(host: Host) -> bool:
    """Whether the kernel holds exactly one SA and one policy, both of somebody else (198.51.100.1)."""
    found = re.findall(r"^src (\S+)", states(host) + policies(host), re.M)
    return [one.split("/")[0] for one in found] == ["198.51.100.1"] * 2


def crossed(switch: Switch, one: Host, source: str, target: str, count: int = 3, size: int = 56) -> str:
    """Ping, which must be answered; what was on the wire meanwhile, no ping in the clear among it."""
    switch.since()
    assert ping(one, source, target, count, size), f"{one.name} got no answer from {target}"
    seen = switch.since()
    assert not re.search(r"^\S+ IP6? (10\.|fd0)", seen, re.M), seen
    return seen


def masquerading(router: Host, device: str) -> None:
    """Source NAT, by the old tables: the newer ones are not in every kernel."""
    router.net("sh", "-c", "echo 1 > /proc/sys/net/ipv4/ip_forward")
    command = ["chroot", str(peer_root()), "iptables-legacy", "-t", "nat", "-A", "POSTROUTING", "-o", device]
    router.net(*command, "-j", "MASQUERADE", "--random")


__all__ = ["Bench", "End", "Gateway", "Switch"]
