"""cygnet.base.selectors"""

from ipaddress import ip_address, ip_network, summarize_address_range
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cygnet.base.selectors import TrafficSelector, pairs

OPAQUE = (65535, 0)
TCP, UDP, ICMP, ICMP6 = 6, 17, 1, 58


def ts(text, protocol=0, ports=(0, 65535)):
    return TrafficSelector.of(text, protocol, ports)


@pytest.mark.parametrize(("text", "start", "end"), [
    ("10.1.0.0/16", "10.1.0.0", "10.1.255.255"),
    ("10.1.2.3/16", "10.1.0.0", "10.1.255.255"),
    ("10.1.2.3", "10.1.2.3", "10.1.2.3"),
    ("0.0.0.0/0", "0.0.0.0", "255.255.255.255"),
    ("10.0.0.1-10.0.0.9", "10.0.0.1", "10.0.0.9"),
    ("10.0.0.1 - 10.0.0.1", "10.0.0.1", "10.0.0.1"),
    ("2001:db8::/32", "2001:db8::", "2001:db8:ffff:ffff:ffff:ffff:ffff:ffff"),
    ("::-::1", "::", "::1"),
])  # fmt: skip
def test_text_gives_the_range(text, start, end):
    selector = ts(text)
    assert (str(selector.start), str(selector.end), selector.dynamic) == (start, end, False)
    assert selector.family == selector.start.version


@pytest.mark.parametrize("text", [
    "", "10.0.0.0/33", "10.0.0", "host.example", "10.0.0.9-10.0.0.1", "10.0.0.1-::1", "10.0.0.1-", "-",
    "::/129",
])  # fmt: skip
def test_text_that_is_no_range_is_refused(text):
    with pytest.raises(ValueError):
        ts(text)


@pytest.mark.parametrize("text", ["dynamic", "%dynamic"])
@pytest.mark.parametrize("host", ["192.0.2.1", "2001:db8::1"])
def test_dynamic_becomes_the_host(text, host):
    dynamic = ts(text, TCP, (80, 80))
    assert dynamic.dynamic
    assert dynamic.resolve(ip_address(host)) == ts(host, TCP, (80, 80))


def test_what_is_not_dynamic_stays_when_resolved():
    assert ts("10.0.0.0/8").resolve(ip_address("192.0.2.1")) == ts("10.0.0.0/8")


@pytest.mark.parametrize(("one", "other", "both"), [
    (ts("10.0.0.0/8"), ts("10.1.0.0/16"), ts("10.1.0.0/16")),
    (ts("10.0.0.0-10.0.0.9"), ts("10.0.0.5-10.0.0.20"), ts("10.0.0.5-10.0.0.9")),
    (ts("10.0.0.0/8"), ts("11.0.0.0/8"), None),
    (ts("10.0.0.0/8"), ts("::/0"), None),
    (ts("10.0.0.0/8", TCP), ts("10.0.0.0/8"), ts("10.0.0.0/8", TCP)),
    (ts("10.0.0.0/8", TCP), ts("10.0.0.0/8", UDP), None),
    (ts("10.0.0.0/8", TCP, (1, 100)), ts("10.0.0.0/8", TCP, (80, 200)), ts("10.0.0.0/8", TCP, (80, 100))),
    (ts("10.0.0.0/8", TCP, (1, 79)), ts("10.0.0.0/8", TCP, (80, 200)), None),
    (ts("10.0.0.0/8", TCP, OPAQUE), ts("10.0.0.0/8", TCP), ts("10.0.0.0/8", TCP, OPAQUE)),
    (ts("10.0.0.0/8", TCP, OPAQUE), ts("10.0.0.0/8", TCP, OPAQUE), ts("10.0.0.0/8", TCP, OPAQUE)),
    (ts("10.0.0.0/8", TCP, OPAQUE), ts("10.0.0.0/8", TCP, (80, 80)), None),
])  # fmt: skip
def test_narrowing_gives_what_both_match(one, other, both):
    assert one.narrow(other) == both
    assert other.narrow(one) == both


@pytest.mark.parametrize(("outer", "inner", "expected"), [
    (ts("10.0.0.0/8"), ts("10.1.0.0/16", TCP, (80, 80)), True),
    (ts("10.0.0.0/8"), ts("10.0.0.0/8"), True),
    (ts("10.1.0.0/16"), ts("10.0.0.0/8"), False),
    (ts("10.0.0.0/8", TCP), ts("10.0.0.0/8"), False),
    (ts("10.0.0.0/8"), ts("10.0.0.0/8", TCP, OPAQUE), True),
    (ts("10.0.0.0/8", TCP, OPAQUE), ts("10.0.0.0/8", TCP), False),
    (ts("0.0.0.0/0"), ts("::/0"), False),
    (ts("0.0.0.0/0"), ts("dynamic"), True),
])  # fmt: skip
def test_containing_means_matching_all_of_the_other(outer, inner, expected):
    assert outer.contains(inner) is expected


