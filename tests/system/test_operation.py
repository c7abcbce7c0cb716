"""Cygnet as an operator sees it: starting, stopping, changing, breaking."""

import re
import time

import pytest

from lab.gateways import Gateway
from lab.hosts import Host, until
from lab.network import ping
from lab.topology import PAIRS, Lab
from lab.tunnels import assert_carries, bring_up, configure, is_up, replace

pytestmark = [pytest.mark.root, pytest.mark.tun]

TO_CYGNET = [pair for pair in PAIRS if str(pair.id).startswith("cygnet-")]
"""Pairs whose moon, the one that these tests operate, is ours."""


def kill(host: Host, name: str, signal: str = "KILL") -> int:
    """Sends a signal to a daemon; returns the process id it had."""
    pid = host.pid_of(name)
    assert pid
    host.run("kill", f"-{signal}", str(pid))
    return pid


def lone(lab: Lab) -> Gateway:
    """One Cygnet gateway with one connection, not started."""
    moon, sun = lab.pair("cygnet-cygnet")
    configure(moon, sun)
    return moon.host


@pytest.mark.parametrize("kinds", TO_CYGNET)
def test_connections_with_auto_start_come_up(lab: Lab, kinds: str) -> None:
    moon, sun = lab.pair(kinds)
    configure(moon, sun)
    replace(moon, "auto=add", "auto=start")
    sun.host.start()
    moon.host.start()
    until(lambda: is_up(moon) and is_up(sun), "tunnel up")
    assert_carries(moon, sun)


def test_route_and_unroute_by_hand(lab: Lab) -> None:
    moon, sun = lab.pair("cygnet-cygnet")
    configure(moon, sun)
    sun.host.start()
    moon.host.start()
    assert "'net-net' routed" in moon.host.ipsec("route", "net-net")
    assert "ROUTED" in moon.host.ipsec("status")
    assert "unrouted" in moon.host.ipsec("unroute", "net-net")
    assert "ROUTED" not in moon.host.ipsec("status")
    assert not ping(moon.host, moon.inside, sun.inside, count=1)
    assert moon.host.has_nothing()


@pytest.mark.parametrize("kinds", TO_CYGNET)
def test_killed_charon_is_back_within_a_second_and_its_tunnels_follow(lab: Lab, kinds: str) -> None:
    moon, sun = lab.pair(kinds)
    configure(moon, sun)
    replace(moon, "auto=add", "auto=start")
    sun.host.start()
    moon.host.start()
    until(lambda: is_up(moon), "tunnel up")
    before = kill(moon.host, "charon")
    until(lambda: moon.host.pid_of("charon") not in (0, before), "a new charon", 1)
    until(lambda: "net-net" in moon.host.connections(), "its connections")
    until(lambda: is_up(moon), "the tunnel up again")
    assert_carries(moon, sun)


def test_killed_espd_is_replaced_and_tunnels_come_back(lab: Lab) -> None:
    moon, sun = lab.pair("cygnet-cygnet")
    configure(moon, sun)
    replace(moon, "auto=add", "auto=start")
    sun.host.start()
    moon.host.start()
    until(lambda: is_up(moon) and is_up(sun), "tunnel up")
    before = kill(moon.host, "espd")
    until(lambda: moon.host.pid_of("espd") not in (0, before), "a new espd", 2)
    until(lambda: ping(moon.host, moon.inside, sun.inside, count=1), "traffic again", 20)


def test_traffic_goes_on_while_charon_is_stopped(lab: Lab) -> None:
    moon, sun = lab.pair("cygnet-cygnet")
    configure(moon, sun)
    bring_up(moon, sun)
    for end in (moon, sun):
        kill(end.host, "charon", "STOP")
    assert_carries(moon, sun)
    for end in (moon, sun):
        kill(end.host, "charon", "CONT")


@pytest.mark.parametrize("how", ["charon", "stop"])
@pytest.mark.parametrize("kinds", TO_CYGNET)
def test_orderly_end_deletes_the_sas_at_the_peer_within_two_seconds(lab: Lab, kinds: str, how: str) -> None:
    moon, sun = lab.pair(kinds)
    configure(moon, sun)
    bring_up(moon, sun)
    started = time.monotonic()
    if how == "stop":
        moon.host.ipsec("stop")
    else:
        pid = kill(moon.host, "charon", "TERM")
        until(lambda: not moon.host.alive(pid), "charon ended", 2)
    assert time.monotonic() - started < 3
    until(sun.host.has_nothing, "no SA left at the peer", 2)


def test_stop_leaves_no_process_and_no_interface(lab: Lab) -> None:
    moon = lone(lab)
    moon.start()
    pids = [moon.pid_of(name) for name in ("starter", "charon")]
    assert all(pids)
    moon.ipsec("stop")
    assert not any(moon.alive(pid) for pid in pids)
    assert "ipsec0" not in moon.net("ip", "link").stdout
    assert "220" not in moon.net("ip", "rule").stdout
    moon.ipsec("status", status=3)
    moon.ipsec("stop")
    moon.start()


def test_exit_codes(lab: Lab) -> None:
    moon = lone(lab)
    moon.ipsec("status", status=3)
    moon.ipsec("up", "net-net", status=7)
    moon.start()
    assert "no config named 'nosuch'" in moon.ipsec("up", "nosuch", status=1)
    assert "nosuch" in moon.ipsec("down", "nosuch", status=1)
    assert "nosuch" in moon.ipsec("route", "nosuch", status=1)
    moon.ipsec("up", status=2)
    assert "nosuch" in moon.ipsec("nosuch", status=2)
    moon.ipsec("status", status=0)
    assert "cygnet" in moon.ipsec("--version").lower()


