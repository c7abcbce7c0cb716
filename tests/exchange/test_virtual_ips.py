"""Virtual addresses: Configuration payloads, pools, leases (RFC 7296, 2.19, 3.15)."""

from dataclasses import replace

import pytest
from simulation.eap_pair import PASSWORD, eap_pair
from simulation.meddling import Meddling, adding, instead, without
from simulation.pair import BOB, selector
from simulation.peer import Peer
from simulation.roadwarrior import RoadWarrior, octets

from cygnet.base.identities import Identity
from cygnet.base.secret import Secret
from cygnet.charon.encoding.exchanges import Exchange
from cygnet.charon.encoding.payloads import Configuration
from cygnet.charon.encoding.payloads.configuration import Attribute, AttributeType, ConfigurationType
from cygnet.charon.sa.orders import Initiate, RekeyChild, RekeyIke, TerminateIke
from cygnet.eap.packets import MSCHAPV2
from cygnet.keying.config.records import AuthClass, AuthConfig, Unique
from cygnet.keying.config.settings import DaemonSettings
from cygnet.keying.sa.events import Servers, ServersGiven, ServersTaken

T = AttributeType
USER = AuthConfig(AuthClass.EAP, None, eap_methods=(MSCHAPV2,), eap_identity=Identity.parse("carol"))


def scope(pair: RoadWarrior, peer: Peer) -> tuple[str, str]:
    (child,) = pair.children(peer)
    return " ".join(map(str, child.local_ts)), " ".join(map(str, child.remote_ts))


def reply(*attributes: Attribute) -> Configuration:
    return Configuration(ConfigurationType.REPLY, attributes)


def test_address_from_a_pool_is_what_dynamic_means_on_both_sides() -> None:
    pair = RoadWarrior()
    # I -> R  IKE_AUTH { IDi, IDr, AUTH, CP(CFG_REQUEST: INTERNAL_IP4_ADDRESS()), SAi2, TSi(0.0.0.0/0), TSr }
    # R -> I  IKE_AUTH { IDr, AUTH, CP(CFG_REPLY: INTERNAL_IP4_ADDRESS(10.3.0.1)), SAr2, TSi(10.3.0.1), TSr }
    pair.connect()
    assert pair.is_up()
    assert scope(pair, pair.alice) == ("10.3.0.1/32", "10.2.0.0/16")
    assert scope(pair, pair.bob) == ("10.2.0.0/16", "10.3.0.1/32")
    assert pair.addresses() == ["10.3.0.1"]
    assert pair.leases() == [("10.3.0.1", "alice.test", True)]
    now = pair.network.now
    assert pair.alice.sa.snapshot(now).local_virtual_ips == pair.bob.sa.snapshot(now).remote_virtual_ips


def test_user_of_eap_gets_an_address_once_it_is_proven() -> None:
    pair = RoadWarrior()
    pair.change("alice", local=(*pair.alice_config.local, USER))
    pair.change("bob", remote=(*pair.bob_config.remote, replace(USER, eap_identity=Identity.parse("%any"))))
    for peer in (pair.alice, pair.bob):
        peer.store.passwords["carol"] = PASSWORD
    # I -> R  IKE_AUTH { IDi, IDr, AUTH, CP(CFG_REQUEST), …, N(ANOTHER_AUTH_FOLLOWS) }
    # I -> R  IKE_AUTH { IDi }
    # …
    # I -> R  IKE_AUTH { AUTH }
    # R -> I  IKE_AUTH { AUTH, CP(CFG_REPLY: INTERNAL_IP4_ADDRESS(10.3.0.1)), SAr2, TSi(10.3.0.1), TSr }
    pair.connect()
    assert pair.is_up()
    assert scope(pair, pair.bob) == ("10.2.0.0/16", "10.3.0.1/32")
    assert pair.leases() == [("10.3.0.1", "carol", True)]


def test_user_of_eap_alone_gets_an_address_too() -> None:
    pair = RoadWarrior()
    eap_pair(MSCHAPV2, pair=pair)
    # I -> R  IKE_AUTH { IDi, IDr, CP(CFG_REQUEST), SAi2, TSi, TSr }
    # R -> I  IKE_AUTH { IDr, AUTH, EAP/REQ/ID }
    # …
    # R -> I  IKE_AUTH { AUTH, CP(CFG_REPLY: INTERNAL_IP4_ADDRESS(10.3.0.1)), SAr2, TSi(10.3.0.1), TSr }
    pair.connect()
    assert pair.is_up()
    assert pair.leases() == [("10.3.0.1", "carol", True)]