@pytest.mark.parametrize(("selector", "address", "protocol", "port", "expected"), [
    (ts("10.0.0.0/8"), "10.9.9.9", 0, 0, True),
    (ts("10.0.0.0/8"), "11.0.0.0", 0, 0, False),
    (ts("0.0.0.0/0"), "::", 0, 0, False),
    (ts("10.0.0.0/8"), "10.0.0.0", UDP, 53, True),
    (ts("10.0.0.0/8", TCP, (80, 81)), "10.0.0.0", TCP, 81, True),
    (ts("10.0.0.0/8", TCP, (80, 81)), "10.0.0.0", TCP, 82, False),
    (ts("10.0.0.0/8", TCP, (80, 81)), "10.0.0.0", UDP, 80, False),
    (ts("10.0.0.0/8", TCP, OPAQUE), "10.0.0.0", TCP, 80, False),
])  # fmt: skip
def test_packet_matches_by_address_protocol_and_port(selector, address, protocol, port, expected):
    assert selector.matches(ip_address(address), protocol, port) is expected


def test_networks_cover_exactly_the_range():
    assert ts("10.0.0.0/8").networks() == [ip_network("10.0.0.0/8")]
    assert ts("10.0.0.1-10.0.0.4").networks() == [
        ip_network("10.0.0.1/32"), ip_network("10.0.0.2/31"), ip_network("10.0.0.4/32"),
    ]  # fmt: skip


@pytest.mark.parametrize(("selector", "text"), [
    (ts("10.1.0.0/16"), "10.1.0.0/16"),
    (ts("10.1.2.3"), "10.1.2.3/32"),
    (ts("0.0.0.0/0"), "0.0.0.0/0"),
    (ts("2001:db8::/32"), "2001:db8::/32"),
    (ts("::/0"), "::/0"),
    (ts("10.0.0.0-10.0.0.2"), "10.0.0.0..10.0.0.2"),
    (ts("10.0.0.1-10.0.0.2"), "10.0.0.1..10.0.0.2"),
    (ts("dynamic"), "dynamic"),
    (ts("dynamic", TCP, (80, 80)), "dynamic[tcp/http]"),
    (ts("10.1.0.0/16", TCP), "10.1.0.0/16[tcp]"),
    (ts("10.1.0.0/16", 99), "10.1.0.0/16[99]"),
    (ts("10.1.0.0/16", TCP, (8080, 8080)), "10.1.0.0/16[tcp/8080]"),
    (ts("10.1.0.0/16", UDP, (1024, 65535)), "10.1.0.0/16[udp/1024-65535]"),
    (ts("10.1.0.0/16", 0, (53, 53)), "10.1.0.0/16[0/domain]"),
    (ts("10.1.0.0/16", TCP, OPAQUE), "10.1.0.0/16[tcp/OPAQUE]"),
    (ts("10.1.0.0/16", ICMP), "10.1.0.0/16[icmp]"),
    (ts("10.1.0.0/16", ICMP, (0x0800, 0x08FF)), "10.1.0.0/16[icmp/8]"),
    (ts("10.1.0.0/16", ICMP, (0x0301, 0x0301)), "10.1.0.0/16[icmp/3(1)]"),
    (ts("::/0", ICMP6, (0x8000, 0x81FF)), "::/0[ipv6-icmp/128(0)-129(255)]"),
])  # fmt: skip
def test_text_is_strongswans(selector, text):
    assert str(selector) == text


@pytest.mark.parametrize(("local", "remote", "expected"), [
    ([ts("10.1.0.0/16", TCP), ts("::/0")], [ts("10.2.0.0/16", UDP), ts("10.3.0.0/16"), ts("fd00::/8", TCP)],
     [("10.1.0.0/16[tcp]", "10.3.0.0/16"), ("::/0", "fd00::/8[tcp]")]),
    ([ts("10.1.0.0/16")], [], []),
])
def test_only_selectors_of_one_family_and_protocol_go_together(local, remote, expected):
    assert [(str(one), str(other)) for one, other in pairs(local, remote)] == expected


def test_host_is_one_known_address():
    assert ts("10.1.0.1").is_host and ts("fd00::1/128", TCP).is_host
    assert not ts("10.1.0.0/31").is_host and not ts("dynamic").is_host


# A small world in which every packet can be tried.
small = st.tuples(st.integers(0, 7), st.integers(0, 7)).map(sorted)


@st.composite
def small_selectors(draw):
    (start, end), (low, high) = draw(small), draw(small)
    protocol = draw(st.sampled_from([0, TCP, UDP]))
    base = int(ip_address("10.0.0.0"))
    return TrafficSelector(ip_address(base + start), ip_address(base + end), protocol, low, high)


def packets():
    base = int(ip_address("10.0.0.0"))
    return list(product([ip_address(base + at) for at in range(8)], (TCP, UDP), range(8)))


@given(one=small_selectors(), other=small_selectors())
def test_intersection_matches_what_both_match(one, other):
    both = one.narrow(other)
    for packet in packets():
        wanted = one.matches(*packet) and other.matches(*packet)
        assert (both is not None and both.matches(*packet)) == wanted


@given(bits=st.integers(0, 2**32 - 1), other=st.integers(0, 2**32 - 1))
def test_prefix_is_printed_exactly_when_the_range_is_one(bits, other):
    low, high = sorted((bits, other))
    selector = TrafficSelector(ip_address(low), ip_address(high))
    networks = list(summarize_address_range(selector.start, selector.end))
    assert selector.networks() == networks
    assert str(selector) == (str(networks[0]) if len(networks) == 1 else f"{selector.start}..{selector.end}")


@given(address=st.integers(0, 2**32 - 1), length=st.integers(0, 32))
def test_every_prefix_is_printed_as_one(address, length):
    network = ip_network((address, length), strict=False)
    assert str(ts(str(network))) == str(network)