def test_status_answers_in_a_tenth_of_a_second(lab: Lab) -> None:
    moon, sun = lab.pair("cygnet-cygnet")
    configure(moon, sun)
    bring_up(moon, sun)
    times = []
    for _ in range(10):
        started = time.monotonic()
        moon.host.ipsec("status")
        times.append(time.monotonic() - started)
    assert min(times) < 0.1


BROKEN = """config setup
    uniqueidz=yes

conn %default
    keyexchange=ikev3

conn net-net
    left=192.0.2.1
    leftsubnett=10.1.0.0/24
    right=192.0.2.2
    rightsubnet=10.2.0.0/99
    also=missing
    auto=add
"""
MISTAKES = [(2, "uniqueidz"), (5, "ikev3"), (9, "leftsubnet"), (11, "10.2.0.0/99"), (12, "missing")]


def test_broken_file_is_refused_with_every_mistake_named(lab: Lab) -> None:
    moon = lone(lab)
    good = moon.read("/etc/ipsec.conf")
    moon.start()
    moon.write("/etc/ipsec.conf", BROKEN)
    for verb in ("update", "reload"):
        told = moon.run("ipsec", verb, status=None)
        assert told.returncode != 0
        text = told.stdout + told.stderr
        for line, mistake in MISTAKES:
            assert re.search(rf"ipsec\.conf:{line}\b.*{re.escape(mistake)}", text), (verb, mistake, text)
        assert moon.connections() == {"net-net"}
    moon.ipsec("stop")
    done = moon.run("ipsec", "start", status=None)
    assert done.returncode != 0
    assert "leftsubnett" in done.stdout + done.stderr
    moon.write("/etc/ipsec.conf", good)
    moon.start()


def test_update_applies_only_what_changed(lab: Lab) -> None:
    moon, sun = lab.pair("cygnet-cygnet")
    configure(moon, sun)
    bring_up(moon, sun)
    more = moon.host.read("/etc/ipsec.conf").split("conn net-net")[1].replace("10.2.0.0/24", "10.3.0.0/24")
    moon.host.write("/etc/ipsec.conf", moon.host.read("/etc/ipsec.conf") + "\nconn other" + more)
    moon.host.ipsec("update")
    until(lambda: moon.host.connections() == {"net-net", "other"}, "the new connection")
    assert is_up(moon)
    moon.host.write("/etc/ipsec.conf", moon.host.read("/etc/ipsec.conf").split("\nconn other")[0] + "\n")
    moon.host.ipsec("update")
    until(lambda: moon.host.connections() == {"net-net"}, "the connection gone")
    assert is_up(moon)
    moon.host.ipsec("reload")
    until(lambda: moon.host.connections() == {"net-net"}, "the connection there again")
    assert_carries(moon, sun)


def test_changed_secret_is_used_after_rereadsecrets(lab: Lab) -> None:
    moon, sun = lab.pair("cygnet-cygnet")
    configure(moon, sun)
    moon.host.write("/etc/ipsec.secrets", "", 0o600)
    sun.host.start()
    moon.host.start()
    moon.host.ipsec("up", "net-net", status=1)
    moon.host.write("/etc/ipsec.secrets", sun.host.read("/etc/ipsec.secrets"), 0o600)
    moon.host.ipsec("rereadsecrets")
    moon.host.ipsec("up", "net-net")
    assert_carries(moon, sun)


def test_dead_peer_is_noticed(lab: Lab) -> None:
    moon, sun = lab.pair("cygnet-cygnet")
    configure(moon, sun, dpddelay="1s", dpdaction="clear")
    for end in (moon, sun):
        end.host.settings("retransmit_timeout = 0.2\n  retransmit_tries = 2")
    bring_up(moon, sun)
    sun.host.net("ip", "link", "set", "eth0", "down")
    until(moon.host.has_nothing, "moon without SAs", 15)


def test_garbage_on_the_ports_disturbs_nothing(lab: Lab) -> None:
    moon, sun = lab.pair("cygnet-cygnet")
    configure(moon, sun)
    bring_up(moon, sun)
    sun.host.net("python3", "-c", GARBAGE, "192.0.2.1")
    assert_carries(moon, sun)
    assert is_up(moon)
    moon.host.ipsec("down", "net-net")
    until(sun.host.has_nothing, "no SA left")
    moon.host.ipsec("up", "net-net")
    assert "Traceback" not in moon.host.log()


GARBAGE = r"""
import random, socket, struct, sys
rng = random.Random(7)
out = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
for number in range(400):
    size = rng.choice((0, 1, 4, 27, 28, 29, 60, 300, 1400))
    body = rng.randbytes(size)
    if number % 2:
        next_payload, version = rng.randrange(32, 55), rng.choice((0x10, 0x20, 0x20, 0x20, 0x21, 0x30))
        head = rng.randbytes(8) + rng.choice((bytes(8), rng.randbytes(8)))
        length = rng.choice((28 + size, 28, 0, 2**32 - 1))
        exchange, flags = rng.randrange(34, 44), rng.choice((8, 0x20))
        body = head + struct.pack(">BBBBII", next_payload, version, exchange, flags, 0, length) + body
    out.sendto(body, (sys.argv[1], 500))
    out.sendto(bytes(4) + body, (sys.argv[1], 4500))
    out.sendto(body, (sys.argv[1], 4500))
"""
