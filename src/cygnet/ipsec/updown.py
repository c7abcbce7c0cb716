"""``ipsec _updown``, what ``leftfirewall=yes`` runs: lets a tunnel's packets through this host's firewall.

A packet passes a hook of the kernel only if every chain there accepts it, so that the rules go into the
chains that are there: natively into the filter chains of nftables, and by ``iptables`` into its own. A rule
is about the networks of one CHILD_SA and about packets that go through tunnels, nothing else.
"""

import hashlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import Any

USAGE, FAILED, DONE = 2, 1, 0
DEADLINE_S = 20
VERBS = ("up", "down")
IPTABLES = {4: "iptables", 6: "ip6tables"}
_CHAINS = {"INPUT", "FORWARD", "OUTPUT"}
_NFT_FAMILIES = {4: ("inet", "ip"), 6: ("inet", "ip6")}
ANY_PORT = (0, 0)
_PORTS = {6: "tcp", 17: "udp", 132: "sctp"}

Run = Callable[[list[str]], str]


@dataclass(frozen=True, slots=True)
class Rule:
    """Packets of one direction at one hook. ``inbound``: they come out of the tunnel."""

    hook: str
    inbound: bool


@dataclass(frozen=True, slots=True)
class Tunnel:
    """What the environment says; ``device`` is empty where the kernel's own IPsec carries the packets.

    Ports are the first and the last, ``ANY_PORT`` for all of them.
    """

    mine: IPv4Network | IPv6Network
    theirs: IPv4Network | IPv6Network
    protocol: int
    my_port: tuple[int, int]
    peer_port: tuple[int, int]
    reqid: int
    kind: str
    to_host: bool
    device: str
    tag: str

    @property
    def family(self) -> int:
        """4 or 6."""
        return self.mine.version

    def rules(self) -> Iterator[Rule]:
        """To this host itself where it is a host, has a virtual address, or with ``lefthostaccess``."""
        hooks = ("input", "output") if self.kind == "host" or self.to_host else ()
        if self.kind == "client":
            yield from (Rule("forward", True), Rule("forward", False))
        yield from (Rule(hook, hook == "input") for hook in hooks)


def main(arguments: list[str], environment: Mapping[str, str] | None = None) -> int:
    """Insert or remove the rules of one CHILD_SA; the exit status."""
    environment = os.environ if environment is None else environment
    verb = environment.get("PLUTO_VERB", "")
    if arguments not in ([], ["iptables"], ["nft"]) or verb.partition("-")[0] not in VERBS:
        print("ipsec _updown is run by charon, with PLUTO_VERB (up-client, …) and the like", file=sys.stderr)
        return USAGE
    try:
        return _apply(verb.partition("-")[0], read(environment))
    except (KeyError, ValueError) as error:
        print(f"ipsec _updown: the environment lacks something or is wrong: {error}", file=sys.stderr)
    except (OSError, subprocess.SubprocessError) as error:
        print(f"ipsec _updown: {_reason(error)}", file=sys.stderr)
    return FAILED


def read(environment: Mapping[str, str]) -> Tunnel:
    """The facts of the environment; raises ``KeyError`` or ``ValueError``."""
    mine, theirs = (ip_network(environment[f"PLUTO_{side}_CLIENT"]) for side in ("MY", "PEER"))
    names = ("PLUTO_CONNECTION", "PLUTO_REQID", "PLUTO_MY_CLIENT", "PLUTO_PEER_CLIENT", "PLUTO_MY_PROTOCOL",
             "PLUTO_MY_PORT", "PLUTO_PEER_PORT")  # fmt: skip
    facts = "\0".join(environment.get(name, "") for name in names)
    return Tunnel(
        mine,
        theirs,
        int(environment.get("PLUTO_MY_PROTOCOL", "0")) or int(environment.get("PLUTO_PEER_PROTOCOL", "0")),
        _range(environment.get("PLUTO_MY_PORT", "0")),
        _range(environment.get("PLUTO_PEER_PORT", "0")),
        int(environment.get("PLUTO_REQID", "0")),
        environment["PLUTO_VERB"].split("-")[1],
        bool(environment.get("PLUTO_MY_SOURCEIP") or environment.get("PLUTO_HOST_ACCESS")),
        environment.get("CYGNET_DEVICE", ""),
        "cygnet " + hashlib.sha256(facts.encode("utf-8", "surrogateescape")).hexdigest()[:16],
    )


def _range(text: str) -> tuple[int, int]:
    """``22`` or ``1024:2047``. A rule cannot tell ports that are hidden (65535:0); the tunnel does."""
    first, _, last = text.partition(":")
    low, high = int(first), int(last or first)
    return (low, high) if low <= high else ANY_PORT


def _apply(verb: str, tunnel: Tunnel) -> int:
    tools = [name for name in ("nft", IPTABLES[tunnel.family]) if shutil.which(name)]
    if not tools:
        print(f"ipsec _updown: there is neither nft nor {IPTABLES[tunnel.family]}", file=sys.stderr)
        return FAILED
    if "nft" in tools:
        apply_nft(verb, tunnel, run, with_iptables=len(tools) > 1)
    if IPTABLES[tunnel.family] in tools:
        apply_iptables(verb, tunnel, run)
    print(f"{'+' if verb == 'up' else '-'} {tunnel.theirs} == {tunnel.mine}")
    return DONE


