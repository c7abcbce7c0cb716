"""Structures about SAs by hand: each line is one field of uapi ``linux/xfrm.h``."""

from dataclasses import replace
from ipaddress import ip_address

import pytest

from cygnet.kernel.backends.xfrm import sa_layout as layout
from cygnet.kernel.backends.xfrm.primitives import Current, Limits
from cygnet.kernel.port import IpProtocol, SaId

MOON, SUN = ip_address("192.0.2.1"), ip_address("192.0.2.2")
INFO = layout.SaInfo(
    MOON, SUN, IpProtocol.ESP, 0xC1234567, 3, 1, 0x20, 32, 0x80000001, limits=Limits(hard_s=3600)
)
PACKED = bytes.fromhex(
    f"{'00' * 56}"  # sel: none
    "c0000202 000000000000000000000000 c1234567 32 000000"  # id: daddr, spi, proto
    "c0000201 000000000000000000000000"  # saddr
    f"{'ff' * 32} 0000000000000000 100e000000000000 0000000000000000 0000000000000000"  # lft
    f"{'00' * 32}"  # curlft
    "00000000 00000000 00000000"  # stats
    "01000080 03000000"  # seq, reqid
    "0200 01 20 20 00000000000000"  # family, mode, replay_window, flags, padding
)


def test_sa_information():
    assert len(PACKED) == layout.SA_INFO_SIZE == 224
    assert INFO.pack() == PACKED


def test_sa_information_is_read_with_counters():
    told = (
        PACKED[:160]
        + Current(84, 1, 5, 6).pack()
        + bytes.fromhex("00000000 02000000 03000000")
        + PACKED[204:]
    )
    read = layout.SaInfo.unpack(told)
    assert read == replace(INFO, limits=Limits(), current=Current(84, 1, 5, 6), statistics=(0, 2, 3))
    assert read.id == SaId(MOON, SUN, IpProtocol.ESP, 0xC1234567)


def test_tunnel_that_the_kernel_made_for_ipcomp_is_no_sa_of_ipsec():
    assert replace(INFO, protocol=4).id is None


def test_moving_changes_addresses_and_family_only():
    six = SaId(ip_address("2001:db8::1"), ip_address("2001:db8::2"), IpProtocol.ESP, 0xC1234567)
    told = layout.moved(PACKED, six)
    assert (told[:56], told[96:212], told[214:]) == (PACKED[:56], PACKED[96:212], PACKED[214:])
    assert layout.SaInfo.unpack(told).id == six
    assert told[212:214] == b"\x0a\0"


def test_sa_name():
    packed = layout.pack_sa_name(SaId(MOON, SUN, IpProtocol.AH, 0xC1))
    assert packed == bytes.fromhex("c0000202 000000000000000000000000 000000c1 0200 33 00")
    assert layout.unpack_sa_name(packed) == (SUN, 0xC1, 51, 2)


def test_spi_request_ends_with_the_range():
    assert layout.pack_spi_request(INFO, 0x100, 0xEFFF) == PACKED + bytes.fromhex("00010000 ffef0000")


def test_algorithms_have_names_of_64_octets():
    name = b"cbc(aes)".ljust(64, b"\0")
    assert layout.pack_algorithm("cbc(aes)", b"\1" * 16) == name + bytes.fromhex("80000000") + b"\1" * 16
    packed = layout.pack_sized_algorithm("cbc(aes)", b"\1" * 20, 128)
    assert packed == name + bytes.fromhex("a0000000 80000000") + b"\1" * 20
    assert layout.unpack_algorithm(packed, sized=True) == ("cbc(aes)", b"\1" * 20)
    assert layout.unpack_algorithm(layout.pack_algorithm("deflate", b""), sized=False) == ("deflate", b"")


def test_encapsulation_has_ports_in_network_order():
    packed = layout.pack_encapsulation(2, 4500, 1025, MOON)
    assert packed == bytes.fromhex("0200 1194 0401 0000 c0000201 000000000000000000000000")
    assert layout.unpack_encapsulation(packed) == (2, 4500, 1025)


@pytest.mark.parametrize(("window", "words"), [(1, 1), (32, 1), (33, 2), (4096, 128)])
def test_replay_state_has_a_bit_for_each_packet(window, words):
    packed = layout.pack_replay_window(window)
    assert packed[:4] == words.to_bytes(4, "little")
    assert packed[4:20] == bytes(16)
    assert packed[20:24] == window.to_bytes(4, "little")
    assert packed[24:] == bytes(4 * words)
    assert layout.unpack_replay_window(packed) == window


def test_offload_names_an_interface():
    assert layout.pack_offload(7, 6) == bytes.fromhex("07000000 06 000000")
