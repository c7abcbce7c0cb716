"""What peers are told: ``rightdns``, ``charon.dns1``, the section ``attr``."""

from dataclasses import replace
from ipaddress import ip_address

from cygnet.charon.backends.told import Told
from cygnet.charon.encoding.payloads.configuration import Attribute
from cygnet.keying.config.records import IkeConfig, PeerConfig
from cygnet.keying.config.settings import DaemonSettings

PEER = PeerConfig("rw", IkeConfig(), (), ())


def told(settings: DaemonSettings | None = None, **attr: str) -> Told:
    options = [(name.replace("_", "-"), text) for name, text in attr.items()]
    return Told(settings or DaemonSettings(), lambda path: options if path == "charon.plugins.attr" else [])


def test_servers_of_the_connection_come_first() -> None:
    store = told(DaemonSettings(dns1="10.0.0.53", nbns1="10.0.0.137"))
    peer = replace(PEER, dns=(ip_address("10.2.0.53"), ip_address("fd02::53")))
    assert store.attributes(peer) == (
        Attribute(3, bytes([10, 2, 0, 53])), Attribute(10, ip_address("fd02::53").packed),
        Attribute(3, bytes([10, 0, 0, 53])), Attribute(4, bytes([10, 0, 0, 137])),
    )  # fmt: skip


def test_names_and_numbers() -> None:
    store = Told(DaemonSettings(), lambda path: [
        ("dns", "10.2.0.53, fd02::53"), ("subnet", "10.2.0.0/16,fd02::/64"), ("25", "corp.example"),
        ("split-include", "10.0.0.0/8"), ("20000", "10.9.0.0/16"),
    ])  # fmt: skip
    assert store.attributes(PEER) == (
        Attribute(3, bytes([10, 2, 0, 53])), Attribute(10, ip_address("fd02::53").packed),
        Attribute(13, bytes([10, 2, 0, 0, 255, 255, 0, 0])),
        Attribute(15, ip_address("fd02::").packed + bytes([64])),
        Attribute(25, b"corp.example"), Attribute(20000, bytes([10, 9, 0, 0, 255, 255, 0, 0])),
    )  # fmt: skip
    assert store.problems == []


def test_what_cannot_be_told_is_named_and_the_rest_is_told() -> None:
    options = [
        ("colour", "red"), ("1", "10.0.0.1"), ("dns", "here"), ("nbns", "fd00::1"), ("40000", "x"),
        ("27", "x"),
    ]  # fmt: skip
    store = Told(DaemonSettings(), lambda path: [*options, ("25", "a.example")])
    assert store.attributes(PEER) == (Attribute(25, b"a.example"),)
    assert [problem.split(": ")[1].split(" =")[0] for problem in store.problems] == [
        "colour", "1", "dns", "nbns", "40000", "27",
    ]  # fmt: skip
