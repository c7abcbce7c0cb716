"""Authentication by a pre-shared key (RFC 7296, 2.15)."""

import hmac

from cygnet.base.groups import Group
from cygnet.base.identities import Identity
from cygnet.charon.encoding.errors import AuthenticationFailedError
from cygnet.charon.encoding.payloads import Authentication, AuthenticationMethod
from cygnet.charon.sa.association import Association
from cygnet.charon.sa.errors import NoSharedKeyError
from cygnet.charon.sa.keymat import psk_auth
from cygnet.keying.config.records import AuthClass
from cygnet.keying.sa.authorisation import Facts

MAX_TRIED = 16


def prove(sa: Association, octets: bytes, local: Identity, remote: Identity | None) -> Authentication:
    """Our AUTH payload; raises :class:`NoSharedKeyError`."""
    secrets = sa.ports.credentials.shared_secrets(local, remote)
    if not secrets:
        raise NoSharedKeyError(f"no shared key found for '{local}' - '{remote or '%any'}'")
    sa.log(Group.IKE, f"authentication of '{local}' (myself) with pre-shared key")
    data = psk_auth(sa.established_keys.prf, secrets[0], octets)
    return Authentication(AuthenticationMethod.SHARED_KEY, data)


def verify(
    sa: Association, payload: Authentication, octets: bytes, local: Identity, remote: Identity
) -> Facts:
    """What the peer's AUTH payload proves; raises :class:`AuthenticationFailedError`."""
    secrets = sa.ports.credentials.shared_secrets(local, remote)[:MAX_TRIED]
    for secret in secrets:
        if hmac.compare_digest(psk_auth(sa.established_keys.prf, secret, octets), payload.data):
            sa.log(Group.IKE, f"authentication of '{remote}' with pre-shared key successful")
            return Facts(remote, AuthClass.PSK)
    if not secrets:
        raise AuthenticationFailedError(f"no shared key found for '{local}' - '{remote}'")
    keys = "1 shared key" if len(secrets) == 1 else f"{len(secrets)} shared keys"
    raise AuthenticationFailedError(f"tried {keys} for '{local}' - '{remote}', but MAC mismatched")
