"""charon on a raw socket beside a foreign IKEv1 daemon that owns the UDP ports."""

import pytest

from lab.hosts import until
from lab.topology import Lab
from lab.tunnels import assert_carries, configure, is_up

pytestmark = [pytest.mark.root, pytest.mark.tun]

FOREIGN = r"""
import select, socket, sys
sockets = []
for port in (500, 4500):
    one = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    one.bind(("0.0.0.0", port))
    sockets.append(one)
print("ready", flush=True)
while True:
    for one in select.select(sockets, [], [])[0]:
        data, source = one.recvfrom(65535)
        ike = data[4:] if data[:4] == bytes(4) else data
        if len(ike) >= 28 and ike[17] >> 4 == 1:
            print("IKEv1", len(data), flush=True)
            one.sendto(data, source)
"""

PROBE = r"""
import socket, sys
for port, marker in ((500, b""), (4500, bytes(4))):
    one = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    one.settimeout(5)
    message = marker + b"initiato" + bytes(8) + bytes([1, 0x10, 2, 0]) + bytes(4) + (28).to_bytes(4, "big")
    one.sendto(message, (sys.argv[1], port))
    assert one.recvfrom(100)[0] == message, port
"""

ICMP = """
table inet errors {
  counter unreachable { }
  chain out {
    type filter hook output priority 0;
    icmp type destination-unreachable counter name unreachable
  }
}
"""


def test_both_daemons_get_their_own_traffic(lab: Lab) -> None:
    moon, sun = lab.pair("cygnet-cygnet")
    configure(moon, sun)
    moon.host.settings("socket = raw")
    moon.host.net("nft", "-f", "-", stdin=ICMP)
    moon.host.spawn("python3", "-c", FOREIGN, log="foreign.log")
    until(lambda: "ready" in moon.host.read("/var/log/foreign.log"), "the foreign daemon")
    sun.host.start()
    moon.host.start()
    sun.host.run("python3", "-c", PROBE, "192.0.2.1")
    sun.host.ipsec("up", "net-net")
    until(lambda: is_up(moon) and is_up(sun), "tunnel up")
    assert_carries(moon, sun)
    sun.host.run("python3", "-c", PROBE, "192.0.2.1")
    assert moon.host.read("/var/log/foreign.log").count("IKEv1") == 4
    counters = moon.host.net("nft", "list", "counters", "table", "inet", "errors").stdout
    assert "packets 0" in counters
    moon.host.ipsec("down", "net-net")
    until(sun.host.has_nothing, "no SA left")
    moon.host.ipsec("up", "net-net")
    assert_carries(moon, sun)
