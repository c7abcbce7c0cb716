"""Peers that do not say who they are (RFC 7619; leftauth=null, rightauth=null)."""

from dataclasses import replace

import pytest
from simulation.certified import certified_pair
from simulation.meddling import Meddling
from simulation.pair import Pair
from simulation.roadwarrior import RoadWarrior

from cygnet.base.identities import ANY, NULL, Identity, IdType
from cygnet.charon.encoding.exchanges import Exchange
from cygnet.charon.encoding.message import AnyPayload
from cygnet.charon.encoding.notify import NotifyType
from cygnet.charon.encoding.payloads import (
    Authentication,
    AuthenticationMethod,
    IdentificationInitiator,
    Notify,
)
from cygnet.charon.sa.orders import RekeyIke
from cygnet.keying.config.records import AuthClass, AuthConfig, Unique

NOBODY = AuthConfig(AuthClass.NULL, NULL)
WHOEVER = AuthConfig(AuthClass.NULL, ANY)


def null_pair(pair: Pair | None = None) -> Pair:
    """Neither side proves anything, and neither has a secret."""
    pair = pair or Pair()
    for whose in ("alice", "bob"):
        getattr(pair, whose).store.secrets.clear()
        pair.change(whose, local=(NOBODY,), remote=(WHOEVER,))
    return pair


def one_sided() -> Pair:
    """Bob has a certificate, Alice says nothing of herself."""
    pair = certified_pair()
    pair.alice.store.keys.clear()
    pair.change("alice", local=(NOBODY,))
    pair.change("bob", remote=(WHOEVER,))
    return pair


def test_both_sides_are_nobody() -> None:
    pair = null_pair()
    seen = said(pair, "alice")
    # I -> R  IKE_AUTH { IDi(ID_NULL), AUTH(NULL), SAi2, TSi, TSr }
    # R -> I  IKE_AUTH { IDr(ID_NULL), AUTH(NULL), SAr2, TSi, TSr }
    pair.connect()
    assert pair.is_up(), pair.bob.log
    for peer in (pair.alice, pair.bob):
        shown = peer.sa.snapshot(0)
        assert (shown.local_id, shown.remote_id, shown.auth) == (NULL, NULL, "NULL")
    assert [one.identity for one in seen if isinstance(one, IdentificationInitiator)] == [Identity(13, b"")]
    assert [one.method for one in seen if isinstance(one, Authentication)] == [13]
    pair.alice.order(pair.alice.sa, RekeyIke())
    pair.network.run(2)
    assert pair.is_up()
    assert pair.bob.sa.snapshot(0).remote_id == NULL


def test_initiator_is_nobody_and_responder_has_a_certificate() -> None:
    pair = one_sided()
    # I -> R  IKE_AUTH { IDi(ID_NULL), CERTREQ, IDr, AUTH(NULL), SAi2, TSi, TSr }
    # R -> I  IKE_AUTH { IDr, CERT, AUTH, SAr2, TSi, TSr }
    pair.connect()
    assert pair.is_up(), pair.bob.log
    assert str(pair.alice.sa.snapshot(0).remote_id) == "bob.test"
    assert pair.bob.sa.snapshot(0).remote_id == NULL


def test_initiator_has_a_secret_and_responder_is_nobody() -> None:
    pair = Pair()
    pair.change("alice", remote=(WHOEVER,))
    pair.change("bob", local=(NOBODY,))
    # I -> R  IKE_AUTH { IDi, AUTH(secret), SAi2, TSi, TSr }
    # R -> I  IKE_AUTH { IDr(ID_NULL), AUTH(NULL), SAr2, TSi, TSr }
    pair.connect()
    assert pair.is_up(), pair.alice.log
    assert pair.alice.sa.snapshot(0).remote_id == NULL
    assert str(pair.bob.sa.snapshot(0).remote_id) == "alice.test"


