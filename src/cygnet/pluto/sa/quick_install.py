"""Installing an IPsec SA that quick mode agreed on, and what becomes of the one before it."""

from cygnet.base.errors import LocalError
from cygnet.base.groups import Group
from cygnet.crypto.key_log import tell_esp
from cygnet.crypto.proposals import Proposal
from cygnet.kernel.port import Mode
from cygnet.keying.sa.child_keys import ciphers_of
from cygnet.keying.sa.child_sa import Agreed, ChildSa
from cygnet.keying.sa.child_states import ChildState
from cygnet.pluto.sa import lifetimes
from cygnet.pluto.sa.association import Association
from cygnet.pluto.sa.keymat import Spis, child_keys
from cygnet.pluto.sa.quick_context import QuickMode
from cygnet.pluto.sa.timers import SWITCH_S, DropReplaced, SwitchOutbound


def install(sa: Association, quick: QuickMode, proposal: Proposal, mode: Mode | None) -> None:
    """Derive the keys, install the inbound SA; the outbound one waits for :func:`use`."""
    child, kernel = quick.made, sa.ports.kernel
    agreed = Agreed(
        proposal,
        mode or Mode.TUNNEL,
        *quick.selectors,
        int.from_bytes(proposal.spi, "big"),
        pads=False,
        compression=quick.compression,
        original=quick.original,
    )
    own, theirs = child.spi_octets, proposal.spi
    spis = Spis(own, theirs) if quick.initiator else Spis(theirs, own)
    keys = child_keys(sa.established_keys, proposal, quick.nonces, spis, quick.shared)
    child.reqid = quick.reqid or quick.config.reqid
    if not child.reqid:
        child.reqid = sa.ports.numbers.reqid(agreed.local_ts, agreed.remote_ts, child.marks)
        child.counted = True
    lifetime = lifetimes.of_child(sa, quick.config, quick.life)
    child.move(kernel, sa.path)
    sa.move_child(child, ChildState.INSTALLING)
    child.install(kernel, agreed, keys, lifetime, exchange_initiator=quick.initiator)
    if sa.ports.key_log is not None:
        names = (child.outbound, child.inbound) if quick.initiator else (child.inbound, child.outbound)
        ciphers = ciphers_of(proposal)
        tell_esp(sa.ports.key_log, names, ciphers, keys, child.icv_bits(ciphers[1]))
    child.installed_at = sa.now
    child.rekey_at = sa.now + lifetime.soft_s if lifetime.soft_s else None
    child.expire_at = sa.now + lifetime.hard_s if lifetime.hard_s else None


def use(sa: Association, quick: QuickMode) -> None:
    """Both sides have it, or are about to: traffic goes out through it in place of its predecessor."""
    child, old = quick.made, sa.children.get(quick.replaces)
    child.install_outbound(sa.ports.kernel, _sender(old) if quick.initiator and old is not None else 0)
    if child.behind:
        sa.schedule(SWITCH_S, SwitchOutbound(child.unique_id))
    sa.move_child(child, ChildState.INSTALLED)
    text = f"CHILD_SA {child} established with SPIs {child.spis_text} and TS {child.selectors_text}"
    sa.log(Group.IKE, text)
    if old is not None:
        _supersede(sa, old, by_us=quick.initiator)
    sa.child_up(child, quick.replaces if old is not None else 0)
    quick.done()


def switch(sa: Association, child_id: int) -> None:
    """Send through an IPsec SA from now on, if it is there and does not do so already."""
    child = sa.children.get(child_id)
    if child is None:
        return
    try:
        child.stand_behind(sa.ports.kernel, 0)
    except LocalError as error:
        sa.log(Group.KNL, f"sending through CHILD_SA {child} failed: {error}")


def _sender(old: ChildSa) -> int:
    """The outbound SPI of what its traffic leaves through, 0 for nothing."""
    return old.behind or (old.outbound.spi if old.sends else 0)


def predecessor(sa: Association, quick: QuickMode) -> int:
    """The IPsec SA that a peer rekeys: the newest one for the very same traffic; 0 if there is none."""
    for child in reversed(tuple(sa.children.values())):
        agreed = child.agreed
        if child is quick.child or agreed is None or child.state not in _IN_USE:
            continue
        if (agreed.local_ts, agreed.remote_ts) == quick.selectors:
            return child.unique_id
    return 0


def _supersede(sa: Association, old: ChildSa, *, by_us: bool) -> None:
    """The old one still receives: until its end, or until we delete it (``delete_rekeyed``).

    One that we are rekeying ourselves just now is superseded by what comes of that.
    """
    if old.state not in _IN_USE or (old.state == ChildState.REKEYING and not by_us):
        return
    sa.move_child(old, ChildState.REKEYED)
    settings = sa.ports.settings
    if settings.delete_rekeyed and by_us:
        sa.schedule(settings.delete_rekeyed_delay_s, DropReplaced(old.unique_id))


_IN_USE = (ChildState.INSTALLED, ChildState.REKEYING)
