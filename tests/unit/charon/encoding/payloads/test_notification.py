"""cygnet.charon.encoding.payloads.notification"""

import pytest

from cygnet.base.errors import MalformedError
from cygnet.charon.encoding.notify import NotifyType
from cygnet.charon.encoding.payloads import Notify


@pytest.mark.parametrize(("notify", "octets"), [
    (Notify(NotifyType.COOKIE, b"cookie"), b"\0\0\x40\x06cookie"),
    (Notify(NotifyType.REKEY_SA, b"", 3, b"abcd"), b"\x03\x04\x40\x09abcd"),
    (Notify(40000, b"x", 1, b"12345678"), b"\x01\x08\x9c\x4012345678x"),
])  # fmt: skip
def test_notify_is_read_and_written(notify, octets):
    assert notify.build() == octets
    assert Notify.parse(octets) == notify


@pytest.mark.parametrize("octets", [b"", b"\0\0\x40", b"\x03\x04\x40\x09abc", b"\x03\xff\x40\x09abcd"])
def test_short_notify_is_malformed(octets):
    with pytest.raises(MalformedError):
        Notify.parse(octets)


def test_error_and_status_types_are_told_apart():
    assert Notify(NotifyType.NO_PROPOSAL_CHOSEN).is_error
    assert not Notify(NotifyType.COOKIE).is_error


def test_description_has_the_short_name():
    assert Notify(NotifyType.NAT_DETECTION_SOURCE_IP).describe() == "N(NATD_S_IP)"
    assert Notify(45000).describe() == "N((45000))"