def test_name_that_is_told_is_believed_by_nobody() -> None:
    pair = null_pair()
    pair.change("alice", local=(replace(NOBODY, identity=Identity.parse("bob.test")),))
    # I -> R  IKE_AUTH { IDi(bob.test), AUTH(NULL), … }
    pair.connect()
    assert pair.is_up(), pair.bob.log
    assert pair.bob.said("peer 'bob.test' at 192.0.2.1[4500] is not authenticated")
    assert pair.bob.sa.snapshot(0).remote_id == NULL


# Refusals


@pytest.mark.parametrize("demanded", [AuthClass.PSK, AuthClass.PUBKEY, AuthClass.EAP, AuthClass.ANY])
@pytest.mark.parametrize("name", [NULL, Identity.parse("alice.test")])
def test_nobody_is_refused_where_that_is_not_configured(demanded: AuthClass, name: Identity) -> None:
    pair = null_pair()
    pair.change("alice", local=(replace(NOBODY, identity=name),))
    pair.change("bob", remote=(AuthConfig(demanded, ANY),))
    # R -> I  IKE_AUTH { N(AUTHENTICATION_FAILED) }
    pair.connect()
    assert pair.is_clean()
    assert pair.bob.said(f"required is {demanded}" if name.is_null else f"requires {demanded}"), pair.bob.log
    assert pair.alice.finished().reason == "received AUTHENTICATION_FAILED notify error"


@pytest.mark.parametrize("name", [NULL, Identity.parse("bob.test")])
def test_initiator_refuses_a_responder_that_proves_nothing(name: Identity) -> None:
    pair = one_sided()
    pair.change("bob", local=(replace(NOBODY, identity=name),))
    # R -> I  IKE_AUTH { IDr, AUTH(NULL), … }
    # I -> R  INFORMATIONAL { N(AUTHENTICATION_FAILED) }
    pair.connect()
    assert pair.is_clean()
    reason = pair.alice.finished().reason
    assert "requires public key authentication, but peer used NULL authentication" in reason \
        or "identity 'bob.test' required, peer is '%null'" in reason  # fmt: skip


def test_proof_where_none_is_wanted_is_refused() -> None:
    """Whom a connection for anybody is for is written there; a peer with a secret has one of its own."""
    pair = Pair()
    pair.change("bob", remote=(WHOEVER,))
    pair.connect()
    assert pair.is_clean()
    assert pair.bob.said("requires NULL authentication, but peer used pre-shared key authentication")


def test_nobody_with_a_secret_is_refused() -> None:
    pair = Pair()
    pair.change("alice", local=(AuthConfig(AuthClass.PSK, NULL),))
    pair.change("bob", remote=(AuthConfig(AuthClass.PSK, ANY),))
    pair.connect()
    assert pair.is_clean()
    assert pair.bob.said("peer says it is nobody (ID_NULL), required is pre-shared key authentication")


@pytest.mark.parametrize("whose", ["alice", "bob"])
def test_auth_payload_still_has_to_verify(whose: str) -> None:
    """It binds IKE_AUTH to IKE_SA_INIT: with the other side's key it is refused."""
    pair = null_pair()

    def spoil(old: tuple[AnyPayload, ...]) -> tuple[AnyPayload, ...]:
        wrong = Authentication(AuthenticationMethod.NULL, bytes(32))
        return tuple(wrong if isinstance(one, Authentication) else one for one in old)

    Meddling(pair, whose, Exchange.IKE_AUTH, spoil, response=whose == "bob")
    pair.connect()
    assert pair.is_clean()
    told = "AUTH payload of '%null' with NULL authentication does not verify"
    assert (pair.bob.said(told) if whose == "alice" else told in pair.alice.finished().reason), pair.bob.log


