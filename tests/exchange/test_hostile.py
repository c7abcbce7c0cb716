"""Hostile datagrams: at most one IKE_SA is lost, nothing escapes, established ones stay."""

import random
from dataclasses import replace

import pytest
from simulation.certified import certified_pair
from simulation.network import Datagram
from simulation.pair import Pair
from simulation.peer import Peer

from cygnet.base.addresses import Host
from cygnet.base.effects import Counted
from cygnet.charon.encoding.exchanges import Exchange
from cygnet.charon.encoding.message import Message, build_clear, build_protected
from cygnet.charon.encoding.payloads import Delete, Nonce, Notify, Unknown
from cygnet.charon.sa.ike_sa import IkeSa
from cygnet.charon.sa.orders import Initiate, TerminateIke
from cygnet.crypto.proposals import Protocol
from cygnet.keying.config.records import Unique
from cygnet.keying.config.settings import DaemonSettings


def established() -> Pair:
    pair = Pair()
    pair.connect()
    return pair


def inject(peer: Peer, data: bytes, source: str = "192.0.2.1") -> None:
    peer.arrive(Datagram(Host.of(source, 500), peer.host, data))


def forged(sa: IkeSa, exchange: int, message_id: int, *payloads: object, response: bool = False) -> Message:
    """A message to Bob as Alice would send it, if she did."""
    snapshot = sa.snapshot(0)
    return Message(exchange, snapshot.spi_i, snapshot.spi_r, message_id, True, response, payloads)  # type: ignore[arg-type]


def by_alice(pair: Pair, exchange: int, message_id: int, *payloads: object, response: bool = False) -> bytes:
    """The same, with Alice's keys."""
    protection = pair.alice.sa._sa.sends
    message = forged(pair.alice.sa, exchange, message_id, *payloads, response=response)
    return build_protected(message, protection.sealer, bytes([7]) + protection.iv()[1:])


def test_deletion_in_the_clear_is_not_believed() -> None:
    pair = established()
    inject(pair.bob, build_clear(forged(pair.alice.sa, Exchange.INFORMATIONAL, 2, Delete(Protocol.IKE))))
    pair.network.run()
    assert pair.is_up()


def test_deletion_under_wrong_keys_is_not_believed() -> None:
    pair, other = established(), Pair(2)
    other.connect()
    sealer = other.alice.sa._sa.sends.sealer
    message = forged(pair.alice.sa, Exchange.INFORMATIONAL, 2, Delete(Protocol.IKE))
    inject(pair.bob, build_protected(message, sealer, bytes(8)))
    pair.network.run()
    assert pair.is_up()
    assert Counted("not_authentic") in pair.bob.events


def test_everything_replayed_changes_nothing() -> None:
    pair = established()
    for datagram in tuple(pair.network.travelled):
        for _ in range(3):
            pair.bob.arrive(datagram)
            pair.alice.arrive(datagram)
    pair.network.run(40)  # Alice takes her own first message for a stranger's
    assert pair.is_up()
    assert len(pair.bob.sas) == 1


def test_old_and_far_message_ids_are_ignored() -> None:
    pair = established()
    for message_id in (0, 3, 100, 0xFFFFFFFF):
        inject(pair.bob, by_alice(pair, Exchange.INFORMATIONAL, message_id, Delete(Protocol.IKE)))
    pair.network.run()
    assert pair.is_up()
    assert pair.bob.events.count(Counted("out_of_window")) == 4
    assert sum("message dropped" in line for line in pair.bob.log) == 1


def test_response_to_nothing_is_ignored() -> None:
    pair = established()
    inject(pair.bob, by_alice(pair, Exchange.INFORMATIONAL, 0, Delete(Protocol.IKE), response=True))
    pair.network.run()
    assert pair.is_up()
    assert Counted("unexpected_response") in pair.bob.events


def test_message_reflected_to_its_sender_is_ignored() -> None:
    pair = established()
    pair.alice.order(pair.alice.sa, TerminateIke())
    pair.network.weather.loss = 1.0
    data = by_alice(pair, Exchange.INFORMATIONAL, 2)
    pair.alice.arrive(Datagram(pair.bob.host, pair.alice.host, data))
    assert len(pair.alice.sas) == 1