def test_both_families_from_two_pools() -> None:
    pair = RoadWarrior("%config4,%config6", "10.3.0.0/24,fd03::/64")
    pair.change_child("alice", remote_ts=(selector("0.0.0.0/0"), selector("::/0")))
    pair.change_child("bob", local_ts=(selector("0.0.0.0/0"), selector("::/0")))
    # I -> R  CP(CFG_REQUEST: INTERNAL_IP4_ADDRESS(), INTERNAL_IP6_ADDRESS(), …), TSi(0.0.0.0/0, ::/0)
    # R -> I  CP(CFG_REPLY: INTERNAL_IP4_ADDRESS(10.3.0.1), INTERNAL_IP6_ADDRESS(fd03::1/128))
    pair.connect()
    assert pair.is_up()
    assert scope(pair, pair.alice)[0] == "10.3.0.1/32 fd03::1/128"
    assert pair.addresses() == ["10.3.0.1", "fd03::1"]


def test_one_family_of_two_is_better_than_none() -> None:
    pair = RoadWarrior("%config4,%config6")
    pair.connect()
    assert scope(pair, pair.alice)[0] == "10.3.0.1/32"


def test_first_pool_is_used_up_before_the_second() -> None:
    pair = RoadWarrior("%config,%config4", "10.3.0.7,10.4.0.0/24")
    pair.change("alice", virtual_ips=pair.alice_config.virtual_ips * 2)
    # I -> R  CP(CFG_REQUEST: INTERNAL_IP4_ADDRESS(), INTERNAL_IP4_ADDRESS(), …)
    pair.connect()
    assert pair.addresses() == ["10.3.0.7", "10.4.0.1", "10.4.0.2", "10.4.0.3"]


def test_certain_address_is_given_if_it_is_free() -> None:
    pair = RoadWarrior("10.3.0.99")
    # I -> R  CP(CFG_REQUEST: INTERNAL_IP4_ADDRESS(10.3.0.99))
    pair.connect()
    assert pair.addresses() == ["10.3.0.99"]


def test_gateway_that_echoes_gives_what_is_asked_for() -> None:
    pair = RoadWarrior("172.16.5.5", "%config")
    pair.connect()
    assert pair.is_up() and pair.addresses() == ["172.16.5.5"]


def test_gateway_that_echoes_cannot_give_any_address() -> None:
    pair = RoadWarrior("%config", "%config")
    pair.connect()
    assert not pair.addresses() and not pair.children(pair.alice)


def test_everything_goes_with_the_ike_sa_but_the_lease_is_kept() -> None:
    pair = RoadWarrior()
    sa = pair.connect()
    pair.alice.order(sa, TerminateIke())
    pair.network.run()
    assert pair.is_clean() and not pair.addresses()
    assert pair.leases() == [("10.3.0.1", "alice.test", False)]
    pair.connect()
    assert pair.leases() == [("10.3.0.1", "alice.test", True)]


def test_rekeying_the_ike_sa_keeps_the_address() -> None:
    pair = RoadWarrior()
    sa = pair.connect()
    pair.alice.order(sa, RekeyIke())
    pair.network.run()
    pair.bob.order(pair.bob.sa, RekeyIke())
    pair.network.run()
    assert pair.is_up() and pair.addresses() == ["10.3.0.1"]
    assert pair.leases() == [("10.3.0.1", "alice.test", True)]
    pair.bob.order(pair.bob.sa, TerminateIke())
    pair.network.run()
    assert pair.is_clean()
    assert pair.leases() == [("10.3.0.1", "alice.test", False)]


def test_rekeying_the_child_sa_keeps_its_selectors() -> None:
    pair = RoadWarrior()
    pair.connect()
    for peer in (pair.alice, pair.bob):
        (child,) = pair.children(peer)
        peer.order(peer.sa, RekeyChild(child.unique_id))
        pair.network.run(20)
        assert pair.is_up() and scope(pair, pair.alice) == ("10.3.0.1/32", "10.2.0.0/16")


