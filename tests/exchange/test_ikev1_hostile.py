"""IKEv1 against strangers and bad peers: silence, counters, and nothing that ends what is good."""

import random
from ipaddress import IPv4Address

import pytest
from simulation.ikev1 import ALICE, BOB, Pair
from simulation.network import Datagram

from cygnet.base.addresses import Host
from cygnet.pluto.config.settings import DaemonSettings
from cygnet.pluto.encoding.message import Chain, Envelope, build_message, chain
from cygnet.pluto.encoding.payloads import Delete, Notification, Unknown, VendorId
from cygnet.pluto.sa import transport
from cygnet.pluto.sa.orders import RekeyChild, TerminateChild, TerminateIke
from cygnet.pluto.sa.states import IkeState


def clear(sa, *payloads, exchange=5, number=77):
    written = chain(payloads)
    snapshot = sa.snapshot(0)
    envelope = Envelope(snapshot.cookie_i, snapshot.cookie_r, exchange, number)
    return build_message(envelope, written.first, written.octets)


def send(pair, data):
    pair.network.send(Datagram(pair.alice.host, pair.bob.host, data))
    pair.network.run(1)


def test_delete_in_the_clear_does_nothing():
    pair = Pair()
    sa = pair.connect()
    snapshot = sa.snapshot(0)
    send(pair, clear(sa, Delete(1, (snapshot.cookie_i + snapshot.cookie_r,))))
    assert pair.is_up()


def test_error_notify_in_the_clear_does_nothing_later_on():
    pair = Pair()
    sa = pair.connect()
    send(pair, clear(sa, Notification(24, b"", 1)))
    assert pair.is_up()


@pytest.mark.parametrize("state_at", [0.015, 0.025, 0.035, 0.045, 0.055])
def test_changed_copies_of_every_message_end_nothing(state_at):
    """Each message is followed by copies of it with other contents, in each state of both."""
    pair = Pair(3)
    chance = random.Random(str(state_at))

    def meddle(datagram):
        data = bytearray(datagram.data)
        for _ in range(3):
            data[chance.randrange(28, len(data))] ^= 1 << chance.randrange(8)
        if len(data) > 60 and datagram.data not in seen:
            seen.add(datagram.data)
            changed = Datagram(datagram.source, datagram.destination, bytes(data))
            seen.add(changed.data)
            pair.network.at(state_at, lambda: pair.network.send(changed))
        return datagram

    seen = set()
    pair.network.filters.append(meddle)
    pair.connect(20)
    assert [sa.state for sa in pair.alice.sas.values()] == [IkeState.ESTABLISHED]
    assert len(pair.alice.children) == 1


@pytest.mark.parametrize("seed", range(5))
def test_random_octets_in_established_sas_end_nothing(seed):
    pair = Pair()
    sa = pair.connect()
    chance, snapshot = random.Random(seed), sa.snapshot(0)
    for _ in range(200):
        size = 28 + 16 * chance.randrange(1, 8)
        head = snapshot.cookie_i + snapshot.cookie_r + bytes(
            (chance.randrange(16), 0x10, chance.choice((2, 4, 5, 6, 32, 33)), chance.choice((0, 1)))
        )
        message_id = chance.randbytes(4)
        data = head + message_id + size.to_bytes(4, "big") + chance.randbytes(size - 28)
        pair.network.send(Datagram(pair.alice.host, pair.bob.host, data))
    pair.network.run(60)
    assert pair.is_up()


def test_ikev2_is_dropped_silently():
    pair = Pair()
    pair.load()
    head = b"initiate" + bytes(8) + bytes((33, 0x20, 34, 8)) + bytes(4) + (28).to_bytes(4, "big")
    send(pair, head)
    assert pair.bob.counted("other_version") == 1 and len(pair.network.travelled) == 1


def test_first_message_that_makes_no_sense_leaves_nothing():
    # I -> R  V
    # I <- R  N(INVALID_PAYLOAD_TYPE)
    pair = Pair()
    pair.load()
    written = chain((VendorId(b"x"),))
    send(pair, build_message(Envelope(b"initiate", bytes(8), 2, 0), written.first, written.octets))
    assert not pair.bob.sas


def test_first_message_that_cannot_be_read_is_not_counted_as_half_open():
    # I -> R  SA, cut off within its proposals
    pair = Pair()
    pair.load()
    body = bytes(2) + (16).to_bytes(2, "big") + (1).to_bytes(4, "big") * 2 + bytes(4)
    send(pair, build_message(Envelope(b"initiate", bytes(8), 2, 0), 1, body))
    assert not pair.bob.sas and len(pair.network.travelled) == 1
    pair.connect()
    assert pair.is_up()


def test_unknown_payloads_and_vendor_ids_are_ignored():
    pair = Pair()
    pair.load()
    real, extra = [], chain((Unknown(200, b"new"), VendorId(b"nobody knows")))

    def add(datagram):
        data = datagram.data
        if data[18] != 2 or data[16] != 1 or data[8:16] != bytes(8) or real:
            return datagram
        real.append(data)
        size = int.from_bytes(data[30:32], "big")
        rest = build_message(Envelope(data[:8], bytes(8), 2, 0), 1, data[28:])
        assert rest == data and size > 0
        last = _last_header(data)
        longer = data[:last] + bytes([extra.first]) + data[last + 1 :] + extra.octets
        longer = longer[:24] + len(longer).to_bytes(4, "big") + longer[28:]
        return Datagram(datagram.source, datagram.destination, longer)

    pair.network.filters.append(add)
    pair.connect()
    assert real and pair.is_up()


