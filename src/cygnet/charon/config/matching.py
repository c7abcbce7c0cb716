"""Which connection suits two identities, and which CHILD_SA suits two lists of traffic selectors."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from cygnet.base.addresses import Address
from cygnet.base.identities import Identity
from cygnet.base.selectors import TrafficSelector
from cygnet.charon.config.records import ChildConfig, PeerConfig

Selectors = tuple[TrafficSelector, ...]


@dataclass(frozen=True, slots=True)
class IdentityMatch:
    """How well a connection suits; ``rank`` 0 means not, and ``reason`` says which identity is why."""

    config: PeerConfig
    rank: int
    reason: str


def match_identities(config: PeerConfig, local: Identity | None, remote: Identity) -> IdentityMatch:
    """Compare the identity the peer has (``remote``) and the one it expects of us (``local``, if any)."""
    theirs = config.remote[0].identity if config.remote else None
    rank = 1 if theirs is None else remote.match(theirs)
    if not rank:
        text = f"{config.name}: peer's identity '{remote}' does not match '{theirs}'"
        return IdentityMatch(config, 0, text)
    ours = config.local[0].identity if config.local else None
    if local is None or local.is_any or ours is None:
        return IdentityMatch(config, 2 * rank, f"{config.name}: '{remote}' matches '{theirs or '%any'}'")
    own_rank = local.match(ours) or ours.match(local)
    if not own_rank:
        return IdentityMatch(config, 0, f"{config.name}: peer expects '{local}', we are '{ours}'")
    text = f"{config.name}: '{remote}' matches '{theirs or '%any'}', '{local}' matches '{ours}'"
    return IdentityMatch(config, 2 * rank + own_rank, text)


def is_same_peer(one: PeerConfig, other: PeerConfig) -> bool:
    """Whether two connections differ in nothing but their names and children."""
    return replace(one, name="", children=()) == replace(other, name="", children=())


def resolve(selectors: Iterable[TrafficSelector], host: Address) -> Selectors:
    """The selectors with ``dynamic`` replaced by a host."""
    return tuple(one.resolve(host) for one in selectors)


def narrow(ours: Sequence[TrafficSelector], theirs: Sequence[TrafficSelector]) -> Selectors:
    """All that both sides allow, without what another selector contains (RFC 7296, 2.9).

    The order is the peer's, so that the selectors of a packet that it put first stay first.
    """
    found: list[TrafficSelector] = []
    for their in theirs:
        for our in ours:
            both = our.narrow(their)
            if both is not None and not any(one.contains(both) for one in found):
                found = [one for one in found if not both.contains(one)]
                found.append(both)
    return tuple(found)


@dataclass(frozen=True, slots=True)
class ChildMatch:
    """A CHILD_SA configuration with the selectors narrowed to what both sides allow."""

    config: ChildConfig
    local: Selectors
    remote: Selectors


@dataclass(frozen=True, slots=True)
class Ends:
    """The two hosts that ``dynamic`` stands for."""

    local: Address
    remote: Address


def match_child(
    configs: Iterable[ChildConfig], local: Selectors, remote: Selectors, ends: Ends
) -> tuple[ChildMatch | None, tuple[str, ...]]:
    """The first configuration that covers all the peer proposes, else the first that covers some of it.

    ``local`` and ``remote`` are the peer's proposals seen from here. Reasons tell which selectors of which
    configuration have nothing in common with the peer's.
    """
    best: ChildMatch | None = None
    reasons: list[str] = []
    for config in configs:
        mine, theirs = resolve(config.local_ts, ends.local), resolve(config.remote_ts, ends.remote)
        match = ChildMatch(config, narrow(mine, local), narrow(theirs, remote))
        if not match.local:
            reasons.append(f"{config.name}: local {_text(mine)} has nothing of {_text(local)}")
        elif not match.remote:
            reasons.append(f"{config.name}: remote {_text(theirs)} has nothing of {_text(remote)}")
        elif set(match.local) == set(local) and set(match.remote) == set(remote):
            return match, ()
        else:
            best = best or match
    return best, tuple(reasons)


def _text(selectors: Selectors) -> str:
    return " ".join(map(str, selectors))
