"""What a key log is told: the same keys at both ends, for every IKE_SA and CHILD_SA."""

from dataclasses import replace

from simulation.hybrid import hybrid_pair
from simulation.ikev1 import Pair as Ikev1Pair
from simulation.moves import ALICE, ALICE_2, BOB, move, roaming_pair
from simulation.pair import Pair

from cygnet.base.secret import Secret
from cygnet.charon.sa.orders import RekeyChild, RekeyIke
from cygnet.crypto.key_log import EspSecrets, IkeSecrets
from cygnet.crypto.proposals import Protocol, parse_proposals
from cygnet.kernel.port import SaId


class Recorder:
    """Keeps what it is told."""

    def __init__(self) -> None:
        self.ike: list[IkeSecrets] = []
        self.cookies: list[tuple[bytes, Secret]] = []
        self.sas: list[EspSecrets] = []
        self.moves: list[tuple[int, str, str]] = []

    def ikev2(self, secrets: IkeSecrets) -> None:
        self.ike.append(secrets)

    def ikev1(self, cookie_i: bytes, key: Secret) -> None:
        self.cookies.append((cookie_i, key))

    def esp(self, secrets: EspSecrets) -> None:
        self.sas.append(secrets)

    def esp_moved(self, old: SaId, new: SaId) -> None:
        assert old.spi == new.spi
        self.moves.append((new.spi, str(new.source), str(new.destination)))


def recorded(pair: Pair) -> tuple[Recorder, Recorder]:
    logs = Recorder(), Recorder()
    for peer, log in zip((pair.alice, pair.bob), logs, strict=True):
        peer.key_log = log
        peer.boot()
    return logs


def test_both_ends_tell_the_same_keys_and_those_of_their_rekeyings() -> None:
    pair = Pair()
    alice, bob = recorded(pair)
    # I -> R  IKE_SA_INIT, IKE_AUTH
    sa = pair.connect()
    assert alice.ike == bob.ike
    assert len(alice.ike) == 1
    assert alice.sas == bob.sas
    (child,) = pair.children(pair.alice)
    assert [one.spi for one in alice.sas] == [child.outbound.spi, child.inbound.spi]
    assert alice.ike[0].spi_i == sa.spi_local
    # I <- R  CREATE_CHILD_SA { SA, Ni, KEi, TSi, TSr, N(REKEY_SA) }
    pair.bob.order(pair.bob.sa, RekeyChild(name="net-net"))
    pair.network.run(2)
    # I -> R  CREATE_CHILD_SA { SA, Ni, KEi }
    pair.alice.order(pair.alice.sa, RekeyIke())
    pair.network.run(2)
    assert len(alice.ike) == 2
    assert len(alice.sas) == 4
    assert alice.ike == bob.ike
    assert alice.sas == bob.sas
    assert len({one.encryption_key.reveal() for one in alice.sas}) == 4


def test_each_additional_key_exchange_makes_keys_that_are_told() -> None:
    pair = hybrid_pair()
    alice, bob = recorded(pair)
    pair.connect()
    assert len(alice.ike) == 2
    assert alice.ike == bob.ike


def test_nothing_is_told_of_ah() -> None:
    pair = Pair()
    alice, _ = recorded(pair)
    for whose in ("alice", "bob"):
        pair.change_child(whose, proposals=parse_proposals("sha256!", Protocol.AH))
    pair.connect()
    assert pair.is_up()
    assert not alice.sas


def test_ikev1_tells_cookie_and_key() -> None:
    pair = Ikev1Pair()
    alice, bob = Recorder(), Recorder()
    for peer, log in ((pair.alice, alice), (pair.bob, bob)):
        peer.ports = replace(peer.ports, key_log=log)
    sa = pair.connect()
    assert pair.is_up()
    assert alice.cookies == bob.cookies
    assert [cookie for cookie, _ in alice.cookies] == [sa.spi_local]
    assert alice.sas == bob.sas
    assert len(alice.sas) == 2


def test_moves_are_told_for_both_directions() -> None:
    pair = roaming_pair()
    alice, bob = recorded(pair)
    pair.connect()
    move(pair.alice, ALICE)
    pair.network.run()
    # I -> R  INFORMATIONAL { N(UPDATE_SA_ADDRESSES), ... }
    (child,) = pair.children(pair.alice)
    moves = {(child.inbound.spi, BOB, ALICE_2), (child.outbound.spi, ALICE_2, BOB)}
    assert set(alice.moves) == set(bob.moves) == {(spi, str(one), str(other)) for spi, one, other in moves}
    assert len(alice.sas) == 2