@pytest.mark.parametrize("unique", [Unique.REPLACE, Unique.KEEP, Unique.NO, Unique.NEVER])
def test_make_before_break_gets_the_same_address(unique: Unique) -> None:
    pair = RoadWarrior()
    pair.change("alice", ike_lifetime_s=3600, margin_s=300, reauth=True, unique=unique)
    pair.change("bob", unique=unique)
    old = pair.connect()
    # I -> R  IKE_AUTH { …, CP(CFG_REQUEST: INTERNAL_IP4_ADDRESS(10.3.0.1)), … }          a second IKE_SA
    # R -> I  IKE_AUTH { …, CP(CFG_REPLY: INTERNAL_IP4_ADDRESS(10.3.0.1)), … }
    # I -> R  INFORMATIONAL { D }                                                          on the first
    pair.network.run(3350)
    assert pair.is_up() and pair.alice.sa is not old
    assert pair.addresses() == ["10.3.0.1"]
    assert pair.leases() == [("10.3.0.1", "alice.test", True)]
    assert scope(pair, pair.alice) == ("10.3.0.1/32", "10.2.0.0/16")


def test_who_gave_the_address_leaves_reauthenticating_to_the_peer() -> None:
    pair = RoadWarrior()
    pair.change("bob", ike_lifetime_s=3600, margin_s=300, reauth=True)
    pair.connect()
    # R -> I  IKE_AUTH { …, N(AUTH_LIFETIME) }
    pair.network.run(3400)
    assert pair.is_up()
    assert pair.leases() == [("10.3.0.1", "alice.test", True)]


def test_break_before_make_gets_the_same_address() -> None:
    pair = RoadWarrior(settings=DaemonSettings(make_before_break=False))
    pair.change("alice", ike_lifetime_s=3600, margin_s=300, reauth=True)
    pair.connect()
    pair.network.run(3350)
    assert pair.is_up() and pair.addresses() == ["10.3.0.1"]


def test_peer_that_asks_for_no_address_gets_no_child_sa() -> None:
    pair = RoadWarrior()
    pair.change("alice", virtual_ips=())
    # I -> R  IKE_AUTH { IDi, AUTH, SAi2, TSi, TSr }
    # R -> I  IKE_AUTH { IDr, AUTH, N(FAILED_CP_REQUIRED) }
    pair.connect()
    assert pair.alice.is_established() and not pair.children(pair.alice) and not pair.children(pair.bob)
    assert "FAIL_CP_REQ" in " ".join(pair.alice.log)
    outcome = pair.alice.finished()
    assert outcome is not None and not outcome.ok and "FAILED_CP_REQUIRED" in outcome.reason


def test_child_sa_about_a_network_needs_no_virtual_address() -> None:
    pair = RoadWarrior()
    pair.change("alice", virtual_ips=())
    pair.change_child("alice", local_ts=(selector("10.1.0.0/16"),))
    pair.change_child("bob", remote_ts=(selector("10.1.0.0/16"),))
    pair.connect()
    assert pair.is_up()


def test_empty_pool_is_an_internal_address_failure() -> None:
    pair = RoadWarrior(pool="10.3.0.1")
    pair.any_peer()
    other = pair.warrior(1)
    pair.connect()
    mine = replace(pair.alice_config, local=(AuthConfig(AuthClass.PSK, Identity.parse("carol.test")),))
    # I -> R  IKE_AUTH { IDi, IDr, AUTH, CP(CFG_REQUEST: INTERNAL_IP4_ADDRESS()), SAi2, TSi, TSr }
    # R -> I  IKE_AUTH { IDr, AUTH, N(INTERNAL_ADDRESS_FAILURE) }
    other.initiate(mine, mine.children[0], BOB)
    pair.network.run()
    assert other.is_established() and not other.kernel.virtual
    outcome = other.finished()
    assert outcome is not None and not outcome.ok and "INTERNAL_ADDRESS_FAILURE" in outcome.reason
    assert pair.leases("10.3.0.1") == [("10.3.0.1", "alice.test", True)]


def test_address_failure_is_told_without_a_child_sa_too() -> None:
    pair = RoadWarrior(pool="fd03::/64")
    pair.load()
    # I -> R  IKE_AUTH { IDi, IDr, AUTH, CP(CFG_REQUEST: INTERNAL_IP4_ADDRESS()) }
    # R -> I  IKE_AUTH { IDr, AUTH, N(INTERNAL_ADDRESS_FAILURE) }
    pair.alice.initiate(pair.alice_config, None, BOB)
    pair.network.run()
    assert pair.alice.is_established()
    assert any("INT_ADDR_FAIL" in line for line in pair.alice.log)