def _last_header(data):
    at = 28
    while data[at]:
        at += int.from_bytes(data[at + 2 : at + 4], "big")
    return at


def test_exchanges_of_the_peer_are_limited():
    pair = Pair(settings=DaemonSettings(max_exchanges=2))
    pair.connect()
    assert pair.is_up()


def test_replayed_messages_of_an_old_sa_are_not_known():
    pair = Pair()
    pair.connect()
    old = list(pair.network.travelled)
    again = Pair(2)
    again.connect()
    for one in old:
        again.network.send(one)
    again.network.run(40)
    assert [sa.state for sa in again.alice.sas.values()] == [IkeState.ESTABLISHED]
    assert len(again.alice.children) == 1


def test_replayed_messages_of_the_same_sa_do_nothing():
    pair = Pair()
    sa = pair.connect()
    pair.alice.order(sa, TerminateChild(name="net-net"))
    pair.network.run(1)
    for one in list(pair.network.travelled):
        pair.network.send(one)
    pair.network.run(60)
    assert [one.state for one in pair.alice.sas.values()] == [IkeState.ESTABLISHED]
    assert not pair.alice.kernel.sas and not pair.bob.kernel.sas


def test_clear_messages_come_from_where_phase_1_began():
    pair = Pair()
    pair.load()

    def elsewhere(datagram):
        if str(datagram.source.address) == ALICE and len(pair.network.travelled) == 2:
            pair.network.travelled.append(datagram)
            return Datagram(datagram.source.with_port(1234), datagram.destination, datagram.data)
        return datagram

    pair.network.filters.append(elsewhere)
    pair.connect(30)
    assert pair.bob.counted("dropped_other_source") == 1
    assert pair.is_up()


def test_replays_are_known_long_after_their_exchange_was_forgotten():
    pair = Pair()
    pair.change("alice", dpd_delay_s=1, dpd_timeout_s=100)
    pair.connect()
    old = [one for one in pair.network.travelled if one.data[18] == 5][:1]
    pair.network.run(200)
    travelled = [one for one in pair.network.travelled if str(one.destination.address) == BOB]
    first = old or [one for one in travelled if one.data[18] == 5][:1]
    before = len(pair.network.travelled)
    pair.network.send(first[0])
    pair.network.run(0.3)
    assert pair.bob.counted("dropped_replayed") == 1
    assert before < len(pair.network.travelled) <= before + 3


def test_encrypted_nonsense_gets_no_answer():
    pair = Pair()
    sa = pair.connect()
    snapshot, chance = sa.snapshot(0), random.Random(5)
    before = len(pair.network.travelled)
    for _ in range(300):
        head = snapshot.cookie_i + snapshot.cookie_r + bytes((8, 16, 32, 1)) + chance.randbytes(4)
        data = head + (60).to_bytes(4, "big") + chance.randbytes(32)
        pair.network.send(Datagram(pair.alice.host, pair.bob.host, data))
    pair.network.run(1)
    assert len(pair.network.travelled) == before + 300
    assert pair.bob.counted("dropped_undecipherable") + pair.bob.counted("dropped_unexpected") == 300


def test_authentic_message_from_elsewhere_moves_nothing_without_a_nat():
    pair = Pair()
    sa = pair.connect()
    pair.network.filters.append(
        lambda one: Datagram(Host.of("203.0.113.9", 500), one.destination, one.data)
        if one.data[18] == 32 and str(one.source.address) == ALICE
        else one
    )
    pair.alice.order(sa, RekeyChild(name="net-net"))
    pair.network.run(2)
    assert str(pair.bob.sa.remote.address) == ALICE


@pytest.mark.parametrize("seed", range(25))
def test_peer_with_the_keys_who_sends_nonsense_ends_its_own_sas_only(seed, monkeypatch):
    """Alice changes payloads before they are encrypted and hashed; nothing escapes, nothing is left over."""
    chance = random.Random(seed)

    def changed(payloads):
        written = chain(payloads)
        octets = bytearray(written.octets)
        if octets and pair.hostile and chance.random() < 0.3:
            for _ in range(chance.choice((1, 1, 2, 5))):
                value = chance.choice((0, 1, 2, 4, 16, 255, chance.randrange(256)))
                octets[chance.randrange(len(octets))] = value
        return Chain(written.first, bytes(octets))

    pair = Pair(seed)
    pair.hostile = True
    monkeypatch.setattr(transport, "chain", changed)
    pair.with_xauth()
    pair.change("alice", virtual_ips=(IPv4Address(0),), dpd_delay_s=5)
    pair.change("bob", pools=("pool",))
    for _ in range(4):
        pair.connect(20)
        for peer in (pair.alice, pair.bob):
            for sa in tuple(peer.sas.values()):
                peer.order(sa, RekeyChild(name="net-net"))
        pair.network.run(20)
        pair.alice.events.clear()
    pair.hostile = False
    pair.network.run(400)
    for peer in (pair.alice, pair.bob):
        for sa in tuple(peer.sas.values()):
            peer.order(sa, TerminateIke())
        pair.network.run(1)
        assert not peer.sas and peer.kernel.is_empty() and not any(peer.numbers.users.values())
    assert not pair.bob.pools.given
