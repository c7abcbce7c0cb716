"""charon and pluto on one host: who gets which datagrams in each mode of sockets, and who outlives whom.

The datagrams belong to no SA: that a daemon got one is seen by its counters.
"""

import re
import sys

import pytest

from lab.gateways import Gateway
from lab.hosts import until
from lab.topology import Lab
from lab.tunnels import PSK, assert_carries, configure, connection, is_up, replace

pytestmark = [pytest.mark.root, pytest.mark.tun]

SEND = """
import socket, sys
address, rounds = sys.argv[1], int(sys.argv[2])
sockets = {port: socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for port in (500, 4500)}
for port, sock in sockets.items():
    sock.connect((address, port))
    sock.settimeout(0.3)
refused = 0
for number in range(rounds):
    for version in sys.argv[3:]:
        for port, sock in sockets.items():
            cookie = bytes([number + 1, int(version), port % 251]) + b"client"[:5]
            kinds = bytes((0, int(version) << 4, 2, 8))
            header = cookie + b"unknown!" + kinds + bytes(4) + (28).to_bytes(4, "big")
            try:
                sock.send((bytes(4) if port == 4500 else b"") + header)
                sock.recv(2000)
            except TimeoutError:
                pass
            except ConnectionRefusedError:
                refused += 1
print(refused)
"""


def send(peer: Gateway, address: str, rounds: int, *versions: int) -> None:
    """So many datagrams of each version to each port; none may be answered by "port unreachable"."""
    done = peer.run(sys.executable, "-c", SEND, address, str(rounds), *map(str, versions))
    assert done.stdout == "0\n"


def heard(host: Gateway) -> dict[str, int]:
    """pluto's counters of datagrams."""
    text = host.ipsec("whack", "--statusall")
    line = re.search(r"dropped datagrams: (.*)", text)
    pairs = [item.rpartition(" ") for item in line[1].split(", ")] if line else []
    return {name: int(count) for name, _, count in pairs}


def listens(host: Gateway) -> bool:
    """Whether pluto is there and hears peers."""
    asked = host.run("ipsec", "whack", "--status", status=None)
    return asked.returncode == 0 and "listening for IKE" not in asked.stdout


def charon_heard(host: Gateway) -> int:
    """Datagrams of another version that charon counted."""
    text = host.stroke("memusage")
    found = re.search(r"ike other_version\D+(\d+)", text)
    return int(found[1]) if found else 0


def prepare(lab: Lab, settings: str = "", pluto: str = "", setup: str = "plutostart=yes") -> tuple:
    """Two gateways, the first with both daemons and a tunnel that comes up by itself."""
    moon, sun = lab.pair("cygnet-cygnet")
    configure(moon, sun)
    moon.host.settings(settings)
    text = moon.host.read("/etc/strongswan.conf")
    moon.host.write("/etc/strongswan.conf", f"{text}\npluto {{ {pluto} }}\n")
    replace(moon, "auto=add", "auto=start")
    replace(moon, "config setup\n", f"config setup\n    {setup}\n")
    return moon, sun


MODES = [
    pytest.param("", "", "inherited", id="group"),
    pytest.param("socket = raw", "", "raw", id="raw-raw"),
    pytest.param("socket = udp", "", "raw", id="udp-raw"),
]


@pytest.mark.parametrize(("charon", "pluto", "kind"), MODES)
def test_each_daemon_gets_its_version_on_both_ports(lab: Lab, charon: str, pluto: str, kind: str) -> None:
    moon, sun = prepare(lab, charon, pluto)
    sun.host.start()
    moon.host.start()
    assert f"socket-{kind}" in moon.host.ipsec("whack", "--statusall")
    until(lambda: is_up(moon) and is_up(sun), "tunnel up")
    send(sun.host, moon.address, 3, 1)
    until(lambda: heard(moon.host).get("unknown_spi") == 6, "six datagrams of IKEv1 at pluto")
    assert "other_version" not in heard(moon.host)
    assert charon_heard(moon.host) == (6 if charon == "socket = udp" else 0)
    assert_carries(moon, sun)


def test_charon_lives_beside_a_pluto_that_has_the_ports(lab: Lab) -> None:
    """The design of 2006; pluto, started first and by hand, gets everything and charon a copy of its own."""
    moon, sun = prepare(lab, pluto="socket = udp", setup="uniqueids=yes")
    sun.host.start()
    moon.host.spawn("ipsec", "pluto", "--nofork", log="pluto.log")
    until(lambda: moon.host.run("ipsec", "ready", status=None).returncode == 0, "pluto listens")
    moon.host.start()
    until(lambda: is_up(moon) and is_up(sun), "tunnel up")
    send(sun.host, moon.address, 3, 1)
    assert heard(moon.host)["unknown_spi"] == 6
    assert heard(moon.host)["other_version"] > 0
    assert charon_heard(moon.host) == 0
    assert_carries(moon, sun)
    moon.host.ipsec("whack", "--shutdown")
    until(lambda: not moon.host.pid_of("pluto"), "pluto ends")
    assert_carries(moon, sun)


