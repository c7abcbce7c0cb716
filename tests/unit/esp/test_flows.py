"""Flow keys."""

from ipaddress import ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cygnet.base.errors import MalformedError
from cygnet.esp.flows import Flow, flow_key, flow_of, is_fragment, is_multicast

A4, B4 = ip_address("10.1.0.1"), ip_address("10.2.0.1")
A6, B6 = ip_address("fd01::1"), ip_address("fd02::1")


def ipv4(protocol: int, payload: bytes, options: bytes = b"", fragment: int = 0) -> bytes:
    words = 5 + len(options) // 4
    head = bytes((0x40 | words, 0, 0, words * 4 + len(payload), 0, 0)) + fragment.to_bytes(2, "big")
    return head + bytes((64, protocol, 0, 0)) + A4.packed + B4.packed + options + payload


def ipv6(next_header: int, payload: bytes) -> bytes:
    head = bytes((0x60, 0, 0, 0)) + len(payload).to_bytes(2, "big") + bytes((next_header, 64))
    return head + A6.packed + B6.packed + payload


PORTS = bytes((0, 80, 1, 187)) + bytes(16)


@pytest.mark.parametrize(("packet", "flow"), [
    (ipv4(6, PORTS), Flow(A4, B4, 6, 80, 443)),
    (ipv4(17, PORTS, options=bytes(8)), Flow(A4, B4, 17, 80, 443)),
    (ipv4(1, bytes((8, 0, 1, 2))), Flow(A4, B4, 1, 0x800, 0x800)),
    (ipv4(17, PORTS, fragment=3), Flow(A4, B4, 17, opaque=True)),
    (ipv4(17, PORTS, fragment=0x2000), Flow(A4, B4, 17, 80, 443)),
    (ipv4(47, PORTS), Flow(A4, B4, 47, opaque=True)),
    (ipv4(17, b"\0"), Flow(A4, B4, 17, opaque=True)),
    (ipv6(17, PORTS), Flow(A6, B6, 17, 80, 443)),
    (ipv6(58, bytes((128, 0, 0, 0))), Flow(A6, B6, 58, 0x8000, 0x8000)),
    (ipv6(135, bytes((59, 1, 5, 0, 0, 0, 0, 0))), Flow(A6, B6, 135, 0x500, 0x500)),
    (ipv6(0, bytes((60, 0)) + bytes(6) + bytes((6, 0)) + bytes(6) + PORTS), Flow(A6, B6, 6, 80, 443)),
    (ipv6(44, bytes((17, 0, 0, 8)) + bytes(4) + PORTS), Flow(A6, B6, 17, opaque=True)),
    (ipv6(44, bytes((17, 0, 0, 1)) + bytes(4) + PORTS), Flow(A6, B6, 17, 80, 443)),
])
def test_packet_fields_come_back_from_the_key(packet, flow):
    assert flow_of(flow_key(packet)) == flow


def test_flow_gives_selectors_of_exactly_itself():
    source, destination = Flow(A4, B4, 17, 1000, 53).selectors()
    assert (str(source), str(destination)) == ("10.1.0.1/32[udp/1000]", "10.2.0.1/32[udp/domain]")
    assert str(Flow(A4, B4, 47, opaque=True)) == "10.1.0.1/32[gre] === 10.2.0.1/32[gre]"


@pytest.mark.parametrize("packet", [
    b"", b"\x45", b"\x45" + bytes(10), b"\x60" + bytes(38), b"\x4f" + bytes(30), b"\x30" + bytes(60),
    b"\x41" + bytes(60), ipv6(0, (bytes((0, 0)) + bytes(6)) * 9),
])
def test_what_is_no_ip_packet_is_malformed(packet):
    with pytest.raises(MalformedError):
        flow_key(packet)


@given(st.binary(max_size=120).map(lambda rest: rest) | st.binary(min_size=40, max_size=90).map(
    lambda rest: bytes((0x45 if rest[0] & 1 else 0x60,)) + rest))
def test_any_octets_give_a_flow_or_are_malformed(packet):
    try:
        flow_of(flow_key(packet))
    except MalformedError:
        return


def test_groups_and_link_local_are_known():
    assert is_multicast(ipv4(17, PORTS)[:16] + bytes((239, 1, 1, 1)))
    assert not is_multicast(ipv4(17, PORTS))
    assert is_multicast(ipv6(17, PORTS)[:24] + ip_address("ff02::16").packed)
    assert is_multicast(ipv6(17, PORTS)[:24] + ip_address("fe80::1").packed)
    assert not is_multicast(ipv6(17, PORTS))


@pytest.mark.parametrize(("packet", "expected"), [
    (ipv4(17, PORTS), False), (ipv4(17, PORTS, fragment=0x4000), False),
    (ipv4(17, PORTS, fragment=0x2000), True), (ipv4(17, PORTS, fragment=1), True),
    (ipv6(17, PORTS), False), (ipv6(44, bytes(8) + PORTS), False),
    (ipv6(44, bytes((17, 0, 0, 1, 0, 0, 0, 0)) + PORTS), True),
    (ipv6(44, bytes((17, 0, 0, 8)) + PORTS), True),
    (ipv6(60, bytes((44, 0)) + bytes(6) + bytes((17, 0, 0, 9)) + PORTS), True),
    (ipv6(44, bytes(4)), False), (ipv6(0, bytes((0, 0, 0, 0, 0, 0, 0, 0)) * 20), False),
])
def test_fragments_are_told_from_whole_packets(packet, expected):
    assert is_fragment(packet) is expected