# nftables


def apply_nft(verb: str, tunnel: Tunnel, run: Run, *, with_iptables: bool) -> None:
    """Into every filter chain of the hooks; ``with_iptables``: those of iptables are left to it."""
    for chain in _chains(json.loads(run(["nft", "-j", "list", "chains"])), tunnel, with_iptables):
        place = [chain["family"], chain["table"], chain["name"]]
        if verb == "up":
            for rule in tunnel.rules():
                if rule.hook == chain["hook"]:
                    run(["nft", "insert", "rule", *place, *nft_rule(tunnel, rule)])
        else:
            _remove(run, place, tunnel.tag)


def _chains(listing: Any, tunnel: Tunnel, with_iptables: bool) -> Iterator[dict[str, Any]]:
    hooks = {rule.hook for rule in tunnel.rules()}
    for entry in listing.get("nftables", ()):
        chain = entry.get("chain", {})
        if chain.get("type") != "filter" or chain.get("hook") not in hooks:
            continue
        own = with_iptables and chain["family"] in ("ip", "ip6") and chain["name"] in _CHAINS
        if chain["family"] in _NFT_FAMILIES[tunnel.family] and not own:
            yield chain


def nft_rule(tunnel: Tunnel, rule: Rule) -> list[str]:
    """The words of a rule."""
    source, destination = _ends(tunnel, rule)
    ip = "ip" if tunnel.family == 4 else "ip6"
    words = [*_nft_way(tunnel, rule), ip, "saddr", str(source), ip, "daddr", str(destination)]
    if tunnel.protocol:
        words += ["meta", "l4proto", str(tunnel.protocol)]
    for name, port in zip(("sport", "dport"), _ports(tunnel, rule), strict=True):
        if port != ANY_PORT:
            words += [_PORTS[tunnel.protocol], name, _text(port, "-")]
    return [*words, "counter", "accept", "comment", f'"{tunnel.tag}"']


def _nft_way(tunnel: Tunnel, rule: Rule) -> list[str]:
    if tunnel.device:
        return ["iifname" if rule.inbound else "oifname", f'"{tunnel.device}"']
    if rule.inbound:
        return ["meta", "ipsec", "exists"]
    return ["rt", "ipsec", "exists"]


def _remove(run: Run, place: list[str], tag: str) -> None:
    listing = json.loads(run(["nft", "-j", "-a", "list", "chain", *place]))
    for entry in listing.get("nftables", ()):
        rule = entry.get("rule", {})
        if rule.get("comment") == tag:
            run(["nft", "delete", "rule", *place, "handle", str(rule["handle"])])


# iptables


def apply_iptables(verb: str, tunnel: Tunnel, run: Run) -> None:
    """At the beginning of the built-in chains."""
    for rule in tunnel.rules():
        words = ["-I", rule.hook.upper(), "1"] if verb == "up" else ["-D", rule.hook.upper()]
        run([IPTABLES[tunnel.family], "-w", *words, *iptables_rule(tunnel, rule)])


def iptables_rule(tunnel: Tunnel, rule: Rule) -> list[str]:
    """The words of a rule."""
    source, destination = _ends(tunnel, rule)
    words = ["-p", str(tunnel.protocol)] if tunnel.protocol else []
    words += ["-s", str(source), "-d", str(destination)]
    for name, port in zip(("--sport", "--dport"), _ports(tunnel, rule), strict=True):
        if port != ANY_PORT:
            words += [name, _text(port, ":")]
    if tunnel.device:
        words += ["-i" if rule.inbound else "-o", tunnel.device]
    else:
        way = "in" if rule.inbound else "out"
        words += ["-m", "policy", "--dir", way, "--pol", "ipsec", "--reqid", str(tunnel.reqid)]
    return [*words, "-j", "ACCEPT"]


# Both


def _ends(tunnel: Tunnel, rule: Rule) -> tuple[object, object]:
    return (tunnel.theirs, tunnel.mine) if rule.inbound else (tunnel.mine, tunnel.theirs)


def _ports(tunnel: Tunnel, rule: Rule) -> tuple[tuple[int, int], tuple[int, int]]:
    """Source and destination; protocols without have any. Of ICMP the tunnel alone tells types apart."""
    if tunnel.protocol not in _PORTS:
        return ANY_PORT, ANY_PORT
    ports = tunnel.my_port, tunnel.peer_port
    return ports[::-1] if rule.inbound else ports


def _text(port: tuple[int, int], to: str) -> str:
    first, last = port
    return str(first) if first == last else f"{first}{to}{last}"


def run(command: list[str]) -> str:
    """What a command says; raises ``CalledProcessError`` with its complaint."""
    done = subprocess.run(command, capture_output=True, text=True, timeout=DEADLINE_S, check=True)
    return done.stdout


def _reason(error: Exception) -> str:
    if isinstance(error, subprocess.CalledProcessError):
        return f"{' '.join(error.cmd)} ended with {error.returncode}: {error.stderr.strip()}"
    return str(error)
