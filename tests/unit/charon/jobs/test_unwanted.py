"""What operators took down is remembered as long as its IKE_SA lives."""

from simulation.recording import CHILD, child_up

from cygnet.charon.jobs.installed import Known
from cygnet.charon.jobs.unwanted import Unwanted


def taken_down(unwanted: Unwanted, child_id: int = 1, ike_id: int = 50) -> None:
    unwanted.add(Known(ike_id, CHILD, child_up(child_id, ike_id).child, initiated=True))


def test_what_was_taken_down_is_known_by_number_and_name():
    unwanted = Unwanted()
    taken_down(unwanted)
    assert unwanted.has(50, 1) and not unwanted.has(50, 2) and not unwanted.has(51, 1)
    assert unwanted.names(50) == {"net"} and not unwanted.names(51)


def test_what_is_wanted_again_is_forgotten():
    unwanted = Unwanted()
    taken_down(unwanted)
    unwanted.again("other")
    assert unwanted.has(50, 1)
    unwanted.again("net")
    assert not unwanted.has(50, 1) and not unwanted.names(50)


def test_it_goes_along_with_a_rekeyed_ike_sa_and_ends_with_it():
    unwanted = Unwanted()
    taken_down(unwanted)
    unwanted.moved(50, 51)
    unwanted.moved(60, 61)
    assert unwanted.has(51, 1) and not unwanted.has(50, 1)
    unwanted.retired(51)
    unwanted.retired(51)
    assert not unwanted.has(51, 1)
