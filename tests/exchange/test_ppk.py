"""Post-quantum pre-shared keys (RFC 8784): used, left out, insisted on, missing, unequal."""

from dataclasses import replace

import pytest
from simulation.certified import certified_pair
from simulation.eap_pair import PASSWORD, certify, eap_pair
from simulation.meddling import Meddling
from simulation.misbehaviour import misbehave, notify_data, without_notify
from simulation.network import Datagram, Weather
from simulation.pair import IKE, Pair

from cygnet.base.identities import Identity
from cygnet.base.secret import Secret
from cygnet.charon.encoding.exchanges import Exchange
from cygnet.charon.encoding.message import build_clear, parse_message
from cygnet.charon.encoding.notify import NotifyType
from cygnet.charon.encoding.payloads import Notify
from cygnet.charon.sa.orders import RekeyIke
from cygnet.crypto.proposals import Protocol, parse_proposals
from cygnet.eap.packets import MD5, MSCHAPV2, TLS, EapType
from cygnet.keying.config.records import AuthClass, AuthConfig

NAME = Identity.parse("ppk.of.alice")
PPK, OTHER = Secret(bytes(range(32))), Secret(bytes(32))
SECOND = AuthConfig(AuthClass.PSK, Identity.parse("second.test"))
USER = AuthConfig(AuthClass.EAP, None, eap_methods=(MSCHAPV2,), eap_identity=Identity.parse("carol"))


def ppk_pair(
    pair: Pair | None = None, *, alice: bool = False, bob: bool = False, theirs: Secret | None = PPK
) -> Pair:
    """Alice has a PPK, and Bob ``theirs`` under the same name; ``alice`` and ``bob`` insist on it."""
    pair = pair or Pair()
    pair.change("alice", ppk_id=NAME, ppk_required=alice)
    pair.change("bob", ppk_required=bob)
    pair.alice.store.ppks[NAME.data] = PPK
    if theirs is not None:
        pair.bob.store.ppks[NAME.data] = theirs
    return pair


def in_use(pair: Pair) -> list[str]:
    """The PPK_ID that either side has mixed into the keys of its IKE_SA."""
    return [sa.snapshot(pair.network.now).ppk for peer in (pair.alice, pair.bob) for sa in peer.sas.values()]


def notifies(pair: Pair, whose: str, exchange: str) -> list[str]:
    """Which of the notifies about PPKs this side read, in messages of an exchange."""
    log = getattr(pair, whose).log
    lines = [line for line in log if line.startswith(f"parsed {exchange}")]
    return [kind for line in lines for kind in ("USE_PPK", "PPK_ID", "NO_PPK") if f"N({kind})" in line]


def assert_used(pair: Pair) -> None:
    assert pair.is_up(), pair.bob.log
    assert in_use(pair) == ["ppk.of.alice"] * 2


def assert_plain(pair: Pair) -> None:
    assert pair.is_up(), pair.bob.log
    assert in_use(pair) == ["", ""]


def assert_refused(pair: Pair, reason: str) -> None:
    """Bob has refused, and tells why; Alice hears that he has."""
    assert pair.is_clean()
    assert pair.bob.said(reason), pair.bob.log
    assert pair.alice.finished().reason == "received AUTHENTICATION_FAILED notify error"


def test_ppk_that_both_have_is_used() -> None:
    pair = ppk_pair()
    # I -> R  IKE_SA_INIT { SAi1, KEi, Ni, N(USE_PPK) }
    # R -> I  IKE_SA_INIT { SAr1, KEr, Nr, N(USE_PPK) }
    # I -> R  IKE_AUTH { IDi, IDr, AUTH, SAi2, TSi, TSr, N(PPK_IDENTITY, PPK_ID), N(NO_PPK_AUTH) }
    # R -> I  IKE_AUTH { IDr, AUTH, SAr2, TSi, TSr, N(PPK_IDENTITY) }
    pair.connect()
    assert_used(pair)
    assert notifies(pair, "bob", "IKE_SA_INIT") == notifies(pair, "alice", "IKE_SA_INIT") == ["USE_PPK"]
    assert notifies(pair, "bob", "IKE_AUTH") == ["PPK_ID", "NO_PPK"]
    assert notifies(pair, "alice", "IKE_AUTH") == ["PPK_ID"]


@pytest.mark.parametrize(("alice", "bob"), [(True, False), (False, True), (True, True)])
def test_who_insists_gets_it(alice: bool, bob: bool) -> None:
    pair = ppk_pair(alice=alice, bob=bob)
    # I -> R  IKE_AUTH { IDi, IDr, AUTH, SAi2, TSi, TSr, N(PPK_IDENTITY, PPK_ID), [N(NO_PPK_AUTH)] }
    pair.connect()
    assert_used(pair)
    assert ("NO_PPK" in notifies(pair, "bob", "IKE_AUTH")) is not alice


