"""The PLUTO_ variables of an updown script."""

from dataclasses import replace
from ipaddress import ip_address

import pytest

from cygnet.base.addresses import Host
from cygnet.base.identities import Identity
from cygnet.base.selectors import TrafficSelector
from cygnet.charon.sa.snapshot import IkeSnapshot
from cygnet.kernel.port import IpProtocol, Mark, Mode, SaId
from cygnet.keying.config.records import ChildConfig
from cygnet.keying.config.resolvers import EncryptedResolver
from cygnet.keying.sa.child_snapshot import ChildSnapshot
from cygnet.keying.sa.marks import Marks
from cygnet.keying.updown_environment import DOWN, UP, Tunnel, environments

A, B = ip_address("192.0.2.1"), ip_address("192.0.2.2")
NET_A, NET_B = TrafficSelector.of("10.1.0.0/16"), TrafficSelector.of("10.2.0.0/16")
CHILD = ChildSnapshot(
    "net", 7, "INSTALLED", Mode.TUNNEL, 3, "ESP", False, SaId(B, A, IpProtocol.ESP, 1),
    SaId(A, B, IpProtocol.ESP, 2), "", (NET_A,), (NET_B,), 0,
)  # fmt: skip
SA = IkeSnapshot(
    "net", 5, "ESTABLISHED", True, Host(A, 500), Host(B, 500), Identity.parse("@moon.lab"),
    Identity.parse("C=CH, CN=sun"), b"", b"", "", 0, None, None, "",
)  # fmt: skip
TUNNEL = Tunnel(ChildConfig("net", (NET_A,), (NET_B,), updown="x"), CHILD, SA, "eth0")


def test_plain_tunnel_has_exactly_these() -> None:
    assert list(environments(UP, TUNNEL)) == [
        {
            "PLUTO_VERSION": "1.1",
            "PLUTO_VERB": "up-client",
            "PLUTO_CONNECTION": "net",
            "PLUTO_INTERFACE": "eth0",
            "PLUTO_REQID": "3",
            "PLUTO_PROTO": "esp",
            "PLUTO_UNIQUEID": "5",
            "PLUTO_ME": "192.0.2.1",
            "PLUTO_MY_ID": "moon.lab",
            "PLUTO_MY_CLIENT": "10.1.0.0/16",
            "PLUTO_MY_PORT": "0",
            "PLUTO_MY_PROTOCOL": "0",
            "PLUTO_PEER": "192.0.2.2",
            "PLUTO_PEER_ID": "C=CH, CN=sun",
            "PLUTO_PEER_CLIENT": "10.2.0.0/16",
            "PLUTO_PEER_PORT": "0",
            "PLUTO_PEER_PROTOCOL": "0",
        }
    ]


def test_host_itself_is_a_host() -> None:
    own = replace(CHILD, local_ts=(TrafficSelector.of("192.0.2.1"),))
    (found,) = environments(DOWN, replace(TUNNEL, child=own))
    assert (found["PLUTO_VERB"], found["PLUTO_MY_CLIENT"]) == ("down-host", "192.0.2.1/32")


def test_every_pair_of_one_family_has_its_own() -> None:
    local = (NET_A, TrafficSelector.of("fd01::/64"))
    remote = (NET_B, TrafficSelector.of("fd02::/64", 6, (443, 443)), TrafficSelector.of("10.4.0.0/16"))
    found = list(environments(UP, replace(TUNNEL, child=replace(CHILD, local_ts=local, remote_ts=remote))))
    assert [(one["PLUTO_VERB"], one["PLUTO_MY_CLIENT"], one["PLUTO_PEER_CLIENT"]) for one in found] == [
        ("up-client", "10.1.0.0/16", "10.2.0.0/16"),
        ("up-client", "10.1.0.0/16", "10.4.0.0/16"),
        ("up-client-v6", "fd01::/64", "fd02::/64"),
    ]
    assert (found[2]["PLUTO_PEER_PROTOCOL"], found[2]["PLUTO_PEER_PORT"]) == ("6", "443")


def test_range_becomes_the_prefix_that_holds_it() -> None:
    child = replace(CHILD, remote_ts=(TrafficSelector.of("10.2.0.5-10.2.0.9"),))
    (found,) = environments(UP, replace(TUNNEL, child=child))
    assert found["PLUTO_PEER_CLIENT"] == "10.2.0.0/28"


