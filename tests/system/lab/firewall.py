"""What ``leftfirewall=yes`` opens."""

from lab.hosts import until
from lab.network import assert_pings_as_esp
from lab.tunnels import End, bring_up, replace

FIREWALL = """
table inet fw {
  chain input {
    type filter hook input priority 0; policy drop;
    udp dport { 500, 4500 } accept
    meta l4proto esp accept
    meta l4proto ipv6-icmp accept
  }
  chain output {
    type filter hook output priority 0; policy drop;
    udp sport { 500, 4500 } accept
    meta l4proto esp accept
    meta l4proto ipv6-icmp accept
  }
}
"""


def assert_passes_while_up(moon: End, sun: End, walled: End, address: str) -> None:
    """Everything but IPsec is shut out of ``walled``; the tunnel's packets from moon's virtual
    address pass until it is down.
    """
    replace(walled, "    left=", "    leftfirewall=yes\n    left=")
    walled.host.net("nft", "-f", "-", stdin=FIREWALL)
    bring_up(moon, sun)
    until(lambda: "cygnet" in walled.host.net("nft", "list", "ruleset").stdout, "rules", 5)
    assert_pings_as_esp(moon.host, address, sun.host, sun.inside, 2, 56)
    moon.host.ipsec("down", "net-net")
    until(lambda: "cygnet" not in walled.host.net("nft", "list", "ruleset").stdout, "no rules", 5)
