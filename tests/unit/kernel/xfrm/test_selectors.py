"""Traffic selectors in the kernel's terms."""

from ipaddress import ip_address, ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cygnet.base.selectors import TrafficSelector
from cygnet.kernel.backends.xfrm.primitives import ANY_PORT, PortMatch, Selector
from cygnet.kernel.backends.xfrm.selectors import MAX_SELECTORS, cover, host_selectors, kernel_selectors
from cygnet.kernel.port import KernelError

LAN = TrafficSelector.of("10.1.0.0/16")
PEER = TrafficSelector.of("10.2.0.0/24")
TCP, UDP, ICMP = 6, 17, 1


def test_prefixes_are_one_selector():
    assert kernel_selectors(LAN, PEER) == (Selector(ip_network("10.1.0.0/16"), ip_network("10.2.0.0/24")),)


def test_range_becomes_exactly_the_prefixes_it_holds():
    found = kernel_selectors(TrafficSelector.of("10.1.0.0-10.1.0.2"), PEER)
    assert [str(one.source) for one in found] == ["10.1.0.0/31", "10.1.0.2/32"]


def test_ports_of_either_end_are_matched_where_they_are():
    (found,) = kernel_selectors(
        TrafficSelector.of("10.1.0.0/16", TCP), TrafficSelector.of("10.2.0.0/24", TCP, (80, 80))
    )
    assert found.protocol == TCP
    assert (found.source_port, found.destination_port) == (ANY_PORT, PortMatch(80, 0xFFFF))


def test_protocol_of_one_end_is_that_of_the_packet():
    (found,) = kernel_selectors(LAN, TrafficSelector.of("10.2.0.0/24", UDP, (53, 53)))
    assert found.protocol == UDP


@given(st.integers(0, 65535), st.integers(0, 65535))
def test_cover_matches_the_range_and_nothing_else(one, other):
    low, high = min(one, other), max(one, other)
    matches = cover(low, high)
    assert len(matches) <= 30
    assert sum(1 << (16 - match.mask.bit_count()) for match in matches) == high - low + 1
    for port in {low, high, (low + high) // 2}:
        assert any(port & match.mask == match.value for match in matches)
    for port in {low - 1, high + 1} & set(range(65536)):
        assert not any(port & match.mask == match.value for match in matches)


@pytest.mark.parametrize("side", ["source", "destination"])
def test_icmp_type_stands_where_the_kernel_looks_for_it(side):
    typed, plain = (
        TrafficSelector.of("10.1.0.0/16", ICMP, (8 << 8, (8 << 8) + 255)),
        TrafficSelector.of("10.2.0.0/24", ICMP),
    )
    (found,) = kernel_selectors(*((typed, plain) if side == "source" else (plain, typed)))
    assert (found.source_port, found.destination_port) == (PortMatch(8, 0xFFFF), ANY_PORT)


def test_icmp_type_and_code():
    both = TrafficSelector.of("10.1.0.0/16", ICMP, (0x0301, 0x0301))
    (found,) = kernel_selectors(both, PEER)
    assert (found.source_port, found.destination_port) == (PortMatch(3, 0xFFFF), PortMatch(1, 0xFFFF))


@pytest.mark.parametrize(
    ("source", "destination", "words"),
    [
        (TrafficSelector.of("fd01::/64"), PEER, "families"),
        (TrafficSelector.of("10.1.0.0/16", TCP), TrafficSelector.of("10.2.0.0/24", UDP), "protocols"),
        (TrafficSelector.of("10.1.0.0/16", TCP, (65535, 0)), PEER, "OPAQUE"),
        (
            TrafficSelector.of("10.1.0.0/16", ICMP, (0, 255)),
            TrafficSelector.of("10.2.0.0/24", ICMP, (2048, 2303)),
            "ICMP",
        ),
        (TrafficSelector.of("10.1.0.1-10.1.255.254", TCP, (1, 65534)), PEER, f"more than {MAX_SELECTORS}"),
    ],
)
def test_what_the_kernel_cannot_match_is_refused(source, destination, words):
    with pytest.raises(KernelError, match=words):
        kernel_selectors(source, destination)


def test_packet_of_an_acquire_becomes_two_selectors():
    packet = Selector(
        ip_network("10.1.0.1/32"),
        ip_network("10.2.0.9/32"),
        TCP,
        PortMatch(40000, 0xFFFF),
        PortMatch(80, 0xFFFF),
    )
    assert host_selectors(packet) == (
        TrafficSelector(ip_address("10.1.0.1"), ip_address("10.1.0.1"), TCP, 40000, 40000),
        TrafficSelector(ip_address("10.2.0.9"), ip_address("10.2.0.9"), TCP, 80, 80),
    )


def test_ping_of_an_acquire_has_type_and_code_at_both_ends():
    packet = Selector(
        ip_network("10.1.0.1/32"), ip_network("10.2.0.9/32"), ICMP, PortMatch(8, 0xFFFF), PortMatch(0, 0xFFFF)
    )
    assert {(one.start_port, one.end_port) for one in host_selectors(packet)} == {(0x0800, 0x0800)}


@given(st.sampled_from(["10.0.0.0/8", "10.1.2.3", "10.1.0.0-10.1.0.9"]), st.sampled_from([0, TCP, UDP, ICMP]))
def test_selectors_of_the_kernel_are_inside_those_agreed_on(text, protocol):
    wanted = TrafficSelector.of(text, protocol, (10, 700) if protocol in (TCP, UDP) else (0, 65535))
    for found in kernel_selectors(wanted, TrafficSelector.of("10.2.0.0/24", protocol)):
        start, _ = host_selectors(found)
        assert wanted.contains(start)
