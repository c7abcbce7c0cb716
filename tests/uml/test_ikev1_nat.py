"""IKEv1 by pluto through a NAT, over the kernel's IPsec: as who is behind it, and as who is in front.

::

    carol (Cygnet)       10.0.3.2 --+                       +-- moon (Cygnet)       192.0.2.1
                                    +-- router 192.0.2.254 --+
    dave (strongSwan 6.0) 10.0.4.2 --+                       +-- sun (strongSwan 6.0) 192.0.2.2
"""

import subprocess
import sys
from dataclasses import replace

import pytest
from bench import Bench, crossed, down, masquerading, policies, states, up

from lab.gateways import peer_missing
from lab.hosts import Host
from lab.network import address, wire
from lab.tunnels import PSK, End, connection

_MISSING = peer_missing("trixie")
pytestmark = [pytest.mark.peer, pytest.mark.skipif(bool(_MISSING), reason=_MISSING)]

OPTIONS = {"keyexchange": "ikev1", "authby": "secret"}
WAYS = [("carol", "moon"), ("carol", "sun"), ("dave", "moon")]
"""Who is behind the NAT, and to whom."""
SERVE = """
import socket
socket.setdefaulttimeout(5)
tcp = socket.socket(); tcp.setsockopt(1, 2, 1); tcp.bind(("", 5001)); tcp.listen()
print("ready", flush=True)
own, peer = tcp.accept(); data = own.recv(9); own.sendall(data.upper()); own.recv(1)
print(peer[0], flush=True)
"""
ASK = """
import socket, sys
tcp = socket.create_connection((sys.argv[1], 5001), 3); tcp.sendall(b"through")
tcp.settimeout(3); print(tcp.recv(9).decode())
"""


@pytest.fixture(scope="module")
def ends(bench: Bench) -> dict[str, End]:
    """All four, started."""
    found = {
        name: bench.gateway(kind, name, number)
        for number, (name, kind) in enumerate(
            [("moon", "cygnet"), ("sun", "strongswan60"), ("carol", "cygnet"), ("dave", "strongswan60")], 1
        )
    }
    router = Host("router", bench.folder / "router")
    bench.hosts.append(router)
    bench.switch.plug(router)
    address(router, "192.0.2.254/24")
    for number, name in ((3, "carol"), (4, "dave")):
        behind(router, found[name], number)
    masquerading(router, "eth0")
    for end in found.values():
        end.host.write("/etc/ipsec.conf", "config setup\n" + "\n".join(conns(found, end)))
        end.host.write("/etc/ipsec.secrets", f': PSK "{PSK}"\n', 0o600)
        end.host.start()
    bench.switch.listen()
    return found


def behind(router: Host, end: End, number: int) -> None:
    """Take a host from the switch to a wire of its own to the router."""
    end.host.net("ip", "link", "del", "eth0")
    wire(end.host, router, "eth0", f"eth{number}")
    address(end.host, f"10.0.{number}.2/24")
    address(router, f"10.0.{number}.1/24", device=f"eth{number}")
    end.host.net("ip", "route", "add", "192.0.2.0/24", "via", f"10.0.{number}.1")
    end.address, end.public = f"10.0.{number}.2", "%any"


def conns(ends: dict[str, End], own: End) -> list[str]:
    """The sections of one host, for each way and mode that it takes part in."""
    found = []
    for way in WAYS:
        client, gateway = (ends[name] for name in way)
        if own not in (client, gateway):
            continue
        peer = gateway if own is client else client
        found.append(connection("-".join((*way, "tunnel")), own, peer, OPTIONS))
        hosts = (replace(own, subnet=""), replace(peer, subnet=""))
        found.append(connection("-".join((*way, "transport")), *hosts, OPTIONS | {"type": "transport"}))
    return found


@pytest.mark.parametrize("way", WAYS, ids="-".join)
def test_tunnel_of_a_client_behind_a_nat(bench: Bench, ends: dict[str, End], way: tuple[str, str]) -> None:
    client, gateway = (ends[name] for name in way)
    name = "-".join((*way, "tunnel"))
    up(client, name, gateway)
    for first, second in ((client, gateway), (gateway, client)):
        seen = crossed(bench.switch, first.host, first.inside, second.inside, size=1000)
        assert seen.count("UDP-encap: ESP(spi=") >= 6
    down(client, name, gateway)
    assert not states(client.host) + states(gateway.host) + policies(gateway.host)


@pytest.mark.parametrize("way", WAYS, ids="-".join)
def test_transport_mode_through_a_nat(bench: Bench, ends: dict[str, End], way: tuple[str, str]) -> None:
    """Both sides tell the addresses that they see (RFC 3947, 5.2); without them no TCP checksum is right."""
    client, gateway = (ends[name] for name in way)
    name = "-".join((*way, "transport"))
    up(client, name, gateway)
    assert "mode transport" in states(client.host) and "mode transport" in states(gateway.host)
    seen = crossed(bench.switch, client.host, client.address, gateway.address)
    assert "UDP-encap: ESP(spi=" in seen and "ICMP echo" not in seen
    assert connects(client, gateway) == "THROUGH"
    assert "Flags [" not in bench.switch.since()
    down(client, name, gateway)


def connects(client: End, gateway: End) -> str:
    """What a TCP server on the gateway answers."""
    command = ["nsenter", f"--net=/proc/{gateway.host.pid}/ns/net", "--", sys.executable, "-c", SERVE]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None and server.stdout.readline() == "ready\n"
        answer = client.host.net(sys.executable, "-c", ASK, gateway.address).stdout.strip()
        assert server.stdout.readline() == "192.0.2.254\n"
    return answer
