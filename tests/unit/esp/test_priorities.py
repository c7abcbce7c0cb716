"""Priorities, with the values that charon gives its kernel policies."""

import pytest

from cygnet.base.selectors import TrafficSelector
from cygnet.esp.priorities import Rank, priority

ts = TrafficSelector.of


@pytest.mark.parametrize(("rank", "source", "destination", "trap", "expected"), [
    # 200000 a class, less 512 a prefix bit, 256 a protocol, 4 a port bit, 1 for what is no trap
    (Rank.PROTECT, ts("10.1.0.0/16"), ts("10.2.0.0/16"), False, 400_000 - 32 * 512 - 1),
    (Rank.PROTECT, ts("10.1.0.0/16"), ts("10.2.0.0/16"), True, 400_000 - 32 * 512),
    (Rank.PASS, ts("0.0.0.0/0"), ts("0.0.0.0/0"), False, 199_999),
    (Rank.PROTECT, ts("::/0"), ts("2001:db8::1", 6, (80, 80)), False, 400_000 - 128 * 512 - 256 - 64 - 1),
    (Rank.DROP, ts("10.0.0.0/8", 17), ts("10.0.0.0/8", 17, (0, 1023)), False,
     600_000 - 16 * 512 - 256 - 24 - 1),
    (Rank.PROTECT, ts("10.0.0.1", 6, (65535, 0)), ts("10.0.0.2", 6), False,
     400_000 - 64 * 512 - 256 - 64 - 1),
])
def test_values(rank, source, destination, trap, expected):
    assert priority(rank, source, destination, trap=trap) == expected


def test_any_protect_policy_stands_between_those_that_pass_and_those_that_drop():
    narrow, wide = ts("2001:db8::1", 6, (80, 80)), ts("::/0")
    widest_pass = priority(Rank.PASS, wide, wide, trap=False)
    narrowest = priority(Rank.PROTECT, narrow, narrow, trap=False)
    widest = priority(Rank.PROTECT, wide, wide, trap=True)
    assert widest_pass < narrowest < widest < priority(Rank.DROP, narrow, narrow, trap=False)
