"""IKEv1 main mode: with pre-shared keys and signatures, and how it fails."""

from dataclasses import replace

import pytest
from simulation.ikev1 import ALICE, BOB, Pair
from simulation.network import Datagram, Weather

from cygnet.base.identities import Identity
from cygnet.base.secret import Secret
from cygnet.crypto.proposals import Protocol, parse_proposals
from cygnet.pluto.config.settings import DaemonSettings
from cygnet.pluto.encoding.message import Envelope, build_message, chain
from cygnet.pluto.encoding.payloads import Notification
from cygnet.pluto.sa.events import IkeEstablished, Reestablish, StateChanged
from cygnet.pluto.sa.orders import Initiate
from cygnet.pluto.sa.states import State

WRONG = "wrong pre-shared key"


def said(peer, text):
    return [line for line in peer.log if text in line]


def test_main_mode_with_a_pre_shared_key():
    # I -> R  SA, V
    # I <- R  SA, V
    # I -> R  KE, Ni, NAT-D
    # I <- R  KE, Nr, NAT-D
    # I -> R  { IDii, HASH_I, N(INITIAL_CONTACT) }
    # I <- R  { IDir, HASH_R }
    # I -> R  { HASH(1), SA, Ni, IDci, IDcr }
    # I <- R  { HASH(2), SA, Nr, IDci, IDcr }
    # I -> R  { HASH(3) }
    pair = Pair()
    pair.connect()
    assert pair.is_up()
    assert pair.alice.outcome().ok
    assert len(pair.network.travelled) == 9
    assert pair.bob.of(IkeEstablished)[0].initial_contact
    assert [str(one.remote_id) for one in pair.bob.of(IkeEstablished)] == ["alice.test"]
    assert [one.state for one in pair.alice.of(StateChanged)] == [
        State.MAIN_I1, State.MAIN_I2, State.MAIN_I3, State.MAIN_I4, State.QUICK_I1, State.QUICK_I2,
    ]  # fmt: skip
    assert [one.state for one in pair.bob.of(StateChanged)] == [
        State.MAIN_R1, State.MAIN_R2, State.MAIN_R3, State.QUICK_R1, State.QUICK_R2,
    ]  # fmt: skip


def test_messages_that_are_made_too_large_are_understood_all_the_same():
    # I -> R  KE, Ni, NAT-D, V
    # I <- R  KE, Nr, NAT-D, V
    pair = Pair()
    for peer in (pair.alice, pair.bob):
        peer.ports = replace(peer.ports, impaired=frozenset({"bust-mi2", "bust-mr2"}))
    pair.connect()
    assert pair.is_up()
    assert sum(len(one.data) for one in pair.network.travelled) > 6000


@pytest.mark.parametrize("kind", ["rsa", "ec256", "ec384"])
def test_main_mode_with_signatures(kind):
    # I -> R  KE, Ni, NAT-D
    # I <- R  KE, Nr, CERTREQ, NAT-D
    # I -> R  { IDii, CERT, SIG_I }
    # I <- R  { IDir, CERT, SIG_R }
    pair = Pair()
    pair.certify(kind)
    pair.connect()
    assert pair.is_up()
    assert pair.bob.sa.snapshot(0).peer_certificates


@pytest.mark.parametrize(
    "proposal",
    ["aes256-sha512-modp2048!", "aes192-sha384-ecp384!", "aes128-sha1-modp3072!", "aes128-sha256-ecp256!"],
)
def test_algorithms(proposal):
    pair = Pair()
    pair.change_ike(proposals=parse_proposals(proposal, Protocol.IKE))
    pair.connect()
    assert pair.is_up()


def test_only_phase_1():
    pair = Pair()
    pair.load()
    sa = pair.alice.initiate(pair.alice_config, None)
    pair.network.run(2)
    assert pair.alice.outcome().ok and pair.is_up(children=0)
    pair.alice.order(sa, Initiate(None, ticket=2))
    assert pair.alice.outcome(2).ok


def test_wrong_secret_is_named_on_both_sides():
    # I -> R  { IDii, HASH_I }     the responder cannot read it
    # I <- R  N(PAYLOAD_MALFORMED)
    pair = Pair()
    pair.bob.store.secrets[:] = [(None, Secret(b"another secret"))]
    pair.connect()
    assert said(pair.bob, WRONG) and pair.bob.counted("wrong_secret") == 1
    assert said(pair.alice, WRONG)
    pair.network.run(300)
    assert WRONG in pair.alice.outcome().reason
    assert pair.is_clean()