def test_unknown_critical_payload_inside_is_refused_alone() -> None:
    pair = established()
    inject(pair.bob, by_alice(pair, Exchange.INFORMATIONAL, 2, Unknown(200, True, b"x")))
    pair.network.run()
    assert len(pair.bob.sas) == 1
    assert pair.bob.said("N(CRIT)")


def test_unknown_critical_payload_in_a_first_message_is_refused_without_state() -> None:
    pair = Pair()
    pair.load()
    message = Message(34, b"12345678", bytes(8), 0, True, False, (Unknown(200, True, b""), Nonce(bytes(32))))
    inject(pair.bob, build_clear(message))
    assert not pair.bob.sas
    assert pair.bob.said("N(CRIT)")


def test_malformed_content_under_the_right_keys_ends_only_this_ike_sa() -> None:
    pair = established()
    pair.bob.connections.configs = [replace(pair.bob_config, unique=Unique.NEVER)]
    other = Peer(pair.network, "192.0.2.3")
    other.store.secrets = pair.alice.store.secrets
    other.initiate(pair.alice_config, pair.alice_config.children[0], "192.0.2.2")
    pair.network.run()
    assert len(pair.bob.sas) == 2
    bad = Unknown(41, False, b"\0")  # a Notify payload of one octet
    inject(pair.bob, by_alice(pair, Exchange.INFORMATIONAL, 2, bad))
    pair.network.run()
    assert len(pair.bob.sas) == 1
    assert pair.bob.said("N(INVAL_SYN)")


def test_exchange_of_no_known_type_is_answered() -> None:
    pair = established()
    inject(pair.bob, by_alice(pair, 99, 2))
    assert pair.bob.said("N(INVAL_SYN)")


def test_every_truncation_of_every_message_is_survived() -> None:
    original = certified_pair()
    original.connect()
    for datagram in original.network.travelled:
        for length in range(0, len(datagram.data), 7):
            pair = established()
            pair.bob.arrive(replace(datagram, data=datagram.data[:length]))
            pair.alice.arrive(replace(datagram, data=datagram.data[:length]))
            assert pair.is_up()


@pytest.mark.parametrize("seed", range(30))
def test_handshakes_survive_noise(seed: int) -> None:
    chance = random.Random(seed)
    pair = Pair(seed)
    pair.network.weather.copies = 0.5

    def spoil(datagram: Datagram) -> Datagram:
        if chance.random() < 0.3:
            data = bytearray(datagram.data)
            for _ in range(chance.randrange(1, 5)):
                data[chance.randrange(16, len(data))] ^= 1 << chance.randrange(8)
            return replace(datagram, data=bytes(data))
        return datagram

    pair.network.filters.append(spoil)
    pair.connect(1000)
    assert pair.alice.finished() is not None
    assert pair.is_up() or not pair.alice.finished().ok


def test_notify_of_failure_under_the_right_keys_ends_the_ike_sa() -> None:
    pair = established()
    inject(pair.bob, by_alice(pair, Exchange.INFORMATIONAL, 2, Notify(24)))
    assert not pair.bob.sas
    assert pair.bob.kernel.is_empty()


def test_status_notifies_of_extensions_are_answered_and_ignored() -> None:
    pair = established()
    inject(pair.bob, by_alice(pair, Exchange.INFORMATIONAL, 2, Notify(16400), Notify(50000), Notify(16396)))
    pair.network.run()
    assert len(pair.bob.sas) == 1
    assert pair.bob.said("generating INFORMATIONAL response 2 [ ]")


def test_too_many_child_sas_are_refused() -> None:
    pair = Pair(settings=DaemonSettings(max_children=1))
    sa = pair.connect()
    pair.alice.order(sa, Initiate(replace(pair.alice_config.children[0], name="second"), ticket=9))
    pair.network.run()
    assert pair.is_up()
    assert "NO_ADDITIONAL_SAS" in pair.alice.finished(9).reason
