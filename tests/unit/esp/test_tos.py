"""DSCP and ECN through the tunnel."""

import pytest

from cygnet.esp.checksums import checksum
from cygnet.esp.tos import decapsulate, tos_of


def ipv4(tos: int) -> bytes:
    head = bytes((0x45, tos, 0, 20, 1, 2, 0, 0, 64, 17, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2))
    return head[:10] + checksum(head) + head[12:]


def ipv6(tos: int) -> bytes:
    return bytes((0x60 | tos >> 4, (tos & 15) << 4, 0, 0, 0, 0, 59, 64)) + bytes(32)


@pytest.mark.parametrize("make", [ipv4, ipv6])
def test_octet_is_read_from_both_families(make):
    assert tos_of(make(0xB9)) == 0xB9


@pytest.mark.parametrize("make", [ipv4, ipv6])
@pytest.mark.parametrize(("inner", "outer", "result"), [
    (0, 0, 0), (0, 1, 0), (0, 2, 0), (0, 3, None),
    (1, 0, 1), (1, 1, 1), (1, 2, 1), (1, 3, 3),
    (2, 0, 2), (2, 1, 1), (2, 2, 2), (2, 3, 3),
    (3, 0, 3), (3, 1, 3), (3, 2, 3), (3, 3, 3),
])
def test_decapsulation_follows_figure_4_of_rfc_6040(make, inner, outer, result):
    packet = decapsulate(make(0xB8 | inner), outer)
    if result is None:
        assert packet is None
    else:
        assert packet == make(0xB8 | result)
