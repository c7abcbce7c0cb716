"""What the refused side logs: notifies tell no reason, so it says what to compare the peer's log with."""

from cygnet.base.groups import Group
from cygnet.charon.config.records import ChildConfig
from cygnet.charon.encoding.notify import NotifyType
from cygnet.charon.sa.association import Association


def ike_refused(sa: Association, notify: int) -> None:
    """In the answer to IKE_SA_INIT."""
    if notify == NotifyType.NO_PROPOSAL_CHOSEN:
        ours = ", ".join(map(str, sa.peer_config.ike.proposals[:8]))
        sa.log(Group.CFG, f"the peer accepts none of the proposals {ours}")


def identity_refused(sa: Association, notify: int) -> None:
    """In the answer to IKE_AUTH."""
    if notify == NotifyType.AUTHENTICATION_FAILED:
        asked = f", or is not '{sa.remote_id}'" if sa.remote_id is not None else ""
        sa.log(Group.CFG, f"the peer does not accept '{sa.local_id}' with {sa.auth_name}{asked}")


def child_refused(sa: Association, config: ChildConfig, notify: int) -> None:
    """In the answer to a CHILD_SA; what concerns selectors is in the reason (``selector_offers``)."""
    if notify == NotifyType.NO_PROPOSAL_CHOSEN:
        ours = ", ".join(map(str, config.proposals[:8]))
        sa.log(Group.CFG, f"the peer accepts none of the proposals {ours}")
