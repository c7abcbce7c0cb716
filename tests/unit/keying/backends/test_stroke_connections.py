"""The connection store: merging, looking up, ranking."""

from dataclasses import replace
from ipaddress import ip_address

import pytest

from cygnet.base.addresses import Address, Host
from cygnet.base.identities import Identity
from cygnet.charon.backends.manager import BackendManager, chosen
from cygnet.ctl.stroke import AddConnection, End
from cygnet.keying.backends.errors import ConfigError
from cygnet.keying.backends.ports import Query
from cygnet.keying.backends.stroke_connections import StrokeConnections
from cygnet.keying.backends.stroke_translation import Translator
from cygnet.keying.config.settings import DaemonSettings

US, PEER = Host.of("192.0.2.1", 500), Host.of("192.0.2.2", 500)
NET = AddConnection("net", End("192.0.2.1", subnets="10.1.0.0/16"), End("192.0.2.2", subnets="10.2.0.0/16"))
LAN = replace(NET, name="lan", right=replace(NET.right, subnets="10.3.0.0/16"))


def test_connections_that_share_the_ike_part_are_one_peer() -> None:
    store = loaded(NET, LAN)
    assert [(peer.name, [child.name for child in peer.children]) for peer in store.peers()] == [
        ("net", ["net", "lan"])
    ]


@pytest.mark.parametrize(
    "other",
    [
        replace(LAN, ike="aes128-sha256-modp2048!"), replace(LAN, right=replace(LAN.right, id="@other")),
        replace(LAN, right=replace(LAN.right, address="192.0.2.3")), replace(LAN, mobike=False),
        replace(LAN, authby="psk"), replace(LAN, ike_lifetime_s=1),
    ],
)  # fmt: skip
def test_connections_with_another_ike_part_are_peers_of_their_own(other: AddConnection) -> None:
    assert [peer.name for peer in loaded(NET, other).peers()] == ["net", "lan"]


def test_child_is_found_by_its_name_with_all_of_its_peer() -> None:
    found = loaded(NET, LAN).child("lan")
    assert found is not None
    assert (found[0].name, found[1].name, len(found[0].children)) == ("net", "lan", 2)


def test_peer_is_found_by_its_own_name_only() -> None:
    store = loaded(NET, LAN)
    assert store.peer("net") == store.peers()[0]
    assert store.peer("lan") is None
    assert store.child("nobody") is store.peer("nobody") is None


def test_removed_connection_leaves_its_siblings() -> None:
    store = loaded(NET, LAN)
    assert store.remove("net")
    assert [(peer.name, len(peer.children)) for peer in store.peers()] == [("lan", 1)]
    assert store.remove("lan")
    assert not store.remove("lan")
    assert store.peers() == []
    assert store.candidates(Query(US, PEER)) == []


def test_connection_loaded_again_replaces_the_old_one() -> None:
    store = loaded(NET, replace(NET, right=replace(NET.right, address="192.0.2.9")))
    assert [peer.ike.remote.hosts for peer in store.peers()] == [("192.0.2.9",)]
    assert store.candidates(Query(US, PEER)) == []


def test_connection_that_is_refused_leaves_the_old_one() -> None:
    store = loaded(NET)
    with pytest.raises(ConfigError):
        store.add(replace(NET, esp="nonsense"))
    assert len(store.peers()) == 1


def test_number_of_connections_is_limited() -> None:
    store = make(limit=1)
    store.add(NET)
    store.add(NET)
    with pytest.raises(ConfigError, match="more than 1"):
        store.add(LAN)


def test_connection_without_a_name_is_refused() -> None:
    with pytest.raises(ConfigError, match="name"):
        make().add(replace(NET, name=""))


def test_candidates_are_ranked_exact_then_range_then_anybody() -> None:
    store = loaded(
        _to("any", "%any"), _to("wide", "192.0.0.0/8"), _to("range", "192.0.2.0-192.0.2.255"),
        _to("narrow", "192.0.2.0/28"), _to("exact", "192.0.2.2"), _to("name", "peer.example"),
        _to("other", "192.0.2.3"),
    )  # fmt: skip
    ranked = store.candidates(Query(US, PEER))
    assert [one.config.name for one in ranked] == ["exact", "name", "narrow", "range", "wide", "any"]
    assert ranked[0].reason == "remote address exact, local address exact"
    assert ranked[2].reason == "remote address in range, local address exact"
    assert ranked[-1].reason == "remote address any, local address exact"


