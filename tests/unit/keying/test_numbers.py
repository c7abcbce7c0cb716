"""Numbers: reqids belong to selectors as long as they have users."""

from itertools import count

from cygnet.base.selectors import TrafficSelector
from cygnet.kernel.port import Mark
from cygnet.keying.numbers import Numbers
from cygnet.keying.sa.marks import Marks

NET_A = (TrafficSelector.of("10.1.0.0/16"),)
NET_B = (TrafficSelector.of("10.2.0.0/16"),)


def numbers(base=1):
    counter = count(1)
    return Numbers(lambda: next(counter), base)


def test_same_selectors_share_a_reqid():
    reqids = numbers(base=5)
    assert reqids.reqid(NET_A, NET_B) == reqids.reqid(NET_A, NET_B) == 5
    assert reqids.reqid(NET_B, NET_A) == 6


def test_reqid_is_kept_until_its_last_user_has_gone():
    reqids = numbers()
    reqids.reqid(NET_A, NET_B)
    reqids.reqid(NET_A, NET_B)
    reqids.release_reqid(1)
    assert reqids.reqid(NET_A, NET_B) == 1
    reqids.release_reqid(1)
    reqids.release_reqid(1)
    assert reqids.reqid(NET_A, NET_B) == 2


def test_configured_reqid_may_be_released_without_having_been_given():
    reqids = numbers()
    reqids.release_reqid(77)
    assert reqids.reqid(NET_A, NET_B) == 1


def test_children_tickets_and_ike_sas_are_counted_apart():
    each = numbers()
    assert [each.child(), each.child(), each.ticket(), each.ike()] == [1, 2, 1, 1]


def test_marks_tell_equal_selectors_apart():
    each = numbers()
    one, other = Marks(Mark(1), Mark(1)), Marks(Mark(2), Mark(2))
    assert [each.reqid(NET_A, NET_B, marks) for marks in (one, other, one)] == [1, 2, 1]
    assert each.reqid(NET_A, NET_B) == 3
    assert [each.mark(), each.mark()] == [1, 2]


def test_child_sas_may_be_counted_with_others() -> None:
    counter = count(7)
    numbers = Numbers(counter.__next__, next_child=counter.__next__)
    assert (numbers.ike(), numbers.child(), numbers.ike()) == (7, 8, 9)