@pytest.mark.parametrize(
    ("protocol", "ports", "told"),
    [
        (6, ((0, 65535), (80, 80)), ("0", "80")),
        (17, ((1024, 2047), (65535, 0)), ("1024:2047", "65535:0")),
        (1, ((0x0800, 0x0800), (0, 65535)), ("8", "0")),
        (58, ((0, 65535), (0x8001, 0x80FF)), ("128", "1")),
        (1, ((0, 65535), (0, 65535)), ("0", "0")),
    ],
)
def test_ports_and_types_are_told_as_strongswan_does(
    protocol: int, ports: tuple[tuple[int, int], tuple[int, int]], told: tuple[str, str]
) -> None:
    nets = [TrafficSelector.of(f"10.{n}.0.0/16", protocol, one) for n, one in enumerate(ports, 1)]
    child = replace(CHILD, local_ts=(nets[0],), remote_ts=(nets[1],))
    (found,) = environments(UP, replace(TUNNEL, child=child))
    assert (found["PLUTO_MY_PORT"], found["PLUTO_PEER_PORT"]) == told
    assert found["PLUTO_MY_PROTOCOL"] == found["PLUTO_PEER_PROTOCOL"] == str(protocol)


def test_selectors_of_different_protocols_do_not_go_together() -> None:
    both = tuple(TrafficSelector.of("10.1.0.0/16", protocol) for protocol in (6, 17))
    child = replace(CHILD, local_ts=both, remote_ts=both)
    found = environments(UP, replace(TUNNEL, child=child))
    told = [(one["PLUTO_MY_PROTOCOL"], one["PLUTO_PEER_PROTOCOL"]) for one in found]
    assert told == [("6", "6"), ("17", "17")]


def test_encapsulation_marks_and_virtual_addresses_are_told_where_there_are_any() -> None:
    config = replace(TUNNEL.config, host_access=True)
    child = replace(CHILD, udp=True, cpis=(1, 2), marks=Marks(Mark(7, 0xFF), Mark(8)))
    sa = replace(
        SA,
        remote=Host(B, 4500),
        local_virtual_ips=(ip_address("10.3.0.1"), ip_address("fd03::1"), ip_address("10.3.0.2")),
        remote_virtual_ips=(ip_address("10.5.0.1"),),
    )
    (found,) = environments(UP, Tunnel(config, child, sa))
    assert found.items() >= {
        "PLUTO_UDP_ENC": "4500",
        "PLUTO_IPCOMP": "1",
        "PLUTO_MARK_IN": "7/0x000000ff",
        "PLUTO_MARK_OUT": "8/0xffffffff",
        "PLUTO_HOST_ACCESS": "1",
        "PLUTO_MY_SOURCEIP": "10.3.0.1",
        "PLUTO_MY_SOURCEIP4_1": "10.3.0.1",
        "PLUTO_MY_SOURCEIP4_2": "10.3.0.2",
        "PLUTO_MY_SOURCEIP6_1": "fd03::1",
        "PLUTO_PEER_SOURCEIP": "10.5.0.1",
        "PLUTO_PEER_SOURCEIP4_1": "10.5.0.1",
    }.items()
    assert "PLUTO_INTERFACE" not in found


def test_device_and_name_servers_are_told_where_there_are_any() -> None:
    secure = EncryptedResolver("dns.lab", (ip_address("10.2.0.53"),), port=8853)
    plain = tuple(map(ip_address, ("10.2.0.53", "fd02::53", "10.2.0.54")))
    sa = replace(SA, encrypted_dns=(secure,), dns=plain)
    (found,) = environments(UP, Tunnel(ChildConfig("net", (NET_A,), (NET_B,)), CHILD, sa, "eth0", "ipsec0"))
    assert found["CYGNET_DEVICE"] == "ipsec0"
    servers = {name: value for name, value in found.items() if "DNS" in name}
    assert servers == {
        "PLUTO_DNS4_1": "10.2.0.53", "PLUTO_DNS4_2": "10.2.0.54", "PLUTO_DNS6_1": "fd02::53",
        "CYGNET_ENCDNS_1": "dns.lab 10.2.0.53 alpn=dot port=8853 priority=1",
    }  # fmt: skip
