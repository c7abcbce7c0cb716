"""The scope of a CHILD_SA that is rekeyed: its successor's must not be narrower (RFC 7296, 2.9.2)."""

from dataclasses import replace

from cygnet.base.addresses import Address
from cygnet.base.groups import Group
from cygnet.charon.sa.association import Association
from cygnet.keying.config.records import ChildConfig
from cygnet.keying.sa.child_sa import Agreed, ChildSa
from cygnet.keying.sa.matching import Selectors, covers


def with_current_scope(old: ChildSa) -> ChildConfig:
    """The configuration with what is in use added, whatever addresses it would be about by now."""
    agreed = old.agreed
    if agreed is None:
        return old.config
    local, remote = (*agreed.local_ts, *old.config.local_ts), (*agreed.remote_ts, *old.config.remote_ts)
    return replace(old.config, local_ts=local, remote_ts=remote)


def warn_if_narrower(sa: Association, old: ChildSa, new: Agreed | None) -> None:
    """A peer that narrows breaks the rule; what is left is worth more than no CHILD_SA."""
    agreed = old.agreed
    if agreed is None or new is None:
        return
    for local, remote in ((agreed.local_ts, agreed.remote_ts), selectors_now(sa, old)):
        if covers(new.local_ts, local) and covers(new.remote_ts, remote):
            return
    text = f"peer rekeyed CHILD_SA {old} to narrower traffic selectors than {old.selectors_text}"
    sa.log(Group.IKE, text)


def selectors_now(sa: Association, old: ChildSa) -> tuple[Selectors, Selectors]:
    """What is in use, with the present address where an end of the tunnel was itself what it is for."""
    agreed, made_on = old.agreed, old.made_on
    if agreed is None or sa.nat.any:  # a NAT's address is not ours to ask for
        return (agreed.local_ts, agreed.remote_ts) if agreed else (old.config.local_ts, old.config.remote_ts)
    return (
        _moved(agreed.local_ts, old.config.local_ts, made_on.local.address, sa.local.address),
        _moved(agreed.remote_ts, old.config.remote_ts, made_on.remote.address, sa.remote.address),
    )


def is_outdated(sa: Association, child: ChildSa) -> bool:
    """Whether a CHILD_SA is about a host that has moved away, itself being one end of the tunnel."""
    agreed = child.agreed
    return agreed is not None and selectors_now(sa, child) != (agreed.local_ts, agreed.remote_ts)


def _moved(selectors: Selectors, configured: Selectors, old: Address, new: Address) -> Selectors:
    """Only where the configuration says ``dynamic``, which meant the host's own address, no virtual one."""
    if old == new or not any(one.dynamic for one in configured):
        return selectors
    return tuple(
        replace(one, start=new, end=new) if one.is_host and one.start == old else one for one in selectors
    )
