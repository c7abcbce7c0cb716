"""Which addresses are usable."""

from dataclasses import dataclass
from ipaddress import ip_address
from types import SimpleNamespace

import pytest

from cygnet.charon.jobs.addresses import Interfaces, UsableAddresses

ETH0, ETH1, LAN, PEER = map(ip_address, ("192.0.2.1", "198.51.100.1", "10.1.0.1", "192.0.2.99"))


@dataclass
class Host:
    """A host whose kernel likes eth0 best."""

    up: tuple = ("eth0", "eth1", "lan0")
    asked: int = 0
    broken: bool = False

    def listed(self):
        self.asked += 1
        if self.broken:
            raise TimeoutError
        where = {"eth0": ETH0, "eth1": ETH1, "lan0": LAN}
        return [
            SimpleNamespace(address=address, link=SimpleNamespace(name=name, up=name in self.up))
            for name, address in where.items()
        ]

    def addresses(self, use="", ignore=""):
        return UsableAddresses(
            Interfaces(use, ignore), self.listed, lambda to: ETH0, lambda source, to: source != LAN
        )


@pytest.mark.parametrize(
    ("use", "ignore", "expected"),
    [
        ("", "", (ETH0, ETH1, LAN)),
        ("eth0, eth1", "", (ETH0, ETH1)),
        ("eth1", "eth1", (ETH1,)),
        ("", "lan0", (ETH0, ETH1)),
        ("", " lan0 ,eth0", (ETH1,)),
        ("none", "", ()),
    ],
)
def test_interfaces_in_use(use, ignore, expected):
    addresses = Host().addresses(use, ignore)
    assert addresses.usable() == expected
    assert [addresses.is_ignored(one) for one in (ETH0, ETH1, LAN)] == [
        one not in expected for one in (ETH0, ETH1, LAN)
    ]


def test_address_without_a_carrier_is_not_usable_but_not_ignored():
    addresses = Host(up=("eth1",)).addresses(ignore="lan0")
    assert addresses.usable() == (ETH1,)
    assert not addresses.is_ignored(ETH0) and addresses.is_ignored(LAN)
    assert not addresses.works(ETH0, PEER) and addresses.works(ETH1, PEER)


def test_source_is_the_kernels_unless_it_may_not_be_used():
    assert Host().addresses().source(PEER) == ETH0
    assert Host().addresses(ignore="eth0").source(PEER) == ETH1
    assert Host().addresses(use="lan0").source(PEER) is None


def test_address_without_a_route_does_not_work():
    assert not Host().addresses().works(LAN, PEER)


def test_list_is_asked_once_until_something_changes():
    host = Host()
    addresses = host.addresses()
    addresses.usable()
    addresses.usable()
    assert host.asked == 1
    host.up = ("eth1",)
    addresses.changed()
    assert addresses.usable() == (ETH1,) and host.asked == 2


def test_kernel_that_does_not_answer_is_asked_again():
    host = Host()
    addresses = host.addresses()
    before = addresses.usable()
    host.broken = True
    addresses.changed()
    assert addresses.usable() == before
    host.broken, host.up = False, ()
    assert addresses.usable() == ()


def test_loopback_is_for_tests_on_one_host():
    loopback = ip_address("127.0.0.1")
    addresses = UsableAddresses(Interfaces("", ""), Host().listed, lambda to: loopback, lambda one, to: True)
    assert addresses.source(loopback) == loopback and addresses.works(loopback, loopback)


def test_virtual_addresses_are_none_to_send_from():
    host = Host()
    every = UsableAddresses(Interfaces("", ""), host.listed, lambda to: None, lambda one, to: True).usable()
    virtual = every[0]
    found = UsableAddresses(
        Interfaces("", ""), host.listed, lambda to: None, lambda one, to: True, lambda: {virtual}
    )
    assert found.usable() == every[1:]
