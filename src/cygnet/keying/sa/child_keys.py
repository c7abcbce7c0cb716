"""The keys of an IPsec SA, and which algorithms they are for."""

from cygnet.base.records import record
from cygnet.base.secret import Secret
from cygnet.crypto.proposals import Proposal, Transform
from cygnet.crypto.tables import TransformType


@record
class ChildKeys:
    """Encryption and integrity keys of a CHILD_SA, for what the exchange's initiator and responder send."""

    encryption_i: Secret
    integrity_i: Secret
    encryption_r: Secret
    integrity_r: Secret


def ciphers_of(proposal: Proposal) -> tuple[Transform | None, Transform | None]:
    """Encryption (AH has none), and integrity unless there is none."""
    integrity = proposal.chosen(TransformType.INTEG)
    return proposal.chosen(TransformType.ENCR), None if integrity is None or integrity.is_none else integrity
