"""Transport mode and BEET: when they can be asked for, and whose addresses their selectors have.

RFC 7296, 1.3.1 (negotiation) and 2.23.1 (transport mode through NATs). BEET is asked for in the same way
with a notify of strongSwan's.
"""

from collections.abc import Iterable
from dataclasses import replace

from cygnet.base.addresses import Address
from cygnet.base.groups import Group
from cygnet.base.records import record
from cygnet.base.selectors import TrafficSelector
from cygnet.charon.encoding.message import Message
from cygnet.charon.encoding.notify import NotifyType
from cygnet.charon.sa import virtual_ips
from cygnet.charon.sa.association import Association
from cygnet.kernel.port import Mode
from cygnet.keying.config.records import ChildConfig
from cygnet.keying.sa.matching import ChildMatch, Selectors, match_child

NOTIFIES = {Mode.TRANSPORT: NotifyType.USE_TRANSPORT_MODE, Mode.BEET: NotifyType.USE_BEET_MODE}
Original = tuple[Address, Address]
"""The addresses that the peer writes into its packets, source first (RFC 3948, 3.1.2)."""


@record
class Found:
    """What suits a peer's proposal: a configuration, or the reasons why there is none; and the mode."""

    match: ChildMatch | None
    reasons: tuple[str, ...]
    mode: Mode
    original: Original | None = None


def proposed(sa: Association, config: ChildConfig, local: Selectors, remote: Selectors) -> Mode:
    """The mode to ask for: the configured one if kernel and selectors allow it, else tunnel."""
    mode = config.mode
    if mode not in NOTIFIES:
        return Mode.TUNNEL
    if mode not in sa.ports.kernel.features.modes:
        sa.log(Group.IKE, f"not using {word(mode)} mode, which the kernel backend lacks")
        return Mode.TUNNEL
    if not fits(sa, mode, local, remote):
        sa.log(Group.IKE, f"not using {word(mode)} mode, not host-to-host")
        return Mode.TUNNEL
    return mode


def requested(message: Message) -> Mode:
    """The mode that a message asks for or agrees to."""
    return next((mode for mode, kind in NOTIFIES.items() if message.notify(kind)), Mode.TUNNEL)


def find(
    sa: Association, configs: Iterable[ChildConfig], wanted: Mode, local: Selectors, remote: Selectors
) -> Found:
    """The configuration for a peer's selectors, seen from here.

    Where transport mode is asked for, first one of that mode, with the addresses that NATs have made;
    where there is none, any, in tunnel mode, with the selectors as they came (RFC 7296, 2.23.1).
    """
    configs, ends = tuple(configs), virtual_ips.ends(sa)
    if wanted in NOTIFIES and wanted in sa.ports.kernel.features.modes:
        mine, theirs = substituted(sa, local, remote) if wanted is Mode.TRANSPORT else (local, remote)
        match, _ = match_child([one for one in configs if one.mode is wanted], mine, theirs, ends)
        if match is not None and fits(sa, wanted, match.local, match.remote):
            return Found(match, (), wanted, original(mine, theirs, local, remote))
    tunnels_first = sorted(configs, key=lambda one: one.mode is not Mode.TUNNEL)
    match, reasons = match_child(tunnels_first, local, remote, ends)
    if match is not None and wanted in NOTIFIES:
        sa.log(Group.IKE, f"{word(wanted)} mode requested by the peer is unacceptable, using tunnel mode")
    return Found(match, reasons, Mode.TUNNEL)


def fits(sa: Association, mode: Mode, local: Selectors, remote: Selectors) -> bool:
    """Whether selectors suit a mode: one address at either end, in transport mode that of the IKE_SA."""
    near, far = _address(local), _address(remote)
    if near is None or far is None or near.version != far.version:
        return False
    return mode is not Mode.TRANSPORT or (near, far) == (sa.local.address, sa.remote.address)


def substituted(sa: Association, local: Selectors, remote: Selectors) -> tuple[Selectors, Selectors]:
    """Transport mode selectors of the peer's with the addresses as they are seen here (RFC 7296, 2.23.1)."""
    if sa.nat.here and _address(local) is not None:
        local = _with_address(local, sa.local.address)
    if sa.nat.there and _address(remote) is not None:
        remote = _with_address(remote, sa.remote.address)
    return local, remote


def original(
    local: Selectors, remote: Selectors, local_received: Selectors, remote_received: Selectors
) -> Original | None:
    """What the peer writes into its packets, if that is not what arrives here."""
    near, far = _address(local_received), _address(remote_received)
    if near is None or far is None or (near, far) == (_address(local), _address(remote)):
        return None
    return far, near


def word(mode: Mode) -> str:
    """As logs have it."""
    return mode.value if mode is Mode.BEET else mode.value.lower()


def _address(selectors: Selectors) -> Address | None:
    """The one address that all are about."""
    addresses = {one.start for one in selectors}
    return addresses.pop() if len(addresses) == 1 and all(one.is_host for one in selectors) else None


def _with_address(selectors: Selectors, address: Address) -> Selectors:
    return tuple(dict.fromkeys(_moved(one, address) for one in selectors))


def _moved(selector: TrafficSelector, address: Address) -> TrafficSelector:
    return replace(selector, start=address, end=address)
