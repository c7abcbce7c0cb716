"""Pairs of which one has several addresses, and what to look at after it has moved."""

from cygnet.kernel.port import SaSpec
from cygnet.keying.config.settings import DaemonSettings
from simulation.pair import Pair
from simulation.peer import Peer

ALICE, ALICE_2, ALICE_6 = "192.0.2.1", "198.51.100.1", "2001:db8::1"
BOB, BOB_2, BOB_6 = "192.0.2.2", "203.0.113.2", "2001:db8::2"


def roaming_pair(settings: DaemonSettings | None = None) -> Pair:
    """Alice initiates and has a second address; both have one of IPv6."""
    pair = Pair(settings=settings)
    pair.alice.home.gain(ALICE_2)
    pair.alice.home.gain(ALICE_6)
    pair.bob.home.gain(BOB_6)
    return pair


def move(peer: Peer, old: str, new: str = "") -> None:
    """The peer loses an address, may get another, and is told by its kernel."""
    if new:
        peer.home.gain(new)
    peer.home.lose(old)
    peer.roam()


def ways(peer: Peer) -> set[tuple[str, str]]:
    """Between which addresses the outbound SAs of a peer carry packets."""
    return {(str(one.id.source), str(one.id.destination)) for one in _sas(peer, inbound=False)}


def ways_in(peer: Peer) -> set[tuple[str, str]]:
    """The same of its inbound ones, seen from the peer."""
    return {(str(one.id.destination), str(one.id.source)) for one in _sas(peer, inbound=True)}


def hosts(peer: Peer) -> tuple[str, str]:
    """Between which addresses the IKE_SA is."""
    return str(peer.sa.local), str(peer.sa.remote)


def are_on(pair: Pair, alice: str, bob: str) -> bool:
    """Whether both sides' IKE_SA, SAs and policies are between these addresses."""
    there, back = (alice, bob), (bob, alice)
    return (
        (hosts(pair.alice), hosts(pair.bob)) == (there, back)
        and (ways(pair.alice), ways_in(pair.alice)) == ({there}, {there})
        and (ways(pair.bob), ways_in(pair.bob)) == ({back}, {back})
        and all(_outer(peer) == {frozenset(there)} for peer in (pair.alice, pair.bob))
        and pair.is_up()
    )


def sent(peer: Peer, exchange: str = "INFORMATIONAL") -> list[str]:
    """The messages of an exchange that a peer has made, ``request [ … ]`` or ``response [ … ]``."""
    return _messages(peer, "generating", exchange)


def heard(peer: Peer, exchange: str = "INFORMATIONAL") -> list[str]:
    """Those that it has understood."""
    return _messages(peer, "parsed", exchange)


def _messages(peer: Peer, verb: str, exchange: str) -> list[str]:
    found = []
    for line in peer.log:
        words = line.split(" ", 4)
        if words[:2] == [verb, exchange]:
            found.append(f"{words[2]} {words[4]}")
    return found


def _sas(peer: Peer, *, inbound: bool) -> list[SaSpec]:
    return [one for one in peer.kernel.sas.values() if one.inbound is inbound]


def _outer(peer: Peer) -> set[frozenset[str]]:
    return {frozenset((str(one.outer_source), str(one.outer_destination))) for one in peer.kernel.policies}