def test_local_address_decides_among_equals() -> None:
    store = loaded(_to("a", "%any", local="%any"), _to("b", "%any"), _to("c", "%any", local="192.0.2.7"))
    assert [one.config.name for one in store.candidates(Query(US, PEER))] == ["b", "a"]


def test_identities_decide_where_they_are_known() -> None:
    store = loaded(
        _to("anybody", "%any", identity="%any"), _to("wild", "%any", identity="*.lab"),
        _to("b", "%any", identity="@b.lab"), _to("c", "%any", identity="@c.lab"),
    )  # fmt: skip
    ranked = store.candidates(Query(US, PEER, remote_id=Identity.parse("@b.lab")))
    assert [one.config.name for one in ranked] == ["b", "wild", "anybody"]
    assert "remote identity" in ranked[0].reason


def test_family_of_anybody_is_heeded() -> None:
    store = loaded(_to("four", "%any4", local="%any"), _to("six", "%any6", local="%any"))
    six = Host.of("2001:db8::2", 500)
    assert [one.config.name for one in store.candidates(Query(remote=six))] == ["six"]
    assert [one.config.name for one in store.candidates(Query(remote=PEER))] == ["four"]


def test_peer_whose_name_may_change_suits_any_address() -> None:
    store = loaded(_to("dyn", "%elsewhere.example"))
    assert [one.config.name for one in store.candidates(Query(US, PEER))] == ["dyn"]


def test_nothing_known_makes_everything_a_candidate() -> None:
    assert len(loaded(NET, _to("rw", "%any")).candidates(Query())) == 2


def test_policies_are_for_identities_that_suit() -> None:
    store = loaded(NET, LAN)
    us, them = Identity.parse("192.0.2.1"), Identity.parse("192.0.2.2")
    assert [child.name for child in store.children(store.peers()[0], us, them)] == ["net", "lan"]
    assert store.children(store.peers()[0], us, Identity.parse("@evil")) == ()


def test_manager_merges_backends_by_rank_and_then_by_order() -> None:
    first, second = loaded(_to("any", "%any"), _to("one", "192.0.2.2")), loaded(_to("two", "192.0.2.2"))
    manager = BackendManager([first, second], [])
    assert [found.config.name for found in manager.candidates(US, PEER)] == ["one", "two", "any"]
    assert [found.config.name for found in BackendManager([second, first], []).candidates(US, PEER)] == [
        "two", "one", "any",
    ]  # fmt: skip
    assert [peer.name for peer in manager.peers()] == ["any", "one", "two"]
    assert manager.child("two") == second.child("two")
    assert manager.peer("two") == second.peer("two")


def test_ikev1_connections_are_not_offered_to_ikev2() -> None:
    store = loaded(replace(_to("old", "%any"), version=1), _to("both", "%any"))
    assert [found.config.name for found in BackendManager([store], []).candidates(US, PEER)] == ["both"]


def test_policies_of_all_backends_are_told_once() -> None:
    store = loaded(NET)
    us, them = Identity.parse("192.0.2.1"), Identity.parse("192.0.2.2")
    manager = BackendManager([store], [], [store, store])
    assert [child.name for child in manager.children(store.peers()[0], us, them)] == ["net"]


def test_backends_are_chosen_by_name_and_unknown_ones_named() -> None:
    store = loaded()
    assert chosen("stroke", [store]) == [store]
    with pytest.raises(ConfigError, match="'ldap', only stroke"):
        chosen("stroke ldap", [store])


def _to(name: str, remote: str, local: str = "192.0.2.1", identity: str = "@x") -> AddConnection:
    """A connection that shares its peer config with no other."""
    return AddConnection(name, End(local, id=f"@{name}"), End(remote, id=identity))


def names(name: str) -> tuple[Address, ...]:
    return (ip_address("192.0.2.2"),) if name == "peer.example" else ()


def make(limit: int = 100) -> StrokeConnections:
    def is_ours(address: Address) -> bool:
        return str(address) == "192.0.2.1"

    return StrokeConnections(Translator(DaemonSettings(), lambda path: [], names, is_ours), names, limit)


def loaded(*requests: AddConnection) -> StrokeConnections:
    store = make()
    for request in requests:
        store.add(request)
    return store
