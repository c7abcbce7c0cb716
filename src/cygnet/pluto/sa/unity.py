"""Cisco's way with selectors: quick mode is about everything behind the server, policies about what it told.

A client proposes 0.0.0.0/0 for the server's end, whatever ``UNITY_SPLIT_INCLUDE`` says; both sides install
the networks that are meant (registries: Cisco Unity; strongSwan does so). Only with ``charon.cisco_unity``.
"""

from cygnet.base.selectors import TrafficSelector
from cygnet.keying.config.records import ChildConfig
from cygnet.pluto.encoding.vendor_ids import Feature
from cygnet.pluto.sa.association import Association

Selectors = tuple[TrafficSelector, ...]
Pair = tuple[TrafficSelector, TrafficSelector]
EVERYTHING = TrafficSelector.of("0.0.0.0/0")


def spoken(sa: Association) -> bool:
    """Whether both sides speak Cisco's attributes."""
    return sa.ports.settings.cisco_unity and sa.has(Feature.UNITY)


def is_client(sa: Association) -> bool:
    """Whether the peer told us which networks are behind it."""
    return spoken(sa) and sa.virtual.received is not None


def is_server(sa: Association) -> bool:
    """Whether the peer has an address of ours."""
    return spoken(sa) and bool(sa.virtual.given)


def networks(selectors: Selectors) -> Selectors:
    """Those of IPv4 networks: Cisco's attributes know nothing else."""
    return tuple(one for one in selectors if one.family == 4 and not one.dynamic)


def included(sa: Association, config: ChildConfig) -> Selectors:
    """The client's policies at the server's end: what is configured, of it only what the server told."""
    received, wanted = sa.virtual.received, networks(config.remote_ts)
    told = [TrafficSelector.of(one) for one in received.split_include] if received else []
    both = (mine.narrow(theirs) for mine in wanted for theirs in told)
    return tuple(dict.fromkeys(one for one in both if one is not None)) or wanted


def installed(sa: Association, config: ChildConfig, pair: Pair) -> tuple[Selectors, Selectors]:
    """What is installed for a pair of selectors of quick mode, ours first."""
    local, remote = pair
    if remote == EVERYTHING and is_client(sa) and networks(config.remote_ts):
        return (local,), included(sa, config)
    if local == EVERYTHING and is_server(sa) and EVERYTHING not in config.local_ts:
        return networks(config.local_ts) or (local,), (remote,)
    return (local,), (remote,)


def proposed(sa: Association, agreed: tuple[Selectors, Selectors]) -> Pair:
    """The pair that stands for installed selectors in quick mode, for a rekeying."""
    local, remote = agreed
    if is_client(sa) and local[0].family == 4:
        return local[0], EVERYTHING
    if is_server(sa) and local[0].family == 4:
        return EVERYTHING, remote[0]
    return local[0], remote[0]
