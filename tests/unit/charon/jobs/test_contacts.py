"""What an IKE_SA is told of the others with the same peer."""

from dataclasses import replace

import pytest
from simulation.recording import HERE, IKE, MOON, PEER, SUN, THERE, Shell, child_up, ike_sa

from cygnet.base.addresses import Host
from cygnet.base.errors import LocalError
from cygnet.charon.jobs import contacts
from cygnet.charon.jobs.contacts import Contacts
from cygnet.keying.config.records import AddressSpec, Unique

ELSEWHERE = Host.of("192.0.2.9", 500)
KEEP = replace(PEER, unique=Unique.KEEP)


def made(*sas):
    shell = Shell(sas={sa.unique_id: sa for sa in sas})
    return shell, Contacts(shell.place.manager, shell.installed, located)


def located(ike):
    if not ike.remote.hosts:
        raise LocalError("nowhere")
    return HERE, THERE


def test_ends_are_where_names_lead_now():
    _, known = made()
    assert known.ends(PEER) == (HERE, THERE)
    assert known.ends(replace(PEER, ike=replace(IKE, remote=AddressSpec()))) is None


def test_first_contact_is_said_once():
    shell, known = made(ike_sa(1, established_at=None), ike_sa(2, established_at=None))
    assert known.is_first(1, MOON, SUN) and known.is_first(1, MOON, SUN)
    assert not known.is_first(2, MOON, SUN)
    assert known.is_first(2, SUN, MOON)
    del shell.sas[1]
    assert known.is_first(2, MOON, SUN)


def test_no_first_contact_beside_an_established_ike_sa():
    _, known = made(ike_sa(1))
    assert not known.is_first(2, MOON, SUN)
    assert known.is_first(1, MOON, SUN)


def test_claims_are_limited(monkeypatch):
    monkeypatch.setattr(contacts, "MAX_CLAIMS", 1)
    _, known = made(ike_sa(1, established_at=None), ike_sa(2, established_at=None))
    assert known.is_first(1, MOON, SUN) and known.is_first(2, SUN, MOON)
    assert known.is_first(2, MOON, SUN)


@pytest.mark.parametrize(
    ("config", "other", "remote", "refused"),
    [
        (KEEP, {"config": KEEP}, ELSEWHERE, True),
        (KEEP, {"config": KEEP}, THERE, False),
        (KEEP, {"config": KEEP, "state": "DELETING"}, ELSEWHERE, False),
        (KEEP, {"config": replace(KEEP, fuzz_percent=7)}, ELSEWHERE, False),
        (PEER, {"config": PEER}, ELSEWHERE, False),
    ],
)
def test_keep_refuses_what_comes_from_elsewhere(config, other, remote, refused):
    _, known = made(ike_sa(1, **other))
    assert bool(known.refusal(config, (MOON, SUN), remote)) is refused


def test_sender_is_the_newest():
    shell, known = made()
    shell.installed.add(child_up(1))
    assert known.sender(1) == child_up(1).child.outbound.spi
