"""What the refused side logs: notifies tell no reason, so it says what to compare the peer's log with."""

from cygnet.base.groups import Group
from cygnet.charon.encoding.notify import NotifyType
from cygnet.charon.sa.association import Association
from cygnet.crypto.proposals import Proposal


def proposals_refused(sa: Association, proposals: tuple[Proposal, ...], notify: int) -> None:
    """In the answer to IKE_SA_INIT or CREATE_CHILD_SA; selectors are in the reason (``selector_offers``)."""
    if notify == NotifyType.NO_PROPOSAL_CHOSEN:
        ours = ", ".join(map(str, proposals[:8]))
        sa.log(Group.CFG, f"the peer accepts none of the proposals {ours}")


def identity_refused(sa: Association, notify: int) -> None:
    """In the answer to IKE_AUTH."""
    if notify == NotifyType.AUTHENTICATION_FAILED:
        asked = f", or is not '{sa.remote_id}'" if sa.remote_id is not None else ""
        sa.log(Group.CFG, f"the peer does not accept '{sa.local_id}' with {sa.auth_name}{asked}")
