"""Whether a CHILD_SA that is there is what a connection asks for now."""

from dataclasses import replace

from simulation.recording import CHILD, child_up

from cygnet.charon.jobs.fitting import fits, fitting, outdated
from cygnet.charon.jobs.installed import Installed
from cygnet.kernel.port import Mode
from cygnet.keying.config.records import Action

OTHER = replace(CHILD, mode=Mode.TRANSPORT)


def installed(*configs):
    there = Installed()
    for number, config in enumerate(configs, 1):
        there.add(replace(child_up(number), config=config))
    return there


def test_what_no_peer_hears_of_makes_no_difference():
    (known,) = installed(CHILD).named("net")
    assert fits(known, CHILD) and fits(known, replace(CHILD, dpd_action=Action.START, inactivity_s=9))
    assert not fits(known, OTHER)


def test_the_first_that_fits_is_found():
    there = installed(OTHER, CHILD, CHILD)
    assert fitting(there, CHILD).child.unique_id == 2
    assert fitting(there, replace(CHILD, name="unknown")) is None


def test_outdated_are_those_beside_one_that_fits():
    assert [known.child.unique_id for known in outdated(installed(OTHER, CHILD, OTHER), CHILD)] == [1, 3]
    assert outdated(installed(OTHER, OTHER), CHILD) == outdated(installed(CHILD), CHILD) == []
