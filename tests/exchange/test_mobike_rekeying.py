"""A move before the response to a rekeying of the IKE_SA has arrived (RFC 4555, 3.5; RFC 7296, 2.8, 2.25).

Who sent that response has the new IKE_SA; who waits for it knows the old one only.
"""

import pytest
from simulation.hybrid import CLASSIC_ESP, HYBRID_IKE, propose
from simulation.moves import ALICE, ALICE_2, BOB, BOB_2, are_on, heard, move, roaming_pair, sent
from simulation.network import Cut, Datagram, SourceNat
from simulation.pair import Pair
from simulation.peer import Peer

from cygnet.base.addresses import Host
from cygnet.charon.sa.orders import RekeyIke, TerminateIke
from cygnet.charon.sa.states import IkeState

CLASSIC_IKE = "aes128gcm16-prfsha256-curve25519!"
ANSWERED_S = 0.015
"""A request has arrived by then, its answer has not."""
PATIENCE_S = 166.0
"""Seconds until unanswered retransmission ends."""


def rekey(pair: Pair, asking: Peer, *, lost: bool = True) -> bytes:
    """``asking`` rekeys; its peer has answered, which gets lost. Returns the old IKE_SA's SPI."""
    old = asking.sa.spi_local
    asking.order(asking.sa, RekeyIke())
    pair.network.run(ANSWERED_S)
    if lost:
        pair.network.filters.append(Cut(ALICE, BOB))
    return old


def lose_what_is_on_its_way(pair: Pair) -> None:
    def lose(datagram: Datagram) -> None:
        return None

    pair.network.filters.insert(0, lose)
    pair.network.run(0.02)
    pair.network.filters.remove(lose)


def states(peer: Peer) -> list[IkeState]:
    return [sa.state for sa in peer.sas.values()]


def spis(peer: Peer) -> set[int]:
    return {one.spi for one in peer.kernel.sas}


def test_initiator_that_moves_asks_for_it_in_the_old_ike_sa_too() -> None:
    pair = roaming_pair()
    pair.connect()
    keys = spis(pair.bob)
    # R -> I  CREATE_CHILD_SA { SA, Ni, KEi }
    # I -> R  CREATE_CHILD_SA { SA, Nr, KEr }, lost, and so is what Bob sends to her old address
    old = rekey(pair, pair.bob)
    assert states(pair.alice) == [IkeState.REKEYED, IkeState.ESTABLISHED]
    assert states(pair.bob) == [IkeState.REKEYING]
    move(pair.alice, ALICE)
    pair.network.run(0.025)
    # I -> R  INFORMATIONAL { } along the new path, in the old IKE_SA and in the new one
    # R -> I  INFORMATIONAL { } in the old one
    assert heard(pair.bob) == ["request [ ]"]
    # I -> R  INFORMATIONAL { N(UPDATE_SA_ADDRESSES), N(NATD_S), N(NATD_D), N(COOKIE2), … } in the old one
    # R -> I  INFORMATIONAL { N(NATD_S), N(NATD_D), N(COOKIE2) }
    # R -> I  CREATE_CHILD_SA { SA, Ni, KEi } once more, to where Alice is now
    # I -> R  CREATE_CHILD_SA { SA, Nr, KEr } the same again
    # R -> I  INFORMATIONAL { D } in the old one
    pair.network.run(0.08)
    assert any("N(UPD_SA_ADDR)" in line for line in heard(pair.bob))
    assert heard(pair.bob, "CREATE_CHILD_SA") == ["response [ SA No KE ]"]
    # R -> I  INFORMATIONAL { N(COOKIE2), N(NO_ADDITIONAL_ADDRESSES) } in the new one: Alice tries that path
    # I -> R  INFORMATIONAL { N(UPDATE_SA_ADDRESSES), … } in the new one
    pair.network.run(0.08)
    assert are_on(pair, ALICE_2, BOB)
    assert pair.bob.sa.spi_local != old and spis(pair.bob) == keys


