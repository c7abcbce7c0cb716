"""Small parts of moving: notify contents, addresses that make sense, spacing of checks, patience."""

from ipaddress import ip_address

import pytest

from cygnet.base.addresses import Host
from cygnet.charon.sa.address_lists import is_sensible
from cygnet.charon.sa.mobility import CHECK_INTERVAL_S, Mobility
from cygnet.charon.sa.nat_prohibition import contents
from cygnet.charon.sa.search import patience
from cygnet.keying.config.settings import DaemonSettings


def test_no_nats_allowed_has_the_layout_of_the_rfc():
    """RFC 4555, 4.2.6: source, destination, source port, destination port."""
    four = contents(Host.of("192.0.2.1", 500), Host.of("192.0.2.2", 4500))
    assert four.hex() == "c0000201" "c0000202" "01f4" "1194"
    six = contents(Host.of("2001:db8::1", 500), Host.of("2001:db8::2", 4500))
    assert len(six) == 36 and six[-4:].hex() == "01f41194"


@pytest.mark.parametrize(
    ("address", "sensible"),
    [
        ("192.0.2.1", True), ("10.0.0.1", True), ("2001:db8::1", True), ("fd00::1", True),
        ("0.0.0.0", False), ("::", False), ("127.0.0.1", False), ("::1", False), ("224.0.0.5", False),
        ("ff02::1", False), ("169.254.1.1", False), ("fe80::1", False), ("255.255.255.255", False),
    ],
)  # fmt: skip
def test_addresses_that_a_peer_may_have(address, sensible):
    assert is_sensible(ip_address(address)) is sensible


def test_checks_have_a_distance():
    mobility = Mobility()
    assert [mobility.check_at(100.0) for _ in range(3)] == [
        100.0, 100 + CHECK_INTERVAL_S, 100 + 2 * CHECK_INTERVAL_S,
    ]  # fmt: skip
    assert mobility.check_at(500.0) == 500.0


@pytest.mark.parametrize(
    ("settings", "seconds"),
    [
        (DaemonSettings(), 165.1),
        (DaemonSettings(retransmit_tries=0), 4.0),
        (DaemonSettings(retransmit_limit_s=10), 4 + 7.2 + 4 * 10),
    ],
)
def test_patience_is_that_of_retransmission(settings, seconds):
    assert patience(settings) == pytest.approx(seconds, abs=0.1)
