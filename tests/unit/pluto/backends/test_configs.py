"""Which connections suit two hosts."""

from dataclasses import replace
from ipaddress import ip_address
from typing import Any

import pytest

from cygnet.base.addresses import Host
from cygnet.base.errors import LocalError
from cygnet.base.identities import Identity
from cygnet.ctl.whack import AddConnection, End, Policy
from cygnet.keying.backends.address_pools import StrokePools
from cygnet.keying.backends.stroke_translation import Translator
from cygnet.keying.config.settings import DaemonSettings
from cygnet.pluto.backends.configs import PeerConfigs
from cygnet.pluto.backends.connections import Connection, Connections
from cygnet.pluto.backends.translation import PeerTranslator

MOON = End("192.0.2.1", auth="psk")


def connection(name: str, peer: str, ike: str = "") -> Connection:
    right = End(peer, auth="psk")
    message = AddConnection(name, MOON, right, int(Policy.PSK | Policy.ENCRYPT | Policy.TUNNEL), ike=ike)
    return Connection(message, MOON, right)


@pytest.fixture
def connections() -> Connections:
    return Connections(lambda: [ip_address("192.0.2.1")])


@pytest.fixture
def configs(connections: Connections) -> PeerConfigs:
    translator = Translator(DaemonSettings(), lambda path: (), lambda name: (), lambda address: False)
    return PeerConfigs(PeerTranslator(translator), lambda name: (), StrokePools(), connections)


def names(configs: PeerConfigs, remote: str, local: str = "192.0.2.1") -> list[str]:
    found = configs.candidates(Host.of(local, 500), Host.of(remote, 500))
    return [one.config.name for one in found]


def test_candidates_are_those_for_both_hosts_the_most_specific_first(configs: PeerConfigs) -> None:
    peers = {"any": "%any", "net": "192.0.2.0/24", "one": "192.0.2.2", "other": "192.0.2.3"}
    for name, peer in peers.items():
        configs.load(connection(name, peer))
    assert names(configs, "192.0.2.2") == ["one", "net", "any"]
    assert names(configs, "198.51.100.1") == ["any"]
    assert names(configs, "192.0.2.2", local="192.0.2.9") == []


def test_connections_that_differ_in_networks_only_are_of_one_peer(configs: PeerConfigs) -> None:
    for name, peer, ike in (
        ("a", "192.0.2.2", ""), ("b", "192.0.2.2", ""), ("elsewhere", "192.0.2.3", ""),
        ("otherwise", "192.0.2.2", "aes256-sha512-modp2048!"),
    ):  # fmt: skip
        configs.load(connection(name, peer, ike))
    (first, *_) = [one.config for one in configs.candidates(Host.of("192.0.2.1"), Host.of("192.0.2.2"))]
    assert {one.name for one in configs.family(first)} == {"a", "b"}
    assert configs.family(first)[0] == first
    configs.load(connection("b", "192.0.2.4"))
    assert [one.name for one in configs.family(first)] == ["a"]
    configs.load(connection("a", "192.0.2.4"))
    assert configs.family(first) == (first,)  # an ISAKMP SA of before, with whom it was then
    configs.forget("a")
    assert configs.family(first) == (first,)


def test_forgotten_connection_is_nobodys(configs: PeerConfigs) -> None:
    configs.load(connection("one", "192.0.2.2"))
    configs.forget("one")
    configs.forget("unknown")
    assert names(configs, "192.0.2.2") == []


def test_connection_that_cannot_be_leaves_nothing_behind(configs: PeerConfigs) -> None:
    with pytest.raises(LocalError, match="rot13"):
        configs.load(connection("one", "192.0.2.2", ike="rot13"))
    assert names(configs, "192.0.2.2") == []


def test_instance_has_a_record_of_its_own(configs: PeerConfigs) -> None:
    template = connection("rw", "%any")
    configs.load(template)
    instance = Connection(template.message, MOON, End("192.0.2.7", auth="psk"), 2, "192.0.2.7")
    assert configs.of(template).instance == 0
    assert configs.of(instance).instance == 2
    assert configs.of(instance).ike.remote.hosts == ("192.0.2.7",)


def test_peers_make_instances_of_templates_only(configs: PeerConfigs, connections: Connections) -> None:
    for name, peer in (("rw", "%any"), ("one", "192.0.2.2")):
        loaded = connections.add(connection(name, peer).message)
        configs.load(loaded)
    one, rw = (configs.of(connections.find(name)) for name in ("one", "rw"))
    far, carol, dave = Host.of("192.0.2.9", 500), Identity.parse("carol"), Identity.parse("dave")
    assert configs.instance(one, far, carol) is one
    found: list[Any] = [configs.instance(rw, far, who) for who in (carol, dave, carol)]
    assert [config.instance for config in found] == [1, 2, 1]
    assert found[0].ike.remote.hosts == ("192.0.2.9",)
    assert found[1].remote.identity == dave
    assert [one.label for one in connections.instances("rw")] == ['"rw"[1]', '"rw"[2]']


def test_pools_come_and_go_with_their_connections(configs: PeerConfigs) -> None:
    loaded = connection("rw", "%any")
    right = replace(loaded.message.right, srcip="10.3.0.0/24")
    message = replace(loaded.message, right=right)
    configs.load(Connection(message, MOON, right))
    assert [pool.name for pool in configs.pools.pools()] == ["10.3.0.0/24"]
    configs.forget("rw")
    assert list(configs.pools.pools()) == []


def test_instance_shares_with_its_templates_family(configs: PeerConfigs, connections: Connections) -> None:
    for name, ike in (("rw", ""), ("other", ""), ("otherwise", "aes256-sha512-modp2048!")):
        configs.load(connections.add(connection(name, "%any", ike).message))
    template = configs.named("rw")
    assert template is not None
    made = configs.instance(template, Host.of("198.51.100.1"), Identity.parse("@carol"))
    assert configs.family(made) == (made, configs.named("other"))
    configs.load(connection("rw", "%any", "aes256-sha512-modp2048!"))
    assert configs.family(made) == (made,)  # made of what is not loaded any more
    configs.forget("rw")
    assert configs.family(made) == (made,)
