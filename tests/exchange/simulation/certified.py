"""A pair of peers with certificates instead of secrets."""

from dataclasses import replace

from cygnet.keying.config.records import AuthClass
from simulation.authority import Issuer
from simulation.pair import Pair


def certified_pair(kind: str = "ec256", pair: Pair | None = None) -> Pair:
    """Both have a certificate of one CA for their identity, and trust that CA."""
    pair = pair or Pair()
    issuer = Issuer()
    for whose, peer in (("alice", pair.alice), ("bob", pair.bob)):
        peer.store.secrets.clear()
        peer.store.anchors.append(issuer.certificate)
        peer.store.keys.append(issuer.issue(f"{whose}.test", kind))
        use_certificates(pair, whose)
    return pair


def use_certificates(pair: Pair, whose: str) -> None:
    """Both rounds of a connection by public key."""
    config = getattr(pair, f"{whose}_config")
    pair.change(
        whose,
        local=tuple(replace(one, auth=AuthClass.PUBKEY) for one in config.local),
        remote=tuple(replace(one, auth=AuthClass.PUBKEY) for one in config.remote),
    )