def test_later_child_sas_are_about_the_same_address() -> None:
    pair = RoadWarrior()
    pair.load()
    sa = pair.alice.initiate(pair.alice_config, None, BOB)
    pair.network.run()
    # I -> R  CREATE_CHILD_SA { SA, Ni, TSi(10.3.0.1), TSr }
    pair.alice.order(sa, Initiate(pair.alice_config.children[0]))
    pair.network.run()
    assert pair.is_up() and scope(pair, pair.bob) == ("10.2.0.0/16", "10.3.0.1/32")


def test_responder_makes_child_sas_to_the_virtual_address() -> None:
    pair = RoadWarrior()
    pair.load()
    pair.alice.initiate(pair.alice_config, None, BOB)
    pair.network.run()
    pair.bob.order(pair.bob.sa, Initiate(pair.bob_config.children[0]))
    pair.network.run()
    assert pair.is_up() and scope(pair, pair.alice) == ("10.3.0.1/32", "10.2.0.0/16")


def test_addresses_of_one_identity_are_bounded() -> None:
    pair = RoadWarrior(settings=DaemonSettings(max_virtual_ips=3))
    pair.change("alice", virtual_ips=pair.alice_config.virtual_ips * 20)
    pair.connect()
    assert len(pair.leases()) == len(pair.addresses()) == 3


def test_two_hosts_of_one_identity_have_two_addresses_where_that_may_be() -> None:
    pair = RoadWarrior()
    pair.change("bob", unique=Unique.NEVER)
    other = pair.warrior(1)
    pair.connect()
    other.initiate(pair.alice_config, pair.alice_config.children[0], BOB)
    pair.network.run()
    assert [one for one, _, online in pair.leases() if online] == ["10.3.0.1", "10.3.0.2"]


def test_peer_that_does_not_authenticate_itself_gets_nothing() -> None:
    pair = RoadWarrior()
    pair.alice.store.secrets.clear()
    pair.alice.store.secrets.append((None, Secret(b"another secret of some length")))
    pair.connect()
    assert not pair.bob.sas and pair.leases() == []


def test_ike_sa_that_is_refused_after_all_gives_its_lease_back() -> None:
    pair = RoadWarrior()
    pair.any_peer()
    pair.change("bob", unique=Unique.KEEP)
    pair.change("alice", unique=Unique.NEVER)
    pair.connect()
    other = pair.warrior(1)
    other.initiate(pair.alice_config, pair.alice_config.children[0], BOB)
    pair.network.run()
    assert not other.is_established()
    assert pair.leases() == [("10.3.0.1", "alice.test", True)]


@pytest.mark.parametrize(
    "value",
    [b"", b"\x0a\x03\x00", b"\x0a\x03\x00\x01\x05", bytes(4), octets("224.0.0.1"), octets("127.0.0.1")],
)
def test_address_that_is_none_is_not_taken(value: bytes) -> None:
    pair = RoadWarrior()
    Meddling(pair, "bob", Exchange.IKE_AUTH, instead(reply(Attribute(T.INTERNAL_IP4_ADDRESS, value))))
    pair.connect()
    assert not pair.addresses() and not pair.children(pair.alice)
    assert pair.alice.is_established()


def test_addresses_that_nobody_asked_for_are_not_taken() -> None:
    pair = RoadWarrior()
    more = [Attribute(T.INTERNAL_IP4_ADDRESS, octets(f"10.3.0.{number}")) for number in range(1, 200)]
    six = Attribute(T.INTERNAL_IP6_ADDRESS, octets("fd03::1") + b"\x80")
    Meddling(pair, "bob", Exchange.IKE_AUTH, instead(reply(six, *more)))
    pair.connect()
    assert pair.is_up() and pair.addresses() == ["10.3.0.1"]


def test_unasked_reply_is_ignored() -> None:
    pair = RoadWarrior(pool="")
    pair.change("alice", virtual_ips=())
    Meddling(
        pair, "bob", Exchange.IKE_AUTH, adding(reply(Attribute(T.INTERNAL_IP4_ADDRESS, octets("10.3.0.1"))))
    )
    pair.connect()
    assert pair.is_up() and not pair.addresses()


def test_responder_that_ignores_the_request_is_taken_as_it_is() -> None:
    pair = RoadWarrior(pool="")
    Meddling(pair, "bob", Exchange.IKE_AUTH, without(Configuration))
    pair.connect()
    assert pair.is_up() and scope(pair, pair.alice)[0] == "192.0.2.1/32"


