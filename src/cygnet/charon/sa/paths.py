"""Which ways there are between our addresses and the peer's (RFC 4555, 2.1, 3.10).

The further a search has come, the more is tried: first what the kernel would take towards the peer's
address in use, then the same towards each of the peer's addresses, at last all pairs. So the best of
several that work is found, rather than that whose answer is a moment earlier.
"""

from collections.abc import Iterator

from cygnet.base.addresses import Address, Host
from cygnet.charon.sa.association import Association
from cygnet.charon.sa.mobility import Pair

NAT_T_PORT = 4500
MAX_PAIRS = 16
"""How many copies of a request one attempt sends at most."""
MAX_ADDRESSES = 16
"""How many additional addresses are told or remembered."""


def works(sa: Association) -> bool:
    """Whether the way in use is still there as far as this host can tell."""
    return sa.ports.addresses.works(sa.local.address, sa.remote.address)


def is_best(sa: Association) -> bool:
    """Whether the way in use is the one that the kernel would take (``prefer_best_path``)."""
    best = sa.ports.addresses.source(sa.remote.address)
    return best is None or best == sa.local.address


def additional_addresses(sa: Association) -> tuple[Address, ...]:
    """Our addresses beside the one in use, to be told to the peer (RFC 4555, 3.4)."""
    return tuple(one for one in sa.ports.addresses.usable() if one != sa.local.address)[:MAX_ADDRESSES]


def candidates(sa: Association, attempt: int) -> list[Pair]:
    """The ways to be tried in an attempt (0 is the first), the likeliest first."""
    refused = sa.mobility.refused
    found = list(dict.fromkeys(pair for pair in _ways(sa, attempt) if pair not in refused))
    return found[:MAX_PAIRS]


def has_choice(sa: Association) -> bool:
    """Whether there is any other way than the one in use."""
    return any(pair != (sa.local, sa.remote) for pair in candidates(sa, _ALL))


_PREFERRED, _ALL = 1, 2
BESIDE = _PREFERRED
"""The attempt to begin with where it is the path in use that does not answer."""


def _ways(sa: Association, attempt: int) -> Iterator[Pair]:
    if sa.mobility.hint is not None:
        yield sa.mobility.hint
    likely = list(_preferred(sa, [sa.remote.address]))
    yield from likely
    if (attempt >= _PREFERRED or not likely) and works(sa):
        yield sa.local, sa.remote
    others = _other_addresses(sa)
    if attempt >= _PREFERRED or not likely:
        yield from _preferred(sa, others)
    if attempt >= _ALL:
        yield from _all(sa, [sa.remote.address, *others])


def _other_addresses(sa: Association) -> list[Address]:
    """What the peer says, and, if it is for us to find it, where it was at first: it may have come home."""
    known = [*sa.mobility.peer_addresses]
    if sa.mobility.leads and sa.mobility.began is not None:
        known.append(sa.mobility.began)
    return list(dict.fromkeys(one for one in known if one != sa.remote.address))


def _preferred(sa: Association, remotes: list[Address]) -> Iterator[Pair]:
    for remote in remotes:
        source = sa.ports.addresses.source(remote)
        if source is not None:
            yield _pair(sa, source, remote)


def _all(sa: Association, remotes: list[Address]) -> Iterator[Pair]:
    for remote in remotes:
        for source in sa.ports.addresses.usable():
            if source.version == remote.version and sa.ports.addresses.works(source, remote):
                yield _pair(sa, source, remote)


def _pair(sa: Association, local: Address, remote: Address) -> Pair:
    """With the ports in use; a peer that a NAT gave its port has that with the present address only."""
    known = remote == sa.remote.address or not sa.nat.there
    return Host(local, sa.local.port), Host(remote, sa.remote.port if known else NAT_T_PORT)