def test_each_daemon_is_killed_and_comes_back_while_the_other_works(lab: Lab) -> None:
    moon, sun = prepare(lab)
    sun.host.start()
    moon.host.start()
    until(lambda: is_up(moon) and is_up(sun), "tunnel up")
    before = moon.host.pid_of("pluto")
    moon.host.run("kill", "-KILL", str(before))
    assert_carries(moon, sun)
    until(lambda: moon.host.pid_of("pluto") not in (0, before), "a new pluto")
    until(lambda: listens(moon.host), "it listens")
    send(sun.host, moon.address, 1, 1)
    until(lambda: heard(moon.host).get("unknown_spi") == 2, "IKEv1 at the new pluto")
    charon = moon.host.pid_of("charon")
    moon.host.run("kill", "-KILL", str(charon))
    until(lambda: moon.host.pid_of("charon") not in (0, charon), "a new charon")
    until(lambda: is_up(moon), "the tunnel again")
    assert heard(moon.host).get("unknown_spi") == 2
    assert_carries(moon, sun)


def test_pluto_alone_drops_ikev2_in_silence_and_counts_it(lab: Lab) -> None:
    moon, sun = prepare(lab, setup="charonstart=no\n    plutostart=yes")
    replace(moon, "keyexchange=ikev2", "keyexchange=ikev1")
    moon.host.ipsec("start")
    assert not moon.host.pid_of("charon")
    send(sun.host, moon.address, 2, 2, 1)
    assert heard(moon.host) == {"unknown_spi": 4, "other_version": 4}
    assert '"net-net"' in moon.host.ipsec("whack", "--status")
    assert "Security Associations (0 up, 1 connecting)" in moon.host.ipsec("status")
    moon.host.stop()
    assert not moon.host.pid_of("pluto")


def test_connections_go_to_the_daemon_of_their_version(lab: Lab) -> None:
    moon, _ = prepare(lab)
    conns = "".join(
        f"conn {name}\n    keyexchange={version}\n    left={moon.address}\n    right=192.0.2.99\n"
        "    authby=psk\n    auto=add\n"
        for name, version in (("v1", "ikev1"), ("v2", "ikev2"), ("both", "ike"))
    )
    moon.host.write("/etc/ipsec.conf", f"config setup\n    plutostart=yes\n{conns}")
    moon.host.ipsec("start")
    stroke, whack = moon.host.stroke("statusall"), moon.host.ipsec("whack", "--status")
    assert "  v2:  " in stroke and " both:  " in stroke and " v1:  " not in stroke
    assert '"v1": ' in whack and '"both": ' in whack and '"v2"' not in whack
    view = moon.host.ipsec("statusall")
    for line in (r" v1:  .* IKEv1$", r" v2:  .* IKEv2", r"both:  .* IKEv1/2"):
        assert len(re.findall(line, view, re.M)) == 1
    assert view.count("Security Associations (") == 1
    moon.host.write("/etc/ipsec.conf", f"config setup\n    plutostart=yes\n{conns.replace('ikev1', 'ikev2')}")
    moon.host.ipsec("update")
    assert '"v1"' not in moon.host.ipsec("whack", "--status")
    assert "  v1:  " in moon.host.stroke("statusall")


def test_without_plutostart_nothing_is_started_and_the_connection_is_named(lab: Lab) -> None:
    moon, _ = prepare(lab, setup="plutostart=no")
    replace(moon, "keyexchange=ikev2", "keyexchange=ikev1")
    shown = moon.host.ipsec("start")
    assert "conn 'net-net' is not loaded: keyexchange=ikev1 needs pluto" in shown
    assert not moon.host.pid_of("pluto")
    assert "pluto is not running" in moon.host.ipsec("whack", "--status", status=7)


def test_one_pool_of_both_gives_each_address_once(lab: Lab) -> None:
    moon, sun = lab.pair("cygnet-cygnet")
    moon.subnet = ""
    configure(moon, sun, keyexchange="ike")
    replace(sun, f"right={moon.address}\n    rightid=@moon.lab", "right=%any\n    rightsourceip=10.3.0.0/24")
    replace(sun, "config setup\n", "config setup\n    plutostart=yes\n")
    texts = ""
    for name, version in (("old", "ikev1"), ("new", "ikev2")):
        moon.identity = f"@{name}.lab"
        texts += connection(name, moon, sun, {"keyexchange": version, "leftsourceip": "%config"})
    moon.host.write("/etc/ipsec.conf", texts)
    for end in (moon, sun):
        end.host.write("/etc/ipsec.secrets", f': PSK "{PSK}"\n', 0o600)
        end.host.start()
    for name in ("old", "new"):
        moon.host.ipsec("up", name)
    shown = moon.host.ipsec("status")
    assert sorted(re.findall(r"10\.3\.0\.\d+/32", shown)) == ["10.3.0.1/32", "10.3.0.2/32"]
    sun.host.run("kill", "-KILL", str(sun.host.pid_of("pluto")))
    moon.host.ipsec("down", "new")
    moon.host.ipsec("up", "new")
    assert "10.3.0.2/32" in moon.host.ipsec("status")