def test_selectors_wider_than_the_address_are_cut_to_it() -> None:
    pair = RoadWarrior()
    pair.change_child("bob", remote_ts=(selector("0.0.0.0/0"),))
    # R -> I  IKE_AUTH { …, CP(CFG_REPLY: INTERNAL_IP4_ADDRESS(10.3.0.1)), SAr2, TSi(0.0.0.0/0), TSr }
    pair.connect()
    assert scope(pair, pair.alice) == ("10.3.0.1/32", "10.2.0.0/16")


def test_address_that_the_kernel_refuses_makes_no_child_sa() -> None:
    pair = RoadWarrior()
    pair.alice.kernel.fail_next("add_address", "no such device")
    pair.connect()
    assert pair.alice.is_established() and not pair.children(pair.alice)
    pair.alice.order(pair.alice.sa, TerminateIke())
    pair.network.run()
    assert pair.is_clean()


def test_addresses_are_left_to_others_with_install_virtual_ip_off() -> None:
    pair = RoadWarrior(settings=DaemonSettings(install_virtual_ip=False))
    sa = pair.connect()
    assert pair.is_up() and not pair.addresses()
    assert scope(pair, pair.alice)[0] == "10.3.0.1/32"
    pair.alice.order(sa, TerminateIke())
    pair.network.run()
    assert pair.is_clean()


def test_interface_is_that_of_the_settings() -> None:
    pair = RoadWarrior(settings=DaemonSettings(install_virtual_ip_on="dummy0"))
    pair.connect()
    assert [device for _, device in pair.alice.kernel.virtual] == ["dummy0"]


DNS = [
    Attribute(T.INTERNAL_IP4_DNS, octets("10.2.0.53")),
    Attribute(T.INTERNAL_IP4_DNS, octets("10.2.0.54")),
    Attribute(T.INTERNAL_DNS_DOMAIN, b"Corp.Example.com."),
    Attribute(T.INTERNAL_DNS_DOMAIN, b"bad domain\nnameserver 6.6.6.6"),
    Attribute(T.INTERNAL_IP4_SUBNET, octets("10.2.0.0") + octets("255.255.0.0")),
]


def given(pair: RoadWarrior) -> list[Servers]:
    return [one.servers for one in pair.alice.of(ServersGiven)]


def test_name_servers_are_told_with_the_address() -> None:
    pair = RoadWarrior()
    pair.gateway.told = DNS
    # I -> R  CP(CFG_REQUEST: INTERNAL_IP4_ADDRESS(), INTERNAL_IP4_DNS())
    # R -> I  CP(CFG_REPLY: INTERNAL_IP4_ADDRESS(10.3.0.1), INTERNAL_IP4_DNS(10.2.0.53), …)
    sa = pair.connect()
    (servers,) = given(pair)
    assert list(map(str, servers.dns)) == ["10.2.0.53", "10.2.0.54"]
    assert servers.domains == ()
    pair.alice.order(sa, TerminateIke())
    pair.network.run()
    assert [one.servers for one in pair.alice.of(ServersTaken)] == [servers]


def test_domains_are_told_to_those_who_ask() -> None:
    pair = RoadWarrior(settings=DaemonSettings(resolve_resolvectl="/usr/bin/resolvectl"))
    pair.gateway.told = DNS
    # I -> R  CP(CFG_REQUEST: INTERNAL_IP4_ADDRESS(), INTERNAL_IP4_DNS(), INTERNAL_DNS_DOMAIN())
    # R -> I  CP(CFG_REPLY: …, INTERNAL_DNS_DOMAIN(Corp.Example.com.))             (RFC 8598, 3)
    pair.connect()
    assert [servers.domains for servers in given(pair)] == [("corp.example.com",)]


def test_failure_notify_and_reply_of_another_kind_change_nothing() -> None:
    pair = RoadWarrior()
    odd = Configuration(ConfigurationType.SET, (Attribute(T.INTERNAL_IP4_ADDRESS, octets("10.3.0.9")),))
    Meddling(pair, "bob", Exchange.IKE_AUTH, instead(odd))
    pair.connect()
    assert pair.alice.is_established() and not pair.addresses()


def test_request_that_is_not_one_is_ignored() -> None:
    pair = RoadWarrior()
    odd = Configuration(ConfigurationType.SET, (Attribute(T.INTERNAL_IP4_ADDRESS, octets("10.3.0.9")),))
    Meddling(pair, "alice", Exchange.IKE_AUTH, instead(odd), response=False)
    pair.connect()
    assert pair.leases() == [] and not pair.children(pair.bob)
