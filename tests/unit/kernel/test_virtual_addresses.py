"""Virtual addresses on interfaces: there once, gone with the last, never one of the host's own."""

from contextlib import nullcontext
from ipaddress import ip_address
from typing import Any

import pytest

from cygnet.base.errors import LocalError
from cygnet.kernel.backends.virtual_addresses import Addresses, Counted

ONE = ip_address("10.3.0.1")
MARK = 0x80100000


class Netlink:
    """Notes what it is asked."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, str, int, int]] = []
        self.held: list[Held] = []

    def addr(self, command, index, address, prefixlen, **more) -> None:
        assert more.get("rt_priority") == (MARK if command == "replace" else None)
        self.calls.append((command, address, prefixlen, index))

    def get_addr(self) -> list["Held"]:
        return self.held


class Held(dict[str, Any]):
    """An address as pyroute2 describes it."""

    def __init__(self, text: str, index: int, metric: int | None) -> None:
        super().__init__(index=index)
        key = "IFA_ADDRESS" if ":" in text else "IFA_LOCAL"
        self.attributes = {key: text, "IFA_RT_PRIORITY": metric}

    def get_attr(self, name: str) -> Any:
        return self.attributes.get(name)


def made(*present):
    netlink = Netlink()
    return Addresses(MARK, lambda: nullcontext(netlink), lambda: present), netlink.calls


def test_address_comes_and_goes() -> None:
    addresses, calls = made()
    addresses.add(ONE, "", 7)
    addresses.remove(ONE, "")
    assert calls == [("replace", "10.3.0.1", 32, 7), ("del", "10.3.0.1", 32, 7)]


def test_address_of_the_hosts_own_is_left_alone() -> None:
    addresses, calls = made(ONE)
    addresses.add(ONE, "", 7)
    addresses.remove(ONE, "")
    assert calls == []


def test_named_interface_is_used_if_it_is_there() -> None:
    addresses, calls = made()
    addresses.add(ip_address("fd03::1"), "lo", 7)
    assert calls == [("replace", "fd03::1", 128, 1)]
    with pytest.raises(LocalError, match="no interface nosuch0"):
        addresses.add(ONE, "nosuch0", 7)


def test_all_go_at_the_end() -> None:
    addresses, calls = made()
    addresses.add(ONE, "", 7)
    addresses.close()
    assert calls[-1] == ("del", "10.3.0.1", 32, 7)


def test_counted_address_goes_with_its_last_user() -> None:
    addresses, calls = made()
    counted = Counted(addresses)
    for _ in range(2):
        counted.add_address(ONE, "")
    counted.delete_address(ONE, "")
    assert calls == [("replace", "10.3.0.1", 32, 1)] and counted.virtual_addresses() == {ONE}
    counted.delete_address(ONE, "")
    assert calls[-1] == ("del", "10.3.0.1", 32, 1) and not counted.virtual_addresses()
    with pytest.raises(LocalError, match="no interface"):
        counted.add_address(ONE, "nosuch0")
    assert not counted.virtual_addresses()


def test_what_a_killed_daemon_left_goes_and_nothing_else() -> None:
    netlink = Netlink()
    netlink.held = [
        Held("127.0.0.1", 1, None),
        Held("10.3.0.1", 1, MARK),
        Held("fd03::1", 1, MARK),
        Held("10.9.0.1", 4, 100),
    ]
    addresses = Addresses(MARK, lambda: nullcontext(netlink), lambda: ())
    assert addresses.marks() == [MARK, MARK, 100]
    assert addresses.clear(lambda mark: mark == MARK) == (ONE, ip_address("fd03::1"))
    assert netlink.calls == [("del", "10.3.0.1", 32, 1), ("del", "fd03::1", 128, 1)]