@pytest.mark.parametrize("kind", ["ec256", "rsa", "ed25519"])
@pytest.mark.parametrize("theirs", [PPK, None])
def test_signatures_cover_either_form(kind: str, theirs: Secret | None) -> None:
    """With the PPK, and from NO_PPK_AUTH, where Bob has another one only."""
    pair = ppk_pair(certified_pair(kind), theirs=theirs)
    pair.bob.store.ppks[b"another"] = OTHER
    pair.connect()
    (assert_used if theirs else assert_plain)(pair)


@pytest.mark.parametrize("optional", [True, False])
def test_responder_without_any_ppk(optional: bool) -> None:
    pair = ppk_pair(alice=not optional, theirs=None)
    # I -> R  IKE_SA_INIT { SAi1, KEi, Ni, N(USE_PPK) }
    # R -> I  IKE_SA_INIT { SAr1, KEr, Nr }
    pair.connect()
    assert pair.bob.said("peer offers to use a PPK, there is none here")
    if optional:
        assert_plain(pair)
        assert notifies(pair, "bob", "IKE_AUTH") == []
        return
    assert not pair.alice.sas
    assert pair.alice.finished().reason == "PPK required but peer does not support PPK"
    pair.network.run(200)  # nothing follows: Bob's half-open IKE_SA ends by itself
    assert pair.is_clean()


@pytest.mark.parametrize(("required", "reason"), [
    (True, "PPK required but no PPK found for 'ppk.of.alice'"), (False, ""),
])  # fmt: skip
def test_initiator_without_its_ppk(required: bool, reason: str) -> None:
    """It says nothing of PPKs, since whoever says USE_PPK has to name one."""
    pair = ppk_pair(alice=required)
    pair.alice.store.ppks.clear()
    pair.connect()
    if not required:
        assert_plain(pair)
        assert pair.alice.said("no PPK for 'ppk.of.alice' found, ignored because PPK is not required")
        return
    assert pair.alice.finished().reason == reason
    assert not pair.alice.sas and not pair.bob.sas and not pair.network.travelled


@pytest.mark.parametrize("name", [None, Identity.parse("*.alice")])
def test_initiator_that_insists_has_to_name_one(name: Identity | None) -> None:
    pair = ppk_pair(alice=True)
    pair.change("alice", ppk_id=name)
    pair.connect()
    assert pair.alice.finished().reason == "PPK required but no PPK_ID configured"


def test_responder_that_knows_another_name_only_takes_the_proof_without() -> None:
    pair = ppk_pair(theirs=None)
    pair.bob.store.ppks[b"another"] = OTHER
    # I -> R  IKE_AUTH { IDi, IDr, AUTH, SAi2, TSi, TSr, N(PPK_IDENTITY, PPK_ID), N(NO_PPK_AUTH) }
    # R -> I  IKE_AUTH { IDr, AUTH, SAr2, TSi, TSr }
    pair.connect()
    assert_plain(pair)
    assert pair.bob.said("no PPK found for 'ppk.of.alice', using NO_PPK_AUTH notify")
    assert pair.alice.said("peer didn't use PPK for PPK_ID 'ppk.of.alice'")


@pytest.mark.parametrize(("alice", "bob", "reason"), [
    (True, False, "no PPK found for 'ppk.of.alice', and the peer requires a PPK"),
    (False, True, "PPK required, no PPK found for 'ppk.of.alice'"),
    (True, True, "PPK required, no PPK found for 'ppk.of.alice'"),
])  # fmt: skip
def test_name_that_the_responder_does_not_know_is_refused(alice: bool, bob: bool, reason: str) -> None:
    pair = ppk_pair(alice=alice, bob=bob, theirs=None)
    pair.bob.store.ppks[b"another"] = OTHER
    # R -> I  IKE_AUTH { N(AUTHENTICATION_FAILED) }
    pair.connect()
    assert_refused(pair, reason)


def null_pair(theirs: Secret | None = PPK) -> Pair:
    """Neither proves anything but that it has the PPK."""
    pair = ppk_pair(theirs=theirs)
    for whose in ("alice", "bob"):
        config = getattr(pair, f"{whose}_config")
        pair.change(
            whose,
            local=tuple(replace(one, auth=AuthClass.NULL) for one in config.local),
            remote=tuple(replace(one, auth=AuthClass.NULL) for one in config.remote),
        )
    return pair


