"""vpnc, a client for Cisco's concentrators, at pluto: aggressive mode, XAUTH, mode config with Unity."""

import pytest

from lab.hosts import until
from lab.network import ping
from lab.topology import Lab
from lab.tunnels import PSK, End

pytestmark = [pytest.mark.root, pytest.mark.tun, pytest.mark.vpnc]

USER, PASSWORD = "carol", "what carol knows"
SETTINGS = """i_dont_care_about_security_and_use_aggressive_mode_psk = yes
cisco_unity = yes
"""
SERVER = """config setup

conn road
    keyexchange=ikev1
    aggressive=yes
    ike=aes256-sha1-modp2048!
    esp=aes256-sha1,aes128-sha1!
    left=192.0.2.2
    leftid=@sun.lab
    leftsubnet=10.2.0.0/24
    leftauth=psk
    right=%any
    rightid=@#6c61622d67726f7570
    rightauth=psk
    rightauth2=xauth
    rightsourceip=10.3.0.0/24
    auto=add
"""
CLIENT = """IPSec gateway 192.0.2.2
IPSec ID lab-group
IPSec secret {secret}
Xauth username {user}
Xauth password {password}
IKE DH Group dh14
Perfect Forward Secrecy nopfs
NAT Traversal Mode natt
Script /etc/vpnc/script
No Detach
"""
SCRIPT = """#!/bin/sh
env | grep -E '^(reason|INTERNAL_IP4|CISCO|TUNDEV)' >>/var/log/vpnc-script.log
[ "$reason" = connect ] || exit 0
ip link set "$TUNDEV" up mtu 1300
ip address add "$INTERNAL_IP4_ADDRESS/32" dev "$TUNDEV"
ip route add 10.2.0.0/24 dev "$TUNDEV" src "$INTERNAL_IP4_ADDRESS"
"""


def prepare(lab: Lab, password: str = PASSWORD) -> tuple[End, End]:
    """sun serves; moon has vpnc and none of our daemons."""
    moon, sun = lab.pair("cygnet-cygnet")
    sun.host.settings(SETTINGS)
    sun.host.write("/etc/ipsec.conf", SERVER)
    secrets = f'@sun.lab @#6c61622d67726f7570 : PSK "{PSK}"\n{USER} : XAUTH "{PASSWORD}"\n'
    sun.host.write("/etc/ipsec.secrets", secrets, 0o600)
    text = CLIENT.format(secret=PSK, user=USER, password=password)
    moon.host.write("/etc/vpnc/lab.conf", text, 0o600)
    moon.host.write("/etc/vpnc/script", SCRIPT, 0o755)
    sun.host.start()
    return moon, sun


def test_client_gets_an_address_and_carries(lab: Lab) -> None:
    moon, sun = prepare(lab)
    client = moon.host.spawn("vpnc", "/etc/vpnc/lab.conf", log="vpnc.log")
    until(lambda: sun.host.installed("road") == 1, "the tunnel at the server", 15)
    until(lambda: "INTERNAL_IP4_ADDRESS=10.3.0.1" in moon.host.read("/var/log/vpnc-script.log"), "an address")
    assert f"Remote XAuth identity: {USER}" in sun.host.ipsec("statusall")
    until(lambda: ping(moon.host, "10.3.0.1", "10.2.0.1"), "an answer from behind the server", 10)
    assert "ESP" in sun.host.ipsec("status")
    moon.host.run("sh", "-c", "kill $(pidof vpnc)")
    client.wait(10)
    until(sun.host.has_nothing, "the server forgets it", 10)


def test_wrong_password_is_refused(lab: Lab) -> None:
    moon, sun = prepare(lab, "what carol guessed")
    client = moon.host.spawn("vpnc", "--non-inter", "/etc/vpnc/lab.conf", log="vpnc.log")
    assert client.wait(20) != 0
    assert "authentication unsuccessful" in moon.host.read("/var/log/vpnc.log")
    until(sun.host.has_nothing, "the server has nothing", 10)
