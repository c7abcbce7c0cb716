"""NULL authentication: an AUTH payload that proves nothing about who sent it (RFC 7619, 2.1)."""

import hmac

from cygnet.base.groups import Group
from cygnet.base.identities import Identity
from cygnet.charon.encoding.errors import AuthenticationFailedError
from cygnet.charon.encoding.payloads import Authentication, AuthenticationMethod
from cygnet.charon.sa.association import Association
from cygnet.charon.sa.keymat import psk_auth
from cygnet.keying.config.records import AuthClass
from cygnet.keying.sa.authorisation import Facts


def prove(sa: Association, octets: bytes, local: Identity, *, initiator: bool) -> Authentication:
    """Our AUTH payload: it binds this exchange to IKE_SA_INIT and nothing else."""
    sa.log(Group.IKE, f"not authenticating '{local}' (myself): NULL authentication")
    return Authentication(AuthenticationMethod.NULL, _auth(sa, octets, initiator))


def verify(
    sa: Association, payload: Authentication, octets: bytes, remote: Identity, *, initiator: bool
) -> Facts:
    """That the peer speaks in this exchange; ``initiator``: it is the initiator.

    Raises :class:`AuthenticationFailedError`. Whether that is enough is for the constraints to say.
    """
    if not hmac.compare_digest(_auth(sa, octets, initiator), payload.data):
        problem = f"AUTH payload of '{remote}' with NULL authentication does not verify"
        raise AuthenticationFailedError(problem)
    where = sa.remote.with_brackets()
    sa.log(Group.IKE, f"peer '{remote}' at {where} is not authenticated: NULL authentication")
    return Facts(remote, AuthClass.NULL)


def _auth(sa: Association, octets: bytes, initiator: bool) -> bytes:
    """As by a pre-shared key, which is SK_pi or SK_pr."""
    keys = sa.established_keys
    return psk_auth(keys.prf, keys.sk_pi if initiator else keys.sk_pr, octets)