def test_ppk_alone_authenticates_where_authentication_is_null() -> None:
    # I -> R  IKE_AUTH { IDi, IDr, AUTH, SAi2, TSi, TSr, N(PPK_IDENTITY) }, without NO_PPK_AUTH
    pair = null_pair()
    pair.connect()
    assert_used(pair)
    assert notifies(pair, "bob", "IKE_AUTH") == ["PPK_ID"]


def test_null_authentication_is_refused_without_the_ppk_that_both_offered() -> None:
    unequal, unknown = null_pair(OTHER), null_pair(None)
    unknown.bob.store.ppks[b"another"] = PPK
    for pair in (unequal, unknown):
        pair.connect()
        assert pair.is_clean()
    assert any("PPK required, no PPK found for 'ppk.of.alice'" in line for line in unknown.bob.log)


@pytest.mark.parametrize("optional", [True, False])
def test_unequal_ppks_authenticate_nobody(optional: bool) -> None:
    """The name is known, so that NO_PPK_AUTH does not count."""
    pair = ppk_pair(alice=not optional, theirs=OTHER)
    # R -> I  IKE_AUTH { N(AUTHENTICATION_FAILED) }
    pair.connect()
    assert_refused(pair, "MAC mismatched")


@pytest.mark.parametrize("own", [True, False])
def test_peer_that_uses_none_is_refused_where_one_is_required(own: bool) -> None:
    pair = ppk_pair(bob=True)
    pair.change("alice", ppk_id=None)
    if not own:
        pair.bob.store.ppks.clear()
    # I -> R  IKE_SA_INIT { SAi1, KEi, Ni }
    # R -> I  IKE_AUTH { N(AUTHENTICATION_FAILED) }
    pair.connect()
    assert_refused(pair, f"PPK required but {'peer does not support PPK' if own else 'there is none here'}")


def test_connection_that_requires_none_is_taken_instead() -> None:
    pair = ppk_pair(bob=True)
    pair.change("alice", ppk_id=None)
    pair.load()
    pair.bob.connections.configs.append(replace(pair.bob_config, name="open", ppk_required=False))
    pair.alice.initiate(pair.alice_config, pair.alice_config.children[0], pair.bob.address)
    pair.network.run()
    assert_plain(pair)
    assert pair.bob.sa.snapshot(0).name == "open"


def test_connection_that_suits_the_ppk_is_taken() -> None:
    pair = ppk_pair()
    pair.load()
    first = replace(pair.bob_config, name="first", ppk_id=Identity.parse("another"), ppk_required=True)
    pair.bob.connections.configs = [first, replace(pair.bob_config, name="second", ppk_id=NAME)]
    pair.alice.initiate(pair.alice_config, pair.alice_config.children[0], pair.bob.address)
    pair.network.run()
    assert_used(pair)
    assert pair.bob.sa.snapshot(0).name == "second"


@pytest.mark.parametrize(("wanted", "fits"), [
    ("ppk.of.alice", True), ("*.alice", True), ("%any", True), ("ppk.of.bob", False), ("*.bob", False),
])  # fmt: skip
def test_responder_holds_the_peer_to_the_ppk_of_the_connection(wanted: str, fits: bool) -> None:
    pair = ppk_pair(bob=True)
    pair.change("bob", ppk_id=Identity.parse(wanted))
    pair.connect()
    if fits:
        assert_used(pair)
    else:
        assert_refused(pair, f"PPK required, received PPK_ID 'ppk.of.alice', but require '{wanted}'")


@pytest.mark.parametrize("methods", [(MSCHAPV2,), (MD5,)])
@pytest.mark.parametrize("theirs", [PPK, None])
def test_with_eap_the_last_auth_has_it(methods: tuple[EapType, ...], theirs: Secret | None) -> None:
    """MD5 makes no key: AUTH is made with SK_pi itself there, in either form."""
    pair = ppk_pair(eap_pair(*methods), theirs=theirs)
    pair.bob.store.ppks[b"another"] = OTHER
    # I -> R  IKE_AUTH { IDi, SAi2, TSi, TSr }
    # R -> I  IKE_AUTH { IDr, AUTH, EAP }
    # I -> R  IKE_AUTH { EAP }
    # R -> I  IKE_AUTH { EAP (success) }
    # I -> R  IKE_AUTH { AUTH, N(PPK_IDENTITY, PPK_ID), N(NO_PPK_AUTH) }
    # R -> I  IKE_AUTH { AUTH, SAr2, TSi, TSr, [N(PPK_IDENTITY)] }
    pair.connect()
    (assert_used if theirs else assert_plain)(pair)
    assert notifies(pair, "bob", "IKE_AUTH") == ["PPK_ID", "NO_PPK"]


