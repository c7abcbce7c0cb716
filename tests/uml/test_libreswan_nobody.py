"""NULL authentication (RFC 7619) between Cygnet and libreswan, each as initiator and as responder.

These connections are alone on their hosts: libreswan as responder does not go from one with a secret to them.
"""

import pytest
from bench import Bench, crossed, states, up, write_configs

from lab.hosts import until
from lab.libreswan import Libreswan
from lab.tunnels import PSK, End

pytestmark = pytest.mark.libreswan

OURS = {
    "ike": "aes256-sha256-modp2048!", "esp": "aes128gcm16!", "oneauth": "null", "oneid": "%null",
    "otherauth": "null", "otherid": "%null",
}  # fmt: skip
THEIRS = {
    "authby": "null", "ikev2": "insist", "auto": "add", "ike": "aes256-sha2_256;modp2048",
    "esp": "aes_gcm128-null", "leftupdown": "/bin/true", "left": "192.0.2.2", "leftid": "%null",
    "leftsubnet": "10.2.0.0/24", "right": "192.0.2.1", "rightid": "%null", "rightsubnet": "10.1.0.0/24",
}  # fmt: skip


def test_nobody_meets_nobody(bench: Bench) -> None:
    moon = bench.gateway("cygnet", "moon", 1)
    sun = Libreswan("sun", bench.folder / "sun")
    bench.hosts.append(sun)
    bench.plug(sun, 2)
    beyond = End(moon.host, "192.0.2.2", "10.2.0.1", "10.2.0.0/24", "@sun.lab")
    sun.net("ip", "route", "add", "10.1.0.0/24", "via", "192.0.2.1", "src", "10.2.0.1")  # its updown would
    write_configs(beyond, moon, {"nobody": OURS})
    sun.configure({"nobody": THEIRS}, PSK)
    sun.start()
    moon.host.start()
    bench.switch.listen()
    up(moon, "nobody")
    assert "ESP(spi=" in crossed(bench.switch, moon.host, "10.1.0.1", "10.2.0.1")
    assert "authby=null and ID_NULL" in sun.log()
    moon.host.ipsec("down", "nobody[*]")
    until(lambda: not states(moon.host), "no SAs at moon")
    sun.up("nobody")
    until(lambda: moon.host.installed("nobody") == 1, "nobody at moon")
    assert "ESP(spi=" in crossed(bench.switch, sun, "10.2.0.1", "10.1.0.1")
    assert "is not authenticated: NULL authentication" in moon.host.log()
