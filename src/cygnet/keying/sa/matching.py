"""Which connection suits two identities, and which CHILD_SA suits two lists of traffic selectors."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from ipaddress import ip_address

from cygnet.base.addresses import Address
from cygnet.base.identities import Identity
from cygnet.base.selectors import MAX_SELECTORS, TrafficSelector
from cygnet.keying.config.records import AuthClass, ChildConfig, PeerConfig

MAX_OVERLAPS = 512
MAX_PAIRS = 4096
"""Each pair of selectors of one CHILD_SA has policies of its own in the kernel."""
_ALL = 2
ANY_HOST = (ip_address(0),)
Selectors = tuple[TrafficSelector, ...]


@dataclass(frozen=True, slots=True)
class IdentityMatch:
    """How well a connection suits; ``rank`` 0 means not, and ``reason`` says which identity is why."""

    config: PeerConfig
    rank: int
    reason: str


def match_identities(config: PeerConfig, local: Identity | None, remote: Identity) -> IdentityMatch:
    """Compare the identity the peer has (``remote``) and the one it expects of us (``local``, if any).

    Where the peer need not prove its identity, that identity is compared with nothing (RFC 7619, 2.2).
    """
    theirs = config.remote[0].identity if config.remote else None
    anonymous = bool(config.remote) and config.remote[0].auth is AuthClass.NULL
    if remote.is_null and not anonymous:
        wanted = config.remote[0].auth if config.remote else AuthClass.ANY
        text = f"{config.name}: peer says it is nobody (ID_NULL), required is {wanted}"
        return IdentityMatch(config, 0, text)
    rank = 1 if theirs is None or anonymous else remote.match(theirs)
    if not rank:
        text = f"{config.name}: peer's identity '{remote}' does not match '{theirs}'"
        return IdentityMatch(config, 0, text)
    ours = config.local[0].identity if config.local else None
    if local is None or local.is_any or ours is None or ours.is_null:
        return IdentityMatch(config, 2 * rank, f"{config.name}: '{remote}' matches '{theirs or '%any'}'")
    own_rank = local.match(ours) or ours.match(local)
    if not own_rank:
        return IdentityMatch(config, 0, f"{config.name}: peer expects '{local}', we are '{ours}'")
    text = f"{config.name}: '{remote}' matches '{theirs or '%any'}', '{local}' matches '{ours}'"
    return IdentityMatch(config, 2 * rank + own_rank, text)


def is_same_peer(one: PeerConfig, other: PeerConfig) -> bool:
    """Whether two connections differ in nothing but their names and children."""
    return replace(one, name="", children=()) == replace(other, name="", children=())


def resolve(selectors: Selectors, hosts: Iterable[Address]) -> Selectors:
    """The selectors with ``dynamic`` replaced by hosts, each; without any such selectors go.

    Those of a configuration differ, so that only what hosts were put into can come twice.
    """
    if not any(one.dynamic for one in selectors):
        return selectors
    hosts = tuple(hosts)
    found = (one.resolve(host) for one in selectors for host in (hosts if one.dynamic else ANY_HOST))
    return tuple(dict.fromkeys(found))


def narrow(ours: Sequence[TrafficSelector], theirs: Sequence[TrafficSelector]) -> Selectors:
    """All that both sides allow, without what another selector contains (RFC 7296, 2.9).

    The order is the peer's, so that the selectors of a packet that it put first stay first. There are
    never more than a payload holds; a peer that proposes more overlaps than :data:`MAX_OVERLAPS` gets the
    first of them.
    """
    overlaps: dict[TrafficSelector, None] = {}
    for their in theirs:
        for our in ours:
            both = our.narrow(their)
            if both is not None:
                overlaps.setdefault(both)
        if len(overlaps) >= MAX_OVERLAPS:
            break
    found: list[TrafficSelector] = []
    for both in overlaps:
        if not any(one.contains(both) for one in found):
            found = [one for one in found if not both.contains(one)]
            found.append(both)
    return tuple(found[:MAX_SELECTORS])


def covers(wide: Selectors, narrow: Selectors) -> bool:
    """Whether each selector of ``narrow`` is inside one of ``wide``."""
    return all(any(one.contains(other) for one in wide) for other in narrow)


@dataclass(frozen=True, slots=True)
class ChildMatch:
    """A CHILD_SA configuration with the selectors narrowed to what both sides allow.

    ``others``: another configuration would have taken some of the peer's proposal that this one does not.
    """

    config: ChildConfig
    local: Selectors
    remote: Selectors
    others: bool = False


@dataclass(frozen=True, slots=True)
class Ends:
    """The hosts that ``dynamic`` stands for at either end: one, or several virtual addresses, or none."""

    local: tuple[Address, ...]
    remote: tuple[Address, ...]


def match_child(
    configs: Iterable[ChildConfig], local: Selectors, remote: Selectors, ends: Ends
) -> tuple[ChildMatch | None, tuple[str, ...]]:
    """The configuration that suits the peer's proposal best (RFC 7296, 2.9).

    One that covers all of it comes first, then one that covers the first selector of either end, which
    may be those of a packet, then any; among equals the first. ``local`` and ``remote`` are the peer's
    proposals seen from here. Reasons tell which selectors of which configuration have nothing in common
    with the peer's.
    """
    found: list[tuple[int, ChildMatch]] = []
    reasons: list[str] = []
    for config in configs:
        mine, theirs = resolve(config.local_ts, ends.local), resolve(config.remote_ts, ends.remote)
        match = ChildMatch(config, *_limited(narrow(mine, local), narrow(theirs, remote)))
        if not match.local:
            reasons.append(f"{config.name}: local {text(mine)} has nothing of {text(local)}")
        elif not match.remote:
            reasons.append(f"{config.name}: remote {text(theirs)} has nothing of {text(remote)}")
        else:
            found.append((_rank(match, local, remote), match))
    if not found:
        return None, tuple(reasons)
    rank, best = max(found, key=lambda ranked: ranked[0])
    others = rank < _ALL and len(found) > 1
    return replace(best, others=True) if others else best, tuple(reasons)


def _limited(local: Selectors, remote: Selectors) -> tuple[Selectors, Selectors]:
    """Fewer of the remote ones, the last first, where a peer proposes more than kernels should be given."""
    return local, remote[: max(MAX_PAIRS // max(len(local), 1), 1)]


def _rank(match: ChildMatch, local: Selectors, remote: Selectors) -> int:
    if covers(match.local, local) and covers(match.remote, remote):
        return _ALL
    return int(covers(match.local, local[:1]) and covers(match.remote, remote[:1]))


def text(selectors: Selectors) -> str:
    """As they stand in logs."""
    return " ".join(map(str, selectors))