def test_complaint_about_a_wrong_secret_is_made_once():
    pair = Pair()
    pair.bob.store.secrets[:] = [(None, Secret(b"another secret"))]
    pair.connect(20)
    assert sum(one.source.address == pair.bob.host.address for one in pair.network.travelled) == 3


def test_responder_tries_all_secrets_that_may_be_meant():
    pair = Pair()
    pair.bob.store.secrets.insert(0, (None, Secret(b"somebody else's")))
    pair.connect()
    assert pair.is_up()


def test_no_secret_at_all_is_named():
    pair = Pair()
    pair.bob.store.secrets.clear()
    pair.connect()
    assert said(pair.bob, "no shared key found for")


def test_no_common_proposal_is_told():
    # I -> R  SA
    # I <- R  N(NO_PROPOSAL_CHOSEN)
    pair = Pair()
    pair.change_ike("bob", proposals=parse_proposals("aes256-sha512-ecp384!", Protocol.IKE))
    pair.connect()
    assert "NO_PROPOSAL_CHOSEN" in pair.alice.outcome().reason
    assert said(pair.bob, "no acceptable ENCRYPTION_ALGORITHM found")
    assert pair.is_clean()


def test_refused_connection_is_tried_again_as_often_as_configured():
    pair = Pair()
    pair.change_ike("bob", proposals=parse_proposals("aes256-sha512-ecp384!", Protocol.IKE))
    pair.connect()
    (again,) = pair.alice.of(Reestablish)
    assert again.tries == 1 and again.children == pair.alice_config.children
    pair = Pair()
    pair.change(keying_tries=1)
    pair.bob_config = replace(pair.bob_config, aggressive=True)
    pair.connect()
    assert not pair.alice.of(Reestablish)


def test_identity_that_nobody_knows_is_refused():
    # I -> R  { IDii, HASH_I }
    # I <- R  { HASH(1), N(AUTHENTICATION_FAILED) }
    pair = Pair()
    pair.change("bob", remote=replace(pair.bob_config.remote, identity=Identity.parse("dave.test")))
    pair.bob.store.secrets[:] = [(None, Secret(b"a secret of some length"))]
    pair.connect()
    assert "AUTHENTICATION_FAILED" in pair.alice.outcome().reason
    assert said(pair.bob, "alice.test")
    assert pair.is_clean()


def test_responder_who_is_somebody_else_is_refused():
    pair = Pair()
    pair.change("bob", local=replace(pair.bob_config.local, identity=Identity.parse("mallory.test")))
    pair.connect()
    assert "identity 'bob.test' required, peer is 'mallory.test'" in pair.alice.outcome().reason
    assert not pair.alice.sas


def test_certificate_of_another_authority_is_refused():
    pair = Pair()
    pair.certify()
    pair.bob.store.anchors.clear()
    pair.connect()
    assert "AUTHENTICATION_FAILED" in pair.alice.outcome().reason
    assert said(pair.bob, "no trusted RSA public key found for 'alice.test'")
    assert pair.is_clean()


def test_connection_is_chosen_by_identity():
    pair = Pair()
    pair.load()
    somebody = replace(pair.bob_config.remote, identity=Identity.parse("x.test"))
    other = replace(pair.bob_config, name="other", remote=somebody)
    pair.bob.connections.configs = [other, pair.bob_config]
    pair.alice.initiate(pair.alice_config, pair.alice_config.children[0])
    pair.network.run(2)
    assert pair.is_up() and pair.bob.sa.name == "net-net"


def test_peer_that_does_not_answer_is_given_up():
    pair = Pair(weather=Weather(loss=1.0))
    pair.connect(200)
    assert pair.alice.outcome().reason == "peer not responding"
    assert pair.alice.retired and pair.is_clean()
    assert said(pair.alice, "giving up after 5 retransmits")


def test_half_open_sa_of_a_responder_ends():
    pair = Pair()
    pair.network.filters.append(lambda one: None if str(one.destination.address) == ALICE else one)
    pair.connect(200)
    assert pair.bob.retired and set(pair.bob.retired) == {"half-open IKE_SA timed out"}


@pytest.mark.parametrize("seed", range(12))
def test_lost_and_repeated_messages(seed):
    settings = DaemonSettings(half_open_timeout_s=100)
    pair = Pair(seed, settings, Weather(loss=0.2, copies=0.2, jitter_s=0.2))
    pair.connect(60)
    pair.network.weather = Weather()
    assert pair.is_up()


