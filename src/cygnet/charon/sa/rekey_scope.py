"""The scope of a CHILD_SA that is rekeyed: its successor's must not be narrower (RFC 7296, 2.9.2)."""

from dataclasses import replace

from cygnet.base.groups import Group
from cygnet.charon.config.matching import covers
from cygnet.charon.config.records import ChildConfig
from cygnet.charon.sa.association import Association
from cygnet.charon.sa.child_sa import Agreed, ChildSa


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
    if covers(new.local_ts, agreed.local_ts) and covers(new.remote_ts, agreed.remote_ts):
        return
    text = f"peer rekeyed CHILD_SA {old} to narrower traffic selectors than {old.selectors_text}"
    sa.log(Group.IKE, text)
