"""Installing a CHILD_SA that was agreed on: keys, lifetimes, states, the line in the log."""

from dataclasses import replace

from cygnet.base.groups import Group
from cygnet.base.secret import Secret
from cygnet.charon.config.records import ChildConfig
from cygnet.charon.sa import virtual_ips
from cygnet.charon.sa.association import Association
from cygnet.charon.sa.child_sa import Agreed, ChildSa
from cygnet.charon.sa.establish import jittered
from cygnet.charon.sa.keymat import Nonces, derive_child_keys
from cygnet.charon.sa.saved_keys import save_child_keys
from cygnet.charon.sa.states import ChildState
from cygnet.kernel.port import Lifetime


def complete(
    sa: Association,
    child: ChildSa,
    agreed: Agreed,
    secrets: tuple[Nonces, tuple[Secret, ...]],
    reqid: int,
    *,
    initiator: bool,
) -> None:
    """Derive the keys and install the inbound SA; the outbound one waits unless the child is ``at_once``.

    ``reqid`` 0: the one of the selectors. ``initiator``: we sent the exchange's request.
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
    child.install(sa.ports.kernel, agreed, keys, lifetime, exchange_initiator=initiator)
    save_child_keys(sa, child, keys, initiator=initiator)
    child.installed_at, child.initiated = sa.now, initiator
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
