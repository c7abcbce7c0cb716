"""SPIs reserved several at a time."""

import pytest

from cygnet.kernel.backends.spi_stock import FRESH_S, SpiStock
from cygnet.kernel.port import KernelError


class Source:
    def __init__(self) -> None:
        self.now = 0.0
        self.asked = 0
        self.stock = SpiStock(lambda: self.now)

    def reserve(self) -> tuple[int, ...]:
        self.asked += 1
        return tuple(range(10 * self.asked, 10 * self.asked + 3))

    def take(self) -> int:
        return self.stock.take(self.reserve)


def test_each_is_handed_out_once_and_one_request_brings_several() -> None:
    source = Source()
    assert {source.take() for _ in range(3)} == {10, 11, 12}
    assert source.asked == 1
    assert source.take() in (20, 21, 22)


def test_old_ones_are_not_used() -> None:
    source = Source()
    source.take()
    source.now = FRESH_S + 1
    assert source.take() in (20, 21, 22)


def test_after_espd_has_restarted_its_reservations_count_no_more() -> None:
    source = Source()
    source.take()
    source.stock.forget()
    assert source.take() in (20, 21, 22)


def test_refusal_leaves_nothing_behind() -> None:
    source = Source()

    def refuse() -> tuple[int, ...]:
        raise KernelError("too many SPIs are reserved")

    with pytest.raises(KernelError):
        source.stock.take(refuse)
    assert source.take() in (10, 11, 12)
