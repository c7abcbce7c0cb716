"""``leftsourceip``, ``rightsourceip``, ``leftdns``, ``rightdns`` as they are written."""

from ipaddress import ip_address

import pytest

from cygnet.keying.backends.errors import ConfigError
from cygnet.keying.backends.pool_texts import ECHO, dns_families, dns_servers, pools, wishes


@pytest.mark.parametrize(
    ("text", "family", "expected"),
    [
        ("%config", 4, ["0.0.0.0"]), ("%modecfg", 6, ["::"]), ("%config4,%config6", 6, ["0.0.0.0", "::"]),
        ("10.3.0.1, fd03::1", 4, ["10.3.0.1", "fd03::1"]), ("", 4, []),
    ],
)  # fmt: skip
def test_wishes(text: str, family: int, expected: list[str]) -> None:
    assert list(map(str, wishes(text, "leftsourceip", family))) == expected


@pytest.mark.parametrize("text", ["10.3.0.0/24", "%poolname", "here", "1.2.3"])
def test_wish_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(ConfigError, match="leftsourceip"):
        wishes(text, "leftsourceip", 4)


@pytest.mark.parametrize(
    ("text", "name", "first", "size"),
    [
        ("10.3.0.0/24", "10.3.0.0/24", "10.3.0.1", 254),
        ("10.3.0.9/24", "10.3.0.9/24", "10.3.0.9", 246),
        ("10.3.0.0/31", "10.3.0.0/31", "10.3.0.0", 2),
        ("10.3.0.7/32", "10.3.0.7/32", "10.3.0.7", 1),
        ("10.3.0.7", "10.3.0.7", "10.3.0.7", 1),
        ("10.3.0.7-10.3.0.9", "10.3.0.7-10.3.0.9", "10.3.0.7", 3),
        ("fd03::/120", "fd03::/120", "fd03::1", 254),
    ],
)
def test_pools(text: str, name: str, first: str, size: int) -> None:
    ((found, spec),) = pools(text, "rightsourceip")
    assert spec is not None and found == name
    assert (spec.name, spec.first, spec.size) == (name, ip_address(first), size)


def test_named_and_echoing_pools_have_no_addresses_here() -> None:
    assert list(pools("%rw,%config", "rightsourceip")) == [("rw", None), (ECHO, None)]


@pytest.mark.parametrize("text", ["10.3.0.9-10.3.0.1", "10.3.0.1-fd::", "10.3.0.255/24", "x", "1.2.3.4/33"])
def test_pool_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(ConfigError, match="rightsourceip="):
        list(pools(text, "rightsourceip"))


def test_pools_are_bounded() -> None:
    with pytest.raises(ConfigError, match="more than 64"):
        list(pools(",".join(f"10.{number}.0.0/24" for number in range(65)), "rightsourceip"))


def test_name_servers() -> None:
    assert dns_families("%config4,fd00::53", "leftdns") == {4, 6}
    assert dns_servers("10.2.0.53, fd02::53", "rightdns") == (ip_address("10.2.0.53"), ip_address("fd02::53"))
    with pytest.raises(ConfigError, match="rightdns"):
        dns_servers("dns.example", "rightdns")