def test_copies_are_answered_from_memory():
    pair = Pair(weather=Weather(copies=1.0))
    pair.connect()
    assert pair.is_up()
    assert pair.ups() == (1, 1)
    assert pair.bob.counted("retransmits_received") > 3


def test_transaction_that_overtakes_the_end_of_phase_1_is_kept():
    # I <- R  { IDir, HASH_R }                  late
    # I <- R  { HASH(1), ATTR(REQUEST: ...) }
    pair = Pair()
    pair.with_xauth()
    held = []

    def hold(datagram):
        data, to = datagram.data, str(datagram.destination.address)
        if data[18] == 2 and data[19] & 1 and to == ALICE and not held:
            held.append(datagram)
            pair.network.at(0.1, lambda: pair.network.send(datagram))
            return None
        return datagram

    pair.network.filters.append(hold)
    pair.connect(1)
    assert said(pair.alice, "TRANSACTION message came early, kept") and pair.is_up()


def test_messages_that_come_early_are_kept_in_small_number():
    pair = Pair(settings=DaemonSettings(max_early=2))
    sa = pair.connect(0.035)
    snapshot = sa.snapshot(0)
    for number in range(1, 6):
        head = snapshot.cookie_i + snapshot.cookie_r + bytes((8, 16, 32, 1)) + number.to_bytes(4, "big")
        data = head + (60).to_bytes(4, "big") + bytes(32)
        pair.network.send(Datagram(pair.alice.host, pair.bob.host, data))
    pair.network.run(5)
    assert pair.bob.counted("dropped_early") == 3
    assert pair.is_up()


def test_long_messages_travel_in_fragments():
    pair = Pair(settings=DaemonSettings(fragment_size=600))
    pair.certify()
    pair.connect()
    assert pair.is_up()
    assert max(len(one.data) for one in pair.network.travelled) <= 600 - 28
    assert said(pair.bob, "reassembled fragmented IKE message")


def test_peer_without_fragmentation_gets_whole_messages():
    pair = Pair(settings=DaemonSettings(fragment_size=600))
    pair.certify()
    pair.change_ike("bob", fragmentation=False)
    pair.connect()
    assert pair.is_up()
    assert max(len(one.data) for one in pair.network.travelled) > 600


def test_flood_of_first_messages_costs_no_more_than_the_limit():
    pair = Pair(settings=DaemonSettings(block_threshold=5))
    pair.load()
    pair.network.filters.append(lambda one: None if str(one.destination.address) == ALICE else one)
    for _ in range(20):
        pair.alice.initiate(pair.alice_config, None, BOB, ticket=0)
    pair.network.run(1)
    assert len(pair.bob.sas) == 5
    assert pair.bob.counted("blocked_source") == 15


def test_clear_refusal_later_on_is_only_a_hint():
    """Anybody can send it. Our first message alone is refused by it: no answer is authentic then."""
    pair = Pair()
    sa = pair.connect(0.025)
    snapshot = sa.snapshot(0)
    payload = chain((Notification(14, b"", 1),))
    envelope = Envelope(snapshot.cookie_i, snapshot.cookie_r, 5, 9)
    data = build_message(envelope, payload.first, payload.octets)
    pair.network.send(Datagram(pair.bob.host, pair.alice.host, data))
    pair.network.run(5)
    assert said(pair.alice, "received NO_PROPOSAL_CHOSEN error notify")
    assert pair.is_up()


def test_our_own_public_value_proves_nothing():
    pair = Pair()
    values = []

    def mirror(datagram):
        data = datagram.data
        if data[18] == 2 and data[16] == 4:
            values.append(data[32:64])
            data = data[:32] + values[0] + data[64:]
        return Datagram(datagram.source, datagram.destination, data)

    pair.network.filters.append(mirror)
    pair.connect()
    assert said(pair.alice, "the peer sent our own public value back")
    assert not pair.alice.children


def test_vendor_ids_are_named_in_the_log():
    pair = Pair()
    pair.connect()
    assert said(pair.bob, "received NAT-T (RFC 3947) vendor ID")
    assert said(pair.alice, "received DPD vendor ID")


def test_bug_in_between_leaves_nothing_behind():
    pair = Pair()
    sa = pair.connect()
    pair.alice.perform(sa, sa.abandon(pair.network.now))
    assert pair.alice.kernel.is_empty() and not pair.alice.sas


def test_order_for_what_is_gone_is_answered():
    pair = Pair()
    sa = pair.connect()
    pair.alice.perform(sa, sa.abandon(pair.network.now))
    pair.alice.order(sa, Initiate(None, ticket=8))
    assert pair.alice.outcome(8).reason == "the IKE_SA is gone"
