"""Addresses that go while MOBIKE is of no help: the peer cannot do it, or is not known yet."""

from dataclasses import replace

from simulation.hybrid import HYBRID_IKE, propose
from simulation.moves import ALICE, ALICE_2, BOB, BOB_2, are_on, hosts, move, roaming_pair
from simulation.network import Cut
from simulation.pair import Pair
from simulation.post import Post

from cygnet.charon.encoding.exchanges import Exchange
from cygnet.charon.sa.events import IkeClosed
from cygnet.charon.sa.orders import Roam
from cygnet.keying.config.records import AddressSpec
from cygnet.keying.sa.endings import Cause


def test_without_mobike_the_address_that_is_left_is_authenticated_from_anew() -> None:
    pair = roaming_pair()
    pair.change("alice", mobike=False)
    pair.connect()
    # I -> R  INFORMATIONAL { D } from the new address, which nobody answers
    # I -> R  IKE_SA_INIT from there
    move(pair.alice, ALICE)
    pair.network.run()
    assert [closed.cause for closed in pair.alice.of(IkeClosed)] == [Cause.REAUTH]
    assert len(pair.bob.of(IkeClosed)) == 1
    assert pair.is_up() and hosts(pair.alice) == (ALICE_2, BOB)


def test_without_mobike_a_configured_address_may_come_back() -> None:
    pair = roaming_pair()
    pair.change("alice", mobike=False, ike=replace(pair.alice_config.ike, local=AddressSpec((ALICE,))))
    pair.connect()
    move(pair.alice, ALICE)
    pair.network.run(60)
    pair.alice.home.gain(ALICE)
    pair.alice.roam()
    pair.network.run()
    assert pair.is_up() and hosts(pair.alice) == (ALICE, BOB)


def test_without_mobike_the_responder_waits() -> None:
    pair = Pair()
    pair.change("bob", mobike=False)
    pair.connect()
    pair.bob.home.gain(BOB_2)
    move(pair.bob, BOB)
    pair.network.run()
    assert pair.bob.is_established() and not pair.bob.of(IkeClosed)


def test_handshake_begins_again_from_an_address_that_is_there() -> None:
    pair = roaming_pair()
    pair.load()
    cut = Cut(ALICE, BOB)
    pair.network.filters.append(cut)
    sa = pair.alice.initiate(pair.alice_config, pair.alice_config.children[0], BOB)
    pair.network.run(1)
    pair.alice.home.lose(ALICE)
    pair.alice.order(sa, Roam())
    pair.network.run(2)
    assert are_on(pair, ALICE_2, BOB)


def test_handshake_with_further_key_exchanges_begins_again_too() -> None:
    pair = propose(roaming_pair(), HYBRID_IKE)
    pair.load()
    post = Post(pair)
    post.lose(pair.bob, Exchange.IKE_INTERMEDIATE, response=True, count=9)
    sa = pair.alice.initiate(pair.alice_config, pair.alice_config.children[0], BOB)
    pair.network.run(1)
    pair.alice.home.lose(ALICE)
    pair.network.filters.remove(post)
    pair.alice.order(sa, Roam())
    pair.network.run(40)  # Bob forgets the one that came to nothing
    assert are_on(pair, ALICE_2, BOB)
    assert pair.alice.sa.snapshot(0).proposal.endswith("KE1_ML_KEM_768")