def test_responder_that_moves_shows_where_it_is_in_the_old_ike_sa_too() -> None:
    """Alice has never heard of Bob's new address."""
    pair = roaming_pair()
    pair.connect()
    # I -> R  CREATE_CHILD_SA { SA, Ni, KEi }, and the lost answer
    old = rekey(pair, pair.alice)
    move(pair.bob, BOB, BOB_2)
    # R -> I  INFORMATIONAL { } in the old IKE_SA
    # R -> I  INFORMATIONAL { N(COOKIE2), N(ADDITIONAL_*) } in the old one
    # I -> R  CREATE_CHILD_SA { SA, Ni, KEi } once more, to where Bob is now
    # R -> I  CREATE_CHILD_SA { SA, Nr, KEr } the same again
    # I -> R  INFORMATIONAL { D } in the old one
    # I -> R  INFORMATIONAL { N(UPDATE_SA_ADDRESSES), … } in the new one
    pair.network.run(2)
    assert are_on(pair, ALICE, BOB_2)
    assert pair.alice.sa.spi_local != old
    assert not any("N(UPD_SA_ADDR)" in line for line in sent(pair.bob))


@pytest.mark.parametrize("moving", ["alice", "bob"])
def test_last_of_several_key_exchanges_is_answered_before_the_move(moving: str) -> None:
    pair = propose(roaming_pair(), HYBRID_IKE, CLASSIC_ESP)
    pair.connect()
    asking, mover = (pair.bob, pair.alice) if moving == "alice" else (pair.alice, pair.bob)
    asking.order(asking.sa, RekeyIke())
    for _ in range(40):  # until the answer to the last IKE_FOLLOWUP_KE is on its way
        if IkeState.REKEYED in states(mover):
            break
        pair.network.run(0.005)
    assert states(asking) == [IkeState.REKEYING]
    pair.network.filters.append(Cut(ALICE, BOB))
    move(mover, *((ALICE,) if moving == "alice" else (BOB, BOB_2)))
    pair.network.run(3)
    assert are_on(pair, *((ALICE_2, BOB) if moving == "alice" else (ALICE, BOB_2)))


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("moving", ["alice", "bob"])
def test_both_rekey_while_one_moves(seed: int, moving: str) -> None:
    """Whose IKE_SA stays is up to the nonces; all messages from the old address are lost."""
    pair = Pair(seed)
    pair.alice.home.gain(ALICE_2)
    pair.connect()
    pair.alice.order(pair.alice.sa, RekeyIke())
    rekey(pair, pair.bob)
    move(*((pair.alice, ALICE) if moving == "alice" else (pair.bob, BOB, BOB_2)))
    pair.network.run(40)  # redundant IKE_SAs are deleted, or go
    assert are_on(pair, *((ALICE_2, BOB) if moving == "alice" else (ALICE, BOB_2)))


@pytest.mark.parametrize("asking", ["alice", "bob"])
def test_deletion_of_the_old_ike_sa_follows_the_peer(asking: str) -> None:
    """The response still came through, but the deletion goes to an address that is gone."""
    pair = roaming_pair()
    pair.bob.home.gain(BOB_2)
    pair.connect()
    alice_asks = asking == "alice"
    rekey(pair, getattr(pair, asking), lost=False)
    move(*((pair.bob, BOB) if alice_asks else (pair.alice, ALICE)))
    # I -> R  INFORMATIONAL { D } in the old IKE_SA, lost
    # R -> I  INFORMATIONAL { } in the old one and in the new one
    pair.network.run(5)
    assert states(pair.alice) == states(pair.bob) == [IkeState.ESTABLISHED]
    assert pair.is_up()


