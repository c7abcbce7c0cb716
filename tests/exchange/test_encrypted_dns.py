"""Encrypted DNS resolvers in Configuration payloads of IKE_AUTH (RFC 9464, 4)."""

from dataclasses import replace
from ipaddress import ip_address

import pytest
from simulation.meddling import Meddling, adding, instead
from simulation.roadwarrior import RoadWarrior, octets

from cygnet.charon.encoding.exchanges import Exchange
from cygnet.charon.encoding.payloads import Configuration
from cygnet.charon.encoding.payloads.configuration import Attribute, AttributeType, ConfigurationType
from cygnet.charon.sa.orders import RekeyIke, TerminateIke
from cygnet.keying.config.records import AuthClass
from cygnet.keying.config.resolvers import EncryptedResolver
from cygnet.keying.config.settings import DaemonSettings
from cygnet.keying.sa.events import ServersGiven, ServersTaken

T = AttributeType
FOUR, SIX = ip_address("10.2.0.53"), ip_address("fd02::53")
DOT = EncryptedResolver("dns.corp.example", (FOUR, SIX))
DOH = EncryptedResolver("doh.corp.example", (SIX,), ("h2",), path="/dns-query{?dns}", priority=2)


def encrypted_pair(wanted: frozenset[int] = frozenset({4, 6}), resolvectl: str = "") -> RoadWarrior:
    pair = RoadWarrior(settings=DaemonSettings(resolve_resolvectl=resolvectl))
    pair.change("alice", encdns_wanted=wanted)
    pair.change("bob", encdns=(DOT, DOH))
    return pair


def given(pair: RoadWarrior) -> tuple[EncryptedResolver, ...]:
    return tuple(one for event in pair.alice.of(ServersGiven) for one in event.servers.encrypted)


def test_resolvers_are_told_to_those_who_ask() -> None:
    pair = encrypted_pair()
    # I -> R  CP(CFG_REQUEST: INTERNAL_IP4_ADDRESS(), INTERNAL_IP4_DNS(), ENCDNS_IP4(), ENCDNS_IP6(),
    #            ENCDNS_DIGEST_INFO(0, (SHA2-256, SHA2-384, SHA2-512)))
    # R -> I  CP(CFG_REPLY: INTERNAL_IP4_ADDRESS(10.3.0.1), ENCDNS_IP4(1, 1, 16, (10.2.0.53),
    #            "dns.corp.example", (alpn=dot)), ENCDNS_IP6(…), ENCDNS_IP6(2, …))
    sa = pair.connect()
    found = (replace(DOT, addresses=(FOUR,)), replace(DOT, addresses=(SIX,)), DOH)
    assert given(pair) == found
    assert sa.snapshot(0).encrypted_dns == found
    assert pair.alice.said("received encrypted DNS resolver dns.corp.example 10.2.0.53 alpn=dot priority=1")
    pair.alice.order(sa, TerminateIke())
    pair.network.run()
    assert [one.servers.encrypted for one in pair.alice.of(ServersTaken)] == [found]


def test_responder_that_proves_nothing_names_no_resolvers() -> None:
    # R -> I  IKE_AUTH { IDr, AUTH (NULL), CP(ENCDNS_IP4 ...), ... }, not used (RFC 9464, 6)
    pair = encrypted_pair()
    pair.change("alice", remote=(replace(pair.alice_config.remote[0], auth=AuthClass.NULL),))
    pair.change("bob", local=(replace(pair.bob_config.local[0], auth=AuthClass.NULL),))
    pair.connect()
    assert pair.is_up()
    assert not given(pair)


@pytest.mark.parametrize(("resolvectl", "found"), [
    ("", ()), ("/usr/bin/resolvectl", (replace(DOT, addresses=(FOUR,)),)),
])  # fmt: skip
def test_host_that_can_use_them_asks_unbidden(
    resolvectl: str, found: tuple[EncryptedResolver, ...]
) -> None:
    """For the families of its name servers; others say nothing, and are told nothing."""
    pair = encrypted_pair(frozenset(), resolvectl)
    # I -> R  CP(CFG_REQUEST: INTERNAL_IP4_ADDRESS(), INTERNAL_IP4_DNS(), ENCDNS_IP4(), INTERNAL_DNS_DOMAIN())
    pair.connect()
    assert given(pair) == found


