"""Structures by hand: each line is one field of uapi ``linux/xfrm.h``."""

from ipaddress import ip_address, ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cygnet.kernel.backends.xfrm.primitives import (
    Current,
    Limits,
    PortMatch,
    Selector,
    pack_address,
    pack_mark,
    unpack_address,
    unpack_mark,
)

AF_INET, AF_INET6 = 2, 10
SELECTOR = bytes.fromhex(
    "0a020000 000000000000000000000000"  # daddr
    "0a010000 000000000000000000000000"  # saddr
    "0050 ffff"  # dport and its mask, in network order
    "1000 f000"  # sport and its mask
    "0200"  # family, in host order as all that follows
    "18 10"  # prefixlen_d, prefixlen_s
    "06 000000"  # proto, padding
    "07000000 00000000"  # ifindex, user
)


def test_selector_of_ipv4():
    selector = Selector(
        ip_network("10.1.0.0/16"),
        ip_network("10.2.0.0/24"),
        6,
        PortMatch(4096, 0xF000),
        PortMatch(80, 0xFFFF),
        7,
    )
    assert selector.pack() == SELECTOR
    assert Selector.unpack(b"xx" + SELECTOR, 2) == selector
    assert str(selector) == "10.1.0.0/16[4096/0xf000] === 10.2.0.0/24[80] proto 6"


def test_selector_of_ipv6():
    selector = Selector(ip_network("fd01::/64"), ip_network("fd02::1/128"))
    packed = selector.pack()
    assert packed[:16] == ip_address("fd02::1").packed
    assert packed[16:32] == ip_address("fd01::").packed
    assert packed[40:44] == bytes.fromhex("0a00 80 40")
    assert Selector.unpack(packed) == selector
    assert str(selector) == "fd01::/64 === fd02::1/128"


def test_limits_are_infinite_unless_set():
    assert Limits(soft_bytes=1000, hard_packets=2, soft_s=60, hard_s=90).pack() == bytes.fromhex(
        "e803000000000000"  # soft_byte_limit
        "ffffffffffffffff"  # hard_byte_limit
        "ffffffffffffffff"  # soft_packet_limit
        "0200000000000000"  # hard_packet_limit
        "3c00000000000000"  # soft_add_expires_seconds
        "5a00000000000000"  # hard_add_expires_seconds
        "0000000000000000 0000000000000000"  # soft and hard_use_expires_seconds
    )


def test_current_counters_there_and_back():
    current = Current(84, 1, 1_700_000_000, 1_700_000_001)
    assert current.pack() == bytes.fromhex(
        "5400000000000000 0100000000000000 00f1536500000000 01f1536500000000"
    )
    assert Current.unpack(current.pack()) == current


def test_addresses_fill_sixteen_octets():
    assert pack_address(ip_address("192.0.2.1")) == bytes.fromhex("c0000201") + bytes(12)
    assert pack_address(None) == bytes(16)
    assert unpack_address(pack_address(ip_address("192.0.2.1")), AF_INET) == ip_address("192.0.2.1")
    assert unpack_address(pack_address(ip_address("2001:db8::1")), AF_INET6) == ip_address("2001:db8::1")
    assert unpack_address(bytes(16), 0) == ip_address("0.0.0.0")


def test_mark_is_value_and_mask():
    assert pack_mark(0x2A, 0xFF) == bytes.fromhex("2a000000 ff000000")
    assert unpack_mark(pack_mark(0x2A, 0xFF)) == (0x2A, 0xFF)
    assert unpack_mark(b"") == (0, 0)


@given(st.binary(min_size=56, max_size=56))
def test_any_selector_is_read_or_refused(data):
    try:
        selector = Selector.unpack(data)
    except ValueError:
        return
    assert selector.source.version == selector.destination.version


def test_selector_that_is_too_short_is_refused():
    with pytest.raises(Exception, match="buffer"):
        Selector.unpack(bytes(55))
