"""Which of two rekeyings at once is redundant (RFC 7296, 2.8.1)."""

from dataclasses import dataclass

import pytest

from cygnet.charon.sa.rekeying import Crossing


@dataclass
class Attempt:
    lowest: bytes
    following: bool = False
    complete: bool = False

    def give_up(self, reason: str) -> None:
        raise AssertionError


@pytest.mark.parametrize(
    ("ours", "theirs", "lost"),
    [
        (b"\x00" * 16, b"\x01" * 16, True),
        (b"\x01" * 16, b"\x00" * 16, False),
        (b"\x01\x00" + b"\xff" * 30, b"\x01\x01" + b"\x00" * 14, True),  # octet by octet, not as numbers
        (b"\x01" * 16, b"\x01" * 17, True),  # who ends first is lower
        (b"\x01" * 17, b"\x01" * 16, False),
    ],
)
def test_lowest_nonce_loses(ours: bytes, theirs: bytes, lost: bool) -> None:
    assert Crossing(Attempt(ours), Attempt(theirs)).lost is lost


def test_nobody_loses_alone() -> None:
    assert not Crossing(Attempt(b"\x00" * 16)).lost
    assert not Crossing(theirs=Attempt(b"\xff" * 16)).lost
    assert not Crossing().lost