def test_only_families_that_were_asked_for() -> None:
    pair = encrypted_pair(frozenset({6}))
    pair.connect()
    assert given(pair) == (replace(DOT, addresses=(SIX,)), DOH)


def test_without_virtual_addresses_too() -> None:
    pair = encrypted_pair()
    pair.change("alice", virtual_ips=())
    pair.change("bob", pools=())
    pair.change_child("alice", local_ts=pair.alice_config.children[0].remote_ts)
    pair.change_child("bob", remote_ts=pair.bob_config.children[0].local_ts)
    # I -> R  CP(CFG_REQUEST: ENCDNS_IP4(), ENCDNS_IP6(), ENCDNS_DIGEST_INFO(…))
    pair.connect()
    assert len(given(pair)) == 3


def test_rekeying_keeps_them() -> None:
    pair = encrypted_pair()
    pair.connect()
    pair.alice.order(pair.alice.sa, RekeyIke(ticket=3))
    pair.network.run()
    assert pair.alice.finished(3).ok
    (sa,) = pair.alice.sas.values()
    assert len(sa.snapshot(0).encrypted_dns) == 3
    assert not pair.alice.of(ServersTaken)


def test_what_is_malformed_is_left_out_and_told() -> None:
    pair = encrypted_pair()
    bad = Attribute(T.ENCDNS_IP4, b"\0\1\xff\0" + octets("10.2.0.53"))
    good = Attribute(T.ENCDNS_IP4, b"\0\1\1\0" + octets("10.2.0.54"))
    address = Attribute(T.INTERNAL_IP4_ADDRESS, octets("10.3.0.1"))
    reply = Configuration(ConfigurationType.REPLY, (address, bad, good))
    Meddling(pair, "bob", Exchange.IKE_AUTH, instead(reply))
    pair.connect()
    assert [str(one) for one in given(pair)] == ["10.2.0.54 priority=1"]
    assert any(line.startswith("ignoring ENCDNS_IP4: ") for line in pair.alice.log)


def test_gateway_that_knows_nothing_of_it_is_no_harm() -> None:
    pair = encrypted_pair()
    pair.change("bob", encdns=())
    pair.connect()
    assert given(pair) == () and pair.addresses() == ["10.3.0.1"]


def test_wishes_of_the_peer_are_ignored_and_copies_answered_once() -> None:
    """It may ask for a certain resolver: it gets those that there are (RFC 9464, 4)."""
    pair = encrypted_pair(frozenset({6}))
    wish = Attribute(T.ENCDNS_IP6, b"\0\1\0\3a.b")
    asked = (Attribute(T.INTERNAL_IP4_ADDRESS), wish, wish, Attribute(T.ENCDNS_IP6))
    request = Configuration(ConfigurationType.REQUEST, asked)
    Meddling(pair, "alice", Exchange.IKE_AUTH, instead(request), response=False)
    pair.connect()
    assert given(pair) == (replace(DOT, addresses=(SIX,)), DOH)


def test_reply_that_nobody_asked_for_is_ignored() -> None:
    pair = RoadWarrior()
    pair.change("alice", virtual_ips=())
    pair.change("bob", pools=())
    pair.change_child("alice", local_ts=pair.alice_config.children[0].remote_ts)
    pair.change_child("bob", remote_ts=pair.bob_config.children[0].local_ts)
    resolver = Attribute(T.ENCDNS_IP4, b"\0\1\1\0" + octets("10.2.0.54"))
    unasked = Configuration(ConfigurationType.REPLY, (resolver,))
    Meddling(pair, "bob", Exchange.IKE_AUTH, adding(unasked))
    pair.connect()
    assert given(pair) == ()
