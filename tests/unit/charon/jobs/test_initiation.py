"""The IKE_SA that a CHILD_SA is made in."""

from dataclasses import replace

import pytest
from simulation.recording import CHILD, IKE, PEER, Shell, ike_sa

from cygnet.base.addresses import Host
from cygnet.base.errors import LocalError
from cygnet.charon.jobs.initiation import Initiation
from cygnet.keying.config.records import AddressSpec
from cygnet.keying.config.settings import DaemonSettings


def found(*sas, peer=PEER, settings=None):
    shell = Shell(settings=settings or DaemonSettings(), sas={sa.unique_id: sa for sa in sas})
    return Initiation(shell.place).find(peer)


@pytest.mark.parametrize("state", ["CREATED", "CONNECTING", "ESTABLISHED", "REKEYING"])
def test_living_ike_sa_of_the_connection_is_used(state):
    assert found(ike_sa(4, state=state)) == 4


@pytest.mark.parametrize("state", ["REKEYED", "DELETING", "DESTROYING"])
def test_one_on_its_way_out_is_not(state):
    assert found(ike_sa(4, state=state)) is None


def test_established_one_is_preferred():
    assert found(ike_sa(3, state="CONNECTING"), ike_sa(4)) == 4


def test_successor_is_preferred_to_what_it_replaces():
    assert found(ike_sa(3), ike_sa(4, state="CONNECTING", succeeds=3)) == 4


def test_with_a_peer_at_one_address_no_other_will_do():
    shell = Shell(sas={3: ike_sa(3), 4: ike_sa(4, remote=Host.of("192.0.2.7", 500))})
    initiation = Initiation(shell.place)
    assert initiation.find(PEER, Host.of("192.0.2.7", 0).address) == 4
    wanted = Host.of("192.0.2.8", 0).address
    made = initiation.open(PEER, only=wanted)
    assert made not in (3, 4) and shell.registered[0].snapshot(0.0).remote.address == wanted
    assert shell.registered[0].snapshot(0.0).config == PEER


def test_another_connection_of_the_same_name_is_another_connection():
    assert found(ike_sa(4, config=replace(PEER, fuzz_percent=7))) is None
    assert found(ike_sa(4, config=None)) is None


def test_group_whose_first_connection_has_gone_is_the_same_group():
    group = replace(PEER, name="other", children=(replace(CHILD, name="other"), CHILD))
    assert found(ike_sa(4), peer=group) == 4


def test_without_reuse_ikesa_none_is_found():
    assert found(ike_sa(4), settings=DaemonSettings(reuse_ikesa=False)) is None


def test_new_one_goes_to_the_configured_address():
    shell = Shell()
    number = Initiation(shell.place).open(PEER, tries=2)
    assert shell.sas[number].remote.with_brackets() == "192.0.2.2[500]"
    assert Initiation(shell.place).open(PEER) == number


def test_without_an_address_there_is_none():
    nowhere = replace(PEER, ike=replace(IKE, remote=AddressSpec(("nowhere.test",))))
    with pytest.raises(LocalError, match=r"unable to resolve nowhere\.test"):
        Initiation(Shell().place).open(nowhere)