def test_eap_alone_with_it() -> None:
    pair = eap_pair(TLS)
    certify(pair, mutual=True)
    ppk_pair(pair, alice=True, bob=True)
    pair.connect()
    assert_used(pair)


@pytest.mark.parametrize("reason", ["PPK required, no PPK found", "PPK required but peer does not support"])
def test_with_eap_who_does_not_use_it_is_refused(reason: str) -> None:
    pair = ppk_pair(eap_pair(MSCHAPV2), bob=True, theirs=None)
    pair.bob.store.ppks[b"another"] = OTHER
    if "support" in reason:
        pair.change("alice", ppk_id=None)
    pair.connect()
    assert_refused(pair, reason)


@pytest.mark.parametrize("first", ["secret", "user"])
@pytest.mark.parametrize("theirs", [PPK, None])
def test_with_several_rounds_the_first_auth_tells_of_it(first: str, theirs: Secret | None) -> None:
    pair = Pair()
    ours = (*pair.alice_config.local, USER)
    asked = replace(USER, identity=Identity.parse("%any"), eap_identity=Identity.parse("%any"))
    of_her = (*pair.bob_config.remote, asked)
    if first == "user":
        ours = (replace(USER, identity=Identity.parse("alice.test")), SECOND)
        of_her = (asked, SECOND)
    pair.change("alice", local=ours)
    pair.change("bob", remote=of_her)
    for peer in (pair.alice, pair.bob):
        peer.store.passwords["carol"] = PASSWORD
    ppk_pair(pair, theirs=theirs)
    pair.bob.store.ppks[b"another"] = OTHER
    # I -> R  IKE_AUTH { IDi, AUTH, N(ANOTHER_AUTH_FOLLOWS), N(PPK_IDENTITY, PPK_ID), N(NO_PPK_AUTH) }
    # R -> I  IKE_AUTH { IDr, AUTH, [N(PPK_IDENTITY)] }
    # I -> R  IKE_AUTH { IDi }
    # …
    # R -> I  IKE_AUTH { AUTH, SAr2, TSi, TSr }
    pair.connect()
    (assert_used if theirs else assert_plain)(pair)
    assert notifies(pair, "bob", "IKE_AUTH") == ["PPK_ID", "NO_PPK"]


def test_rounds_of_the_responder_have_it_too() -> None:
    pair = Pair()
    for whose in ("alice", "bob"):
        config = getattr(pair, f"{whose}_config")
        pair.change(whose, local=(*config.local, SECOND), remote=(*config.remote, SECOND))
    ppk_pair(pair, alice=True, bob=True)
    pair.connect()
    assert_used(pair)


def test_after_ike_intermediate() -> None:
    pair = ppk_pair(alice=True, bob=True)
    proposals = parse_proposals("aes256gcm16-prfsha384-curve25519-ke1_ecp256!", Protocol.IKE)
    for whose in ("alice", "bob"):
        pair.change(whose, ike=replace(getattr(pair, f"{whose}_config").ike, proposals=proposals))
    # I -> R  IKE_SA_INIT { SAi1, KEi, Ni, N(INTERMEDIATE_EXCHANGE_SUPPORTED), N(USE_PPK) }
    # I -> R  IKE_INTERMEDIATE { KEi }
    # I -> R  IKE_AUTH { IDi, IDr, AUTH, SAi2, TSi, TSr, N(PPK_IDENTITY, PPK_ID) }
    pair.connect()
    assert_used(pair)


@pytest.mark.parametrize("whose", ["alice", "bob"])
def test_rekeyed_ike_sa_inherits_it(whose: str) -> None:
    """By SK_d alone: nothing is said of PPKs, and none is mixed in once more (RFC 8784, 3)."""
    pair = ppk_pair(alice=True, bob=True)
    pair.connect()
    peer = getattr(pair, whose)
    # whose -> other  CREATE_CHILD_SA { SA, Ni, KEi }
    # other -> whose  CREATE_CHILD_SA { SA, Nr, KEr }
    peer.order(peer.sa, RekeyIke(ticket=3))
    pair.network.run()
    assert peer.finished(3).ok
    assert_used(pair)
    assert notifies(pair, "bob", "CREATE_CHILD_SA") == []


