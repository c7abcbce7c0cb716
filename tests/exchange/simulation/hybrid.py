"""Pairs that run several key exchanges."""

from dataclasses import replace

from cygnet.crypto.proposals import Protocol, parse_proposals
from cygnet.keying.config.settings import DaemonSettings
from simulation.network import Weather
from simulation.pair import Pair

HYBRID_IKE = "aes256gcm16-prfsha384-x25519-ke1_mlkem768!"
HYBRID_ESP = "aes256gcm16-x25519-ke1_mlkem768!"
CLASSIC_ESP = "aes128gcm16!"


def propose(pair: Pair, ike: str = "", esp: str = "", whose: tuple[str, ...] = ("alice", "bob")) -> Pair:
    """Other proposals for one peer or both."""
    for name in whose:
        if ike:
            config = getattr(pair, f"{name}_config")
            pair.change(name, ike=replace(config.ike, proposals=parse_proposals(ike, Protocol.IKE)))
        if esp:
            pair.change_child(name, proposals=parse_proposals(esp, Protocol.ESP))
    return pair


def hybrid_pair(
    seed: int = 1,
    ike: str = HYBRID_IKE,
    esp: str = HYBRID_ESP,
    settings: DaemonSettings | None = None,
    weather: Weather | None = None,
) -> Pair:
    """Both propose the same: X25519 with ML-KEM-768, unless told otherwise."""
    return propose(Pair(seed, settings, weather), ike, esp)
