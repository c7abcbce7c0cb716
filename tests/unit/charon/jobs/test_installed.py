"""The CHILD_SAs that there are."""

from dataclasses import replace

from simulation.recording import CHILD, HERE, THERE, child_up

from cygnet.charon.jobs.installed import Installed
from cygnet.kernel.port import IpProtocol, SaId


def test_found_by_either_kernel_sa_by_name_by_reqid_and_by_ike_sa():
    installed, event = Installed(), child_up(3, 9)
    installed.add(event)
    assert installed.owner(event.child.inbound) == installed.owner(event.child.outbound) == 9
    assert [known.child for known in installed.named("net")] == [event.child]
    assert [known.child for known in installed.of_ike(9)] == [event.child]
    assert installed.sender(1) == event.child.outbound.spi


def test_what_a_rekeying_made_is_told_apart():
    installed = Installed()
    installed.add(child_up(3, 9))
    installed.add(child_up(4, 9, replaces=3))
    assert [known.renewed for known in installed.named("net")] == [False, True]


def test_removed_is_not_found():
    installed, event = Installed(), child_up()
    installed.add(event)
    installed.remove(1)
    installed.remove(1)
    assert installed.owner(event.child.inbound) is None
    assert installed.named("net") == installed.of_ike(1) == ()
    assert installed.sender(1) == 0


def test_leaving_is_not_counted_on_but_still_owned():
    installed, event = Installed(), child_up()
    installed.add(event)
    installed.mark_leaving(1)
    installed.mark_leaving(77)
    assert installed.named("net") == () and installed.sender(1) == 0
    assert installed.owner(event.child.inbound) == 1


def test_newest_sends():
    installed = Installed()
    for number in (1, 2, 3):
        installed.add(child_up(number))
    installed.mark_leaving(3)
    assert installed.sender(1) == child_up(2).child.outbound.spi


def test_children_follow_a_rekeyed_ike_sa():
    installed = Installed()
    installed.add(child_up(1, 4))
    installed.add(child_up(2, 5))
    installed.move(4, 5)
    installed.move(99, 5)
    assert len(installed.of_ike(5)) == 2 and installed.of_ike(4) == ()
    installed.remove(1)
    assert installed.owner(child_up(2).child.inbound) == 5


def test_children_of_one_ike_sa_by_name():
    installed = Installed()
    installed.add(child_up(1, 4))
    installed.add(child_up(2, 4))
    installed.add(child_up(3, 5))
    assert [known.child.unique_id for known in installed.of_ike(4, "net")] == [1, 2]
    assert installed.of_ike(4, "other") == ()


def test_sa_whose_addresses_changed_is_still_known():
    installed = Installed()
    installed.add(child_up(1, 4))
    moved = replace(child_up(1).child.inbound, source=HERE.address)
    assert installed.owner(moved) == 4


def test_equal_spis_are_told_apart_by_their_addresses():
    installed = Installed()
    installed.add(child_up(1, 4, spis=(0x100, 0x200)))
    installed.add(child_up(2, 5, CHILD, spis=(0x200, 0x300)))
    assert installed.owner(SaId(HERE.address, THERE.address, IpProtocol.ESP, 0x200)) == 4
    assert installed.owner(SaId(THERE.address, HERE.address, IpProtocol.ESP, 0x200)) == 5


def test_equal_spis_of_which_both_have_moved_are_somebodys():
    installed = Installed()
    installed.add(child_up(1, 4, spis=(0x100, 0x200)))
    installed.add(child_up(2, 5, spis=(0x101, 0x200)))
    assert installed.owner(SaId(THERE.address, THERE.address, IpProtocol.ESP, 0x200)) in (4, 5)


def test_another_for_the_same_counts_unless_it_leaves():
    installed = Installed()
    traffic = ("net", child_up().child.local_ts, child_up().child.remote_ts)
    installed.add(child_up(1))
    assert not installed.has_other(1, traffic) and installed.has_other(2, traffic)
    installed.add(child_up(2))
    assert installed.has_other(1, traffic)
    assert not installed.has_other(1, ("net", traffic[2], traffic[1]))
    assert not installed.has_other(1, ("other", *traffic[1:]))
    installed.mark_leaving(2)
    assert not installed.has_other(1, traffic)
    installed.add(child_up(3, replaces=2))  # what replaces one that leaves, leaves too
    assert not installed.has_other(1, traffic)
    installed.add(child_up(4))
    installed.remove(4)
    installed.remove(2)
    assert not installed.has_other(1, traffic)