def test_ppk_survives_the_choice_of_another_key_exchange() -> None:
    pair = ppk_pair(alice=True)
    proposals = parse_proposals("aes128gcm16-prfsha256-ecp256-curve25519!", Protocol.IKE)
    pair.change("alice", ike=replace(pair.alice_config.ike, proposals=proposals))
    pair.change("bob", ike=replace(pair.bob_config.ike, proposals=IKE))
    # R -> I  IKE_SA_INIT { N(INVALID_KE_PAYLOAD) }
    # I -> R  IKE_SA_INIT { SAi1, KEi, Ni, N(USE_PPK) }
    pair.connect()
    assert_used(pair)


@pytest.mark.parametrize("seed", range(6))
def test_ppk_through_loss_and_copies(seed: int) -> None:
    """A request that is sent again is the same one, whatever the keys are by then."""
    weather = Weather(loss=0.2, copies=0.2, jitter_s=0.1)
    pair = ppk_pair(Pair(seed, weather=weather), alice=bool(seed % 2), bob=True)
    pair.connect(120)
    assert_used(pair)


def test_attempt_that_died_half_way_begins_without_it() -> None:
    pair = ppk_pair(alice=True, bob=True)
    begun = pair.network.now

    def lose(datagram: Datagram) -> Datagram | None:
        """What Bob says in IKE_AUTH, until Alice has given up."""
        of_bob = pair.bob.home.has(datagram.source.address)
        lost = of_bob and datagram.data[18] == Exchange.IKE_AUTH and pair.network.now < begun + 170
        return None if lost else datagram

    pair.network.filters.append(lose)
    pair.connect(400)
    assert pair.alice.said("peer not responding, trying again (2/3)")
    assert in_use(pair)[0] == "ppk.of.alice" and pair.alice.finished().ok


def test_agreed_on_but_not_named(monkeypatch: pytest.MonkeyPatch) -> None:
    pair = ppk_pair()
    misbehave(monkeypatch, pair.alice, Exchange.IKE_AUTH, without_notify(NotifyType.PPK_IDENTITY))
    pair.connect()
    assert_refused(pair, "PPK agreed on but no PPK_IDENTITY received")


@pytest.mark.parametrize(("data", "reason"), [
    (b"", "received PPK_ID of type none"), (b"\x01ppk.of.alice", "received PPK_ID of type 1"),
    (b"\x02", "received PPK_ID of 0 octets"), (b"\x02" + bytes(2000), "received PPK_ID of 2000 octets"),
    (b"\x02\xff\x00", "no PPK found for 'ff:00'"),
])  # fmt: skip
def test_names_that_cannot_be(data: bytes, reason: str, monkeypatch: pytest.MonkeyPatch) -> None:
    pair = ppk_pair(alice=True)
    misbehave(monkeypatch, pair.alice, Exchange.IKE_AUTH, notify_data(NotifyType.PPK_IDENTITY, data))
    pair.connect()
    assert_refused(pair, reason)


def test_responder_that_does_not_use_it_although_it_has_to(monkeypatch: pytest.MonkeyPatch) -> None:
    pair = ppk_pair(alice=True)
    misbehave(
        monkeypatch, pair.bob, Exchange.IKE_AUTH, without_notify(NotifyType.PPK_IDENTITY), response=True
    )
    # R -> I  IKE_AUTH { IDr, AUTH, SAr2, TSi, TSr }
    # I -> R  INFORMATIONAL { N(AUTHENTICATION_FAILED) }
    pair.connect()
    assert pair.is_clean()
    reason = "PPK required but peer didn't use PPK for PPK_ID 'ppk.of.alice'"
    assert pair.alice.finished().reason == reason
    assert pair.bob.said("received AUTHENTICATION_FAILED notify error")


@pytest.mark.parametrize("response", [False, True])
def test_attacker_that_takes_the_offer_away_is_noticed(response: bool) -> None:
    """AUTH covers IKE_SA_INIT: where USE_PPK was lost on its way there is no IKE_SA at all."""
    pair = ppk_pair()

    def take_away(datagram: Datagram) -> Datagram:
        parsed = parse_message(datagram.data)
        message = parsed.message
        if (message.exchange, message.response) != (Exchange.IKE_SA_INIT, response):
            return datagram
        left = tuple(one for one in message.payloads if one != Notify(NotifyType.USE_PPK))
        return replace(datagram, data=build_clear(replace(message, payloads=left)))

    pair.network.filters.append(take_away)
    pair.connect()
    assert pair.is_clean()
    assert not pair.alice.finished().ok


def test_nobody_else_is_told_the_ppk_is_in_use() -> None:
    """A confirmation that nobody asked for does nothing."""
    pair = Pair()
    Meddling(pair, "bob", Exchange.IKE_AUTH, lambda old: (*old, Notify(NotifyType.PPK_IDENTITY)))
    pair.connect()
    assert_plain(pair)