def test_nat_that_forgets_before_the_response_is_noticed_without_dpd() -> None:
    """Nothing changes at Alice: only that Bob does not delete the old IKE_SA tells her."""
    pair = Pair()
    nat = SourceNat(pair.alice.host, Host.of("203.0.113.9"))
    pair.network.filters.append(nat)
    pair.connect()
    assert pair.alice_config.dpd_delay_s == 0
    old = pair.alice.sa.spi_local
    rekey(pair, pair.bob, lost=False)
    lose_what_is_on_its_way(pair)
    nat.forget()
    # I -> R  INFORMATIONAL { N(NATD_S), N(NATD_D) } in the old IKE_SA, from another port of the NAT's
    # R -> I  INFORMATIONAL { N(NATD_S), N(NATD_D) }
    # I -> R  INFORMATIONAL { N(UPDATE_SA_ADDRESSES), … } in the old one
    pair.network.run(12)
    assert pair.alice.said("sending DPD request")
    assert states(pair.alice) == states(pair.bob) == [IkeState.ESTABLISHED]
    assert pair.alice.sa.spi_local != old


def test_update_in_the_old_ike_sa_is_followed_by_one_in_the_new() -> None:
    """A NAT has come meanwhile: both have to put ESP into UDP."""
    pair = Pair()
    nat = SourceNat(pair.alice.host, Host.of("203.0.113.9"))
    nat.on = False

    def shield(datagram: Datagram) -> Datagram | None:
        """Nobody reaches a host behind the NAT by its own address."""
        return None if nat.on and datagram.destination.address == pair.alice.host.address else datagram

    pair.network.filters += [shield, nat]
    pair.connect()
    rekey(pair, pair.bob, lost=False)
    lose_what_is_on_its_way(pair)
    nat.on = True
    # I -> R  INFORMATIONAL { N(NATD_S), N(NATD_D) } in the old IKE_SA, then
    # I -> R  INFORMATIONAL { N(UPDATE_SA_ADDRESSES), … } in the old one
    # R -> I  CREATE_CHILD_SA { SA, Ni, KEi } once more, and the answer
    # I -> R  INFORMATIONAL { N(UPDATE_SA_ADDRESSES), … } in the new one
    pair.network.run(12)
    assert {one.encapsulation is None for one in pair.alice.kernel.sas.values()} == {False}
    assert pair.is_up()


def test_peer_that_knows_its_response_is_not_asked() -> None:
    pair = roaming_pair()
    pair.connect()
    count = len(sent(pair.alice))
    rekey(pair, pair.bob, lost=False)
    pair.network.run(60)
    # I -> R  INFORMATIONAL { }, the answer to the deletion
    assert sent(pair.alice)[count:] == ["response [ ]"]


def test_old_ike_sa_that_finds_no_path_goes_alone() -> None:
    """Bob is gone for good: so is his old IKE_SA, while the new one waits for an address of Alice's."""
    pair = roaming_pair()
    pair.change("alice", dpd_delay_s=0, ike_lifetime_s=0)
    pair.connect()
    rekey(pair, pair.bob)
    for address in pair.alice.home.usable():
        pair.alice.home.lose(str(address))
    pair.alice.roam()
    pair.network.run(2 * PATIENCE_S + 20)
    assert states(pair.alice) == [IkeState.ESTABLISHED]
    assert len(pair.children(pair.alice)) == 1


def test_ike_sa_without_child_sas_is_deleted_from_another_address() -> None:
    pair = roaming_pair()
    pair.change_child("bob", local_ts=pair.alice_config.children[0].local_ts)  # no CHILD_SA fits
    pair.load()
    pair.alice.initiate(pair.alice_config, pair.alice_config.children[0], BOB)
    pair.network.run(1)
    assert states(pair.alice) == [IkeState.ESTABLISHED] and not pair.children(pair.alice)
    pair.network.filters.append(Cut(ALICE, BOB))
    pair.alice.order(pair.alice.sa, TerminateIke())
    move(pair.alice, ALICE)
    # I -> R  INFORMATIONAL { D } from the new address
    pair.network.run(1)
    assert pair.is_clean()
