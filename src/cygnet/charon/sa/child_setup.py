"""Installing a CHILD_SA that was agreed on: keys, lifetimes, states, the line in the log."""

from dataclasses import replace

from cygnet.base.groups import Group
from cygnet.base.secret import Secret
from cygnet.charon.sa import virtual_ips
from cygnet.charon.sa.association import Association
from cygnet.charon.sa.establish import jittered
from cygnet.charon.sa.keymat import Nonces, derive_child_keys
from cygnet.charon.sa.saved_keys import save_child_keys
from cygnet.kernel.port import Lifetime
from cygnet.keying.config.records import ChildConfig
from cygnet.keying.sa.child_sa import Agreed, ChildSa
from cygnet.keying.sa.child_states import ChildState


def complete(
    sa: Association,
    child: ChildSa,
    agreed: Agreed,
    secrets: tuple[Nonces, tuple[Secret, ...]],
    reqid: int,
    *,
    at_once: bool,
) -> None:
    """Derive the keys and install the inbound SA, and ``at_once`` the outbound one.

    That waits all the same where we answer and the peer, which has no keys yet, still sends through an older
    CHILD_SA. ``reqid`` 0: the one of the selectors.
    """
    child.reqid = reqid or child.config.reqid
    if not child.reqid:
        child.reqid = sa.ports.numbers.reqid(agreed.local_ts, agreed.remote_ts, child.marks)
        child.counted = True
    keys = derive_child_keys(sa.established_keys, agreed.proposal, *secrets)
    lifetime = lifetime_of(sa, child.config)
    child.move(sa.ports.kernel, sa.path)
    ends = virtual_ips.ends(sa)
    child.hosts = ends.local, ends.remote
    sa.move_child(child, ChildState.INSTALLING)
    ours = child.initiated
    at_once = at_once and (ours or not sa.ports.contacts.sender(child.reqid))
    child.install(sa.ports.kernel, agreed, keys, lifetime, exchange_initiator=ours, at_once=at_once)
    save_child_keys(sa, child, keys, initiator=ours)
    child.installed_at = sa.now
    child.rekey_at = sa.now + lifetime.soft_s if lifetime.soft_s else None
    child.expire_at = sa.now + lifetime.hard_s if lifetime.hard_s else None
    sa.move_child(child, ChildState.INSTALLED)
    sa.log(
        Group.IKE,
        f"CHILD_SA {child} established with SPIs {child.spis_text} and TS {child.selectors_text}",
    )


def lifetime_of(sa: Association, config: ChildConfig) -> Lifetime:
    """The configured lifetime with its soft limits at random within the fuzz; without rekeying, none.

    As strongSwan has it: a soft limit lies the margin, and up to ``rekeyfuzz`` of the margin more, before
    the hard one; for time, bytes and packets alike.
    """
    lifetime, fuzz = config.lifetime, config.fuzz_percent
    if not sa.peer_config.rekey:
        return replace(lifetime, soft_s=0, soft_bytes=0, soft_packets=0)
    return replace(
        lifetime,
        soft_s=_fuzzed(sa, lifetime.soft_s, lifetime.hard_s, fuzz),
        soft_bytes=int(_fuzzed(sa, lifetime.soft_bytes, lifetime.hard_bytes, fuzz)),
        soft_packets=int(_fuzzed(sa, lifetime.soft_packets, lifetime.hard_packets, fuzz)),
    )


def _fuzzed(sa: Association, soft: float, hard: float, fuzz_percent: int) -> float:
    if not soft or hard <= soft:
        return soft
    return jittered(sa, hard, hard - soft, fuzz_percent)
