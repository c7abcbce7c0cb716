"""cygnet.charon.encoding.payloads.traffic_selectors"""

import pytest

from cygnet.base.errors import MalformedError
from cygnet.base.selectors import TrafficSelector
from cygnet.charon.encoding.payloads import TrafficSelectorsInitiator, TrafficSelectorsResponder

BOTH = pytest.mark.parametrize("kind", [TrafficSelectorsInitiator, TrafficSelectorsResponder])
NET = "07 00 0010 0000 ffff 0a010000 0a01ffff"
NET6 = "08 06 0028 0050 0050" + "20010db8" + "00" * 12 + "20010db8" + "ff" * 12


@BOTH
@pytest.mark.parametrize(("selectors", "octets"), [
    ([TrafficSelector.of("10.1.0.0/16")], f"01 000000 {NET}"),
    ([TrafficSelector.of("2001:db8::/32", 6, (80, 80))], f"01 000000 {NET6}"),
    ([TrafficSelector.of("10.1.0.0/16"), TrafficSelector.of("10.0.0.1-10.0.0.3", 17, (65535, 0))],
     f"02 000000 {NET} 07 11 0010 ffff 0000 0a000001 0a000003"),
])  # fmt: skip
def test_selectors_are_read_and_written(kind, selectors, octets):
    assert kind(tuple(selectors)).build() == bytes.fromhex(octets)
    assert kind.parse(bytes.fromhex(octets)) == kind(tuple(selectors))


@BOTH
@pytest.mark.parametrize("octets", [
    "",
    "010000",
    "00000000",
    f"00000000 {NET}",
    "01000000",
    f"02000000 {NET}",
    f"01000000 {NET} {NET}",
    f"01000000 {NET}00",
    "01000000 07 00 0007 0000 ffff 0a010000 0a01ffff",
    "01000000 07 00 0000 0000 ffff 0a010000 0a01ffff",
    "01000000 07 00 000f 0000 ffff 0a010000 0a01ff",
    "01000000 07 00 0011 0000 ffff 0a010000 0a01ffff00",
    "01000000 08 00 0010 0000 ffff 0a010000 0a01ffff",
    "01000000 07 00 ffff 0000 ffff 0a010000 0a01ffff",
    "01000000 07 00 0010 0000 ffff 0a020000 0a01ffff",
    "01000000 07 00 0010 0051 0050 0a010000 0a01ffff",
    "01000000 09 00 00ff 0000 ffff",
])  # fmt: skip
def test_selectors_that_do_not_add_up_are_malformed(kind, octets):
    with pytest.raises(MalformedError):
        kind.parse(bytes.fromhex(octets))


@BOTH
def test_selector_of_an_unknown_type_is_left_out(kind):
    """RFC 9478 security labels, say: whoever knows only addresses answers as if it were not there."""
    label = "0a 00 000a 0000 0000 6162"
    assert kind.parse(bytes.fromhex(f"02000000 {label} {NET}")) == kind((TrafficSelector.of("10.1.0.0/16"),))
    assert kind.parse(bytes.fromhex(f"01000000 {label}")) == kind(())
