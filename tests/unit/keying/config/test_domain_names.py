"""Names and addresses that a peer tells of."""

from ipaddress import ip_address

import pytest

from cygnet.keying.config import domain_names


@pytest.mark.parametrize(
    ("value", "name"),
    [
        (b"Example.COM.", "example.com"), (b"_tcp.a-b.example", "_tcp.a-b.example"), (b"", None),
        (b"a..b", None), (b"-a.example", None), (b"a b", None), (b"a\nnameserver 6.6.6.6", None),
        (b"caf\xc3\xa9.example", None), (b"a" * 64, None), (b"a." * 127 + b"com", None), (b"$(id)", None),
    ],
)  # fmt: skip
def test_domain_names(value: bytes, name: str | None) -> None:
    assert domain_names.domain_name(value) == name


def test_addresses_that_no_host_can_have_are_told() -> None:
    told: list[str] = []
    given = map(ip_address, ("10.2.0.53", "0.0.0.0", "127.0.0.1", "ff02::1", "fd02::53"))
    assert list(map(str, domain_names.usable(given, told.append))) == ["10.2.0.53", "fd02::53"]
    assert told[0] == "ignoring 0.0.0.0, which no host can have" and len(told) == 3
