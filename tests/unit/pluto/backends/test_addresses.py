"""Pools of mode config and what goes with them."""

from dataclasses import replace
from ipaddress import IPv4Address, ip_address

from cygnet.base.identities import Identity
from cygnet.base.selectors import TrafficSelector
from cygnet.charon.backends.told import Told
from cygnet.keying.backends.address_pools import StrokePools
from cygnet.keying.backends.pool_texts import pools
from cygnet.keying.config.records import AuthConfig, ChildConfig, IkeConfig
from cygnet.keying.config.settings import DaemonSettings
from cygnet.pluto.backends.addresses import Addresses, Networks
from cygnet.pluto.config.records import PeerConfig
from cygnet.pluto.encoding.payloads import AttributeType as A
from cygnet.pluto.sa.ports import Lessee

POOL = "10.3.0.0/30"
CAROL, HOST = Identity.parse("carol"), ip_address("192.0.2.1")
CHILD = ChildConfig("net", (TrafficSelector.of("10.2.0.0/16"),), (TrafficSelector.of("0.0.0.0/0"),))
CONFIG = PeerConfig("net", IkeConfig(), AuthConfig(), AuthConfig(), (CHILD,), pools=(POOL,))


def made(**options: str) -> Addresses:
    store = StrokePools()
    store.load("net", [spec for _, spec in pools(POOL, "rightsourceip") if spec])

    def items(section: str) -> tuple[tuple[str, str], ...]:
        return tuple((name.replace("_", "-"), text) for name, text in options.items())

    return Addresses(store, Told(DaemonSettings(), items), Networks(items))


def test_same_owner_keeps_its_address_over_isakmp_sas() -> None:
    addresses = made()
    first = addresses.acquire(CONFIG, Lessee(1, CAROL, HOST), IPv4Address(0))
    second = addresses.acquire(CONFIG, Lessee(2, CAROL, HOST), IPv4Address(0))
    assert first == second == ip_address("10.3.0.1")
    addresses.release(1)
    assert [lease.online for lease in addresses.pools.leases(POOL)] == [True]
    addresses.move(2, 3)
    addresses.release(2)
    assert [lease.online for lease in addresses.pools.leases(POOL)] == [True]
    addresses.release(3)
    assert [lease.online for lease in addresses.pools.leases(POOL)] == [False]


def test_pool_that_is_used_up_gives_none() -> None:
    addresses = made()
    owners = [Identity.parse(f"user{number}") for number in range(3)]
    found = [
        addresses.acquire(CONFIG, Lessee(number, owner, HOST), IPv4Address(0))
        for number, owner in enumerate(owners, 1)
    ]
    assert found == [ip_address("10.3.0.1"), ip_address("10.3.0.2"), None]


def test_name_servers_are_told_and_unity_only_to_who_has_it() -> None:
    addresses = made(**{"28672": "welcome", "28673": "1"})
    config = replace(CONFIG, dns=(ip_address("10.2.0.53"),))
    plain = addresses.attributes(config, unity=False)
    assert [(one.type, one.value) for one in plain] == [(A.INTERNAL_IP4_DNS, bytes((10, 2, 0, 53)))]
    unity = {one.type: one for one in addresses.attributes(config, unity=True)}
    assert unity[A.UNITY_BANNER].value == b"welcome"
    assert unity[A.UNITY_SAVE_PASSWD].number == 1 and unity[A.UNITY_SAVE_PASSWD].basic
    network = bytes((10, 2, 0, 0, 255, 255, 0, 0)) + bytes(6)
    assert unity[A.UNITY_SPLIT_INCLUDE].value == network


def test_split_networks_of_strongswan_conf_come_first() -> None:
    addresses = made(split_include="10.8.0.0/16, 10.9.0.0/24, nonsense", split_exclude="192.0.2.0/24")
    unity = {one.type: one.value for one in addresses.attributes(CONFIG, unity=True)}
    assert len(unity[A.UNITY_SPLIT_INCLUDE]) == 28
    assert unity[A.UNITY_LOCAL_LAN][:8] == bytes((192, 0, 2, 0, 255, 255, 255, 0))
    assert any("nonsense" in problem for problem in addresses.networks.problems)
