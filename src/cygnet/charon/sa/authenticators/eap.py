"""AUTH after EAP: from the MSK, or from SK_pi and SK_pr where the method made none (RFC 7296, 2.16)."""

import hmac

from cygnet.base.groups import Group
from cygnet.base.identities import Identity
from cygnet.base.secret import Secret
from cygnet.charon.encoding.errors import AuthenticationFailedError
from cygnet.charon.encoding.payloads import Authentication, AuthenticationMethod
from cygnet.charon.sa.association import Association
from cygnet.charon.sa.authenticators.covered import covered
from cygnet.charon.sa.keymat import psk_auth


def prove(sa: Association, local: Identity, msk: Secret) -> Authentication:
    """Our AUTH payload."""
    sa.log(Group.IKE, f"authentication of '{local}' (myself) with EAP")
    data = _auth(sa, local, msk, initiator=sa.initiator)
    return Authentication(AuthenticationMethod.SHARED_KEY, data)


def verify(sa: Association, payload: Authentication | None, remote: Identity, msk: Secret) -> None:
    """Whether the peer knows the same key; raises :class:`AuthenticationFailedError`."""
    if payload is None:
        raise AuthenticationFailedError("AUTH payload missing after EAP has succeeded")
    right = payload.method == AuthenticationMethod.SHARED_KEY and hmac.compare_digest(
        _auth(sa, remote, msk, initiator=not sa.initiator), payload.data
    )
    if not right:
        raise AuthenticationFailedError(f"verification of AUTH payload of '{remote}' with EAP failed")
    sa.log(Group.IKE, f"authentication of '{remote}' with EAP successful")


def _auth(sa: Association, identity: Identity, msk: Secret, *, initiator: bool) -> bytes:
    keys = sa.established_keys
    own = keys.sk_pi if initiator else keys.sk_pr
    return psk_auth(keys.prf, msk if msk.reveal() else own, covered(sa, identity, initiator=initiator))
