"""The SAD's look-ups."""

from dataclasses import replace
from ipaddress import ip_address

from cygnet.esp.associations import InboundSa, OutboundSa
from cygnet.esp.records import SaParameters
from cygnet.esp.sad import AssociationDatabase
from espkit import ALL, OUTER, SPI, own_sealer

PARAMETERS = SaParameters(SPI, *OUTER, reqid=7, local_ts=ALL, remote_ts=ALL)
KEY = (*OUTER, SPI)


def outbound(**changes: object) -> OutboundSa:
    return OutboundSa(replace(PARAMETERS, **changes), own_sealer(), bytes)


def test_receiving_sas_are_found_by_spi_and_by_name():
    sad, sa = AssociationDatabase(), InboundSa(PARAMETERS, own_sealer())
    sad.add(sa)
    assert sad.by_spi == {SPI: sa} and sad.find(KEY) is sa and sad.find((*OUTER[::-1], SPI)) is None
    sad.remove(sa)
    sad.remove(sa)
    assert not sad.by_spi and sad.find(KEY) is None


def test_those_without_selectors_are_known():
    sad = AssociationDatabase()
    one = InboundSa(PARAMETERS, own_sealer())
    other = InboundSa(replace(PARAMETERS, spi=2, local_ts=()), own_sealer())
    for sa in (one, other):
        sad.add(sa)
    assert sad.without_selectors == {other}
    sad.remove(other)
    assert not sad.without_selectors


def test_newest_sending_sa_of_a_reqid_is_first():
    sad, old, new = AssociationDatabase(), outbound(), outbound(spi=2)
    sad.add(old)
    sad.add(new)
    assert list(sad.of_reqid(7)) == [new, old] and set(sad.outbound()) == {old, new}
    sad.remove(new)
    assert list(sad.of_reqid(7)) == [old]
    sad.remove(old)
    assert not list(sad.of_reqid(7))


def test_moved_sa_is_found_at_its_new_place():
    sad, sa, elsewhere = AssociationDatabase(), outbound(), ip_address("192.0.2.9")
    sad.add(sa)
    sad.move(sa, replace(PARAMETERS, destination=elsewhere))
    assert sad.find(KEY) is None and sad.find((OUTER[0], elsewhere, SPI)) is sa
