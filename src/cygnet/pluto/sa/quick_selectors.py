"""Traffic selectors of quick mode: ID payloads, and the configuration that suits them (RFC 2407, 4.6.2).

IKEv1 has one selector for each end, and a responder takes them as they are or not at all.
"""

from collections.abc import Iterable, Iterator
from dataclasses import replace

from cygnet.base.addresses import Address
from cygnet.base.selectors import TrafficSelector, pairs
from cygnet.kernel.port import Mode
from cygnet.keying.config.records import ChildConfig
from cygnet.pluto.encoding.errors import InvalidIdInformationError
from cygnet.pluto.encoding.identities import payload_of_selector, selector_of
from cygnet.pluto.encoding.message import Message
from cygnet.pluto.encoding.payloads import Identification
from cygnet.pluto.encoding.phase2_offers import Phase2Terms
from cygnet.pluto.sa import quick_modes, unity
from cygnet.pluto.sa.association import Association
from cygnet.pluto.sa.quick_context import QuickMode

MAX_PAIRS = 256
"""IPsec SAs that one connection may ask for."""


def selector_pairs(
    sa: Association, config: ChildConfig
) -> tuple[tuple[TrafficSelector, TrafficSelector], ...]:
    """Every pair of our selectors and the peer's that can go together: each becomes an IPsec SA."""
    ours, theirs = (tuple(one) for one in _resolved(sa, config))
    wide = unity.networks(config.remote_ts) if unity.is_client(sa) else ()
    if wide:
        theirs = (unity.EVERYTHING, *(one for one in theirs if one not in wide))
    return tuple(dict.fromkeys(pairs(ours, theirs)))[:MAX_PAIRS]


def children_of(sa: Association) -> tuple[ChildConfig, ...]:
    """What may be made on this ISAKMP SA: its connection's, then those of others with the same peer."""
    family = sa.ports.configs.family(sa.peer_config)
    return tuple(child for config in family for child in config.children)


def payloads_of(quick: QuickMode) -> tuple[Identification, ...]:
    """IDci and IDcr; raises ``ValueError`` for what IKEv1 cannot say."""
    ends = (quick.local, quick.remote) if quick.initiator else (quick.remote, quick.local)
    return tuple(payload_of_selector(one) for one in ends)


def find(sa: Association, message: Message, terms: Iterable[Phase2Terms]) -> QuickMode:
    """The configuration that suits a proposal, as the responder sees it; raises ``PeerError``."""
    identities = message.all(Identification)
    if len(identities) not in (0, 2):
        raise InvalidIdInformationError("one ID payload: there have to be both, or none")
    remote, local = _received(sa, identities)
    modes = {quick_modes.mode_of(one.encapsulation) for one in terms}
    if modes == {Mode.TRANSPORT} and sa.nat.any:
        remote, local = _seen(remote, sa.remote.address), _seen(local, sa.local.address)
    best = max(
        (config for config in children_of(sa) if _covers(sa, config, local, remote)),
        key=lambda config: (config.mode in modes, _is_exact(sa, config, local, remote)),
        default=None,
    )
    if best is None:
        raise InvalidIdInformationError(f"no matching CHILD_SA config found for {local} === {remote}")
    quick = QuickMode(sa, False, best, local, remote, identities=identities)
    quick.local_ts, quick.remote_ts = unity.installed(sa, best, (local, remote))
    quick.group = next((one.group for one in terms if one.group), 0)
    quick_modes.read_originals(sa, quick, message)
    return quick


def is_answered(sa: Association, quick: QuickMode, message: Message) -> bool:
    """Whether a responder has returned our ID payloads unchanged, or left them out.

    Through a NAT strongSwan returns, in transport mode, both hosts as it sees them, the addresses of its
    NAT-OA payloads (RFC 3947, 5.2, does not say what becomes of ID payloads). What we install is ours anyway.
    """
    answered = message.all(Identification)
    if answered in (quick.identities, ()):
        return True
    told = quick_modes.told_originals(message)
    if quick.config.mode is not Mode.TRANSPORT or not sa.nat.any or not len(told) == len(answered) == 2:
        return False
    ends = zip((quick.local, quick.remote), told, strict=True)
    return tuple(map(selector_of, answered)) == tuple(_seen(one, address) for one, address in ends)


def _received(
    sa: Association, identities: tuple[Identification, ...]
) -> tuple[TrafficSelector, TrafficSelector]:
    if not identities:
        hosts = (sa.remote.address, sa.local.address)
        return TrafficSelector(hosts[0], hosts[0]), TrafficSelector(hosts[1], hosts[1])
    return selector_of(identities[0]), selector_of(identities[1])


def _seen(selector: TrafficSelector, address: Address) -> TrafficSelector:
    """A host under the address that somebody sees, where NATs change addresses."""
    if not selector.is_host or selector.family != address.version:
        return selector
    return replace(selector, start=address, end=address)


def _covers(sa: Association, config: ChildConfig, local: TrafficSelector, remote: TrafficSelector) -> bool:
    ours, theirs = (tuple(one) for one in _resolved(sa, config))
    if not any(one.contains(remote) for one in theirs) and not (
        remote == unity.EVERYTHING and unity.is_client(sa)
    ):
        return False
    return any(one.contains(local) for one in ours) or (
        local == unity.EVERYTHING and unity.is_server(sa) and bool(unity.networks(config.local_ts))
    )


def _is_exact(sa: Association, config: ChildConfig, local: TrafficSelector, remote: TrafficSelector) -> bool:
    ours, theirs = (tuple(one) for one in _resolved(sa, config))
    return local in ours and remote in theirs


def _resolved(
    sa: Association, config: ChildConfig
) -> tuple[Iterator[TrafficSelector], Iterator[TrafficSelector]]:
    """``dynamic`` is the addresses of mode config if there are any, else the host.

    A peer that is to have an address from a pool, and has not asked for one, has nothing.
    """
    received = sa.virtual.received
    near = (received.addresses if received else ()) or (sa.local.address,)
    far = sa.virtual.given if sa.virtual.given or sa.peer_config.pools else (sa.remote.address,)
    return _at(config.local_ts, near), _at(config.remote_ts, far)


def _at(selectors: Iterable[TrafficSelector], hosts: tuple[Address, ...]) -> Iterator[TrafficSelector]:
    for one in selectors:
        if one.dynamic:
            yield from (one.resolve(host) for host in hosts)
        else:
            yield one