def test_peer_with_a_proof_gets_the_connection_that_asks_for_one() -> None:
    pair = Pair()
    pair.load()
    anybody = replace(pair.bob_config, name="anybody", remote=(WHOEVER,))
    pair.bob.connections.configs = [anybody, pair.bob_config]
    pair.alice.initiate(pair.alice_config, pair.alice_config.children[0], "192.0.2.2")
    pair.network.run(2)
    assert pair.bob.sa.name == "net-net"


def test_nobody_gets_no_connection_that_asks_for_a_proof() -> None:
    pair = null_pair()
    pair.load()
    known = replace(pair.bob_config, remote=(AuthConfig(AuthClass.PSK, ANY),))
    pair.bob.connections.configs = [known, replace(pair.bob_config, name="anybody")]
    pair.alice.initiate(pair.alice_config, pair.alice_config.children[0], "192.0.2.2")
    pair.network.run(2)
    assert pair.bob.sa.name == "anybody"


# What identities decide otherwise (RFC 7619, 2.3)


@pytest.mark.parametrize("unique", list(Unique))
def test_one_nobody_does_not_replace_another(unique: Unique) -> None:
    pair = null_pair()
    pair.change("bob", unique=unique)
    contact = Notify(NotifyType.INITIAL_CONTACT)
    Meddling(pair, "alice", Exchange.IKE_AUTH, lambda old: (*old, contact), response=False)
    # I -> R  IKE_AUTH { IDi(ID_NULL), AUTH(NULL), N(INITIAL_CONTACT), … }
    pair.connect()
    pair.alice.initiate(replace(pair.alice_config, name="second"), pair.alice_config.children[0], "192.0.2.2")
    pair.network.run(30)
    assert len(pair.bob.sas) == 2


def test_nobody_says_that_he_is_there_for_the_first_time() -> None:
    pair = one_sided()
    seen = said(pair, "alice")
    pair.connect()
    assert not [one for one in seen if isinstance(one, Notify) and one.type == NotifyType.INITIAL_CONTACT]
    assert [one for one in seen if isinstance(one, Authentication)]


def test_name_of_another_gives_no_power_over_it() -> None:
    """Alice has a proof; somebody without any uses her name, and says INITIAL_CONTACT."""
    pair = certified_pair()
    pair.connect()
    named = replace(NOBODY, identity=Identity.parse("alice.test"))
    anybody = replace(pair.bob_config, name="anybody", remote=(WHOEVER,))
    pair.bob.connections.configs = [pair.bob_config, anybody]
    contact = Notify(NotifyType.INITIAL_CONTACT)
    Meddling(pair, "alice", Exchange.IKE_AUTH, lambda old: (*old, contact), response=False)
    rogue = replace(pair.alice_config, name="rogue", local=(named,))
    pair.alice.initiate(rogue, rogue.children[0], "192.0.2.2")
    pair.network.run(30)
    assert sorted(sa.name for sa in pair.bob.sas.values()) == ["anybody", "net-net"]


def test_every_nobody_has_an_address_of_its_own() -> None:
    pair = RoadWarrior()
    null_pair(pair)
    for name in ("first", "second"):
        config = replace(pair.alice_config, name=name)
        pair.load()
        pair.alice.initiate(config, config.children[0], "192.0.2.2")
        pair.network.run(2)
    given = [address for sa in pair.bob.sas.values() for address in sa.snapshot(0).remote_virtual_ips]
    assert len(given) == len(set(given)) == 2
    assert {lease.identity for lease in pair.gateway.pools.leases("10.3.0.0/24")} == {
        Identity(IdType.NULL, b"192.0.2.1[4500]")
    }


def said(pair: Pair, whose: str) -> list[AnyPayload]:
    """What one side says in IKE_AUTH, as it comes."""
    seen: list[AnyPayload] = []

    def note(old: tuple[AnyPayload, ...]) -> tuple[AnyPayload, ...]:
        seen.extend(old)
        return old

    Meddling(pair, whose, Exchange.IKE_AUTH, note, response=whose == "bob")
    return seen
