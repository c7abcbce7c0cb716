"""Users of EAP: their names as identities, and their secrets, asked of the credential store."""

import hmac
from dataclasses import dataclass

from cygnet.base.identities import Identity, IdType
from cygnet.base.secret import Secret
from cygnet.eap.ports import UserSecret
from cygnet.keying.sa.credentials import Credentials

_TEXT = (IdType.FQDN, IdType.RFC822, IdType.KEY_ID)


def user_name(identity: Identity) -> bytes:
    """The octets in which EAP carries an identity."""
    return identity.data if identity.type in _TEXT else str(identity).encode()


def user_identity(name: bytes) -> Identity:
    """The identity that ``ipsec.secrets`` and ``eap_identity`` would write for a user."""
    return Identity.parse(name.decode("utf-8", "surrogateescape"))


@dataclass(frozen=True, slots=True)
class StoredUsers:
    """Implements ``eap.ports.Users`` for the server ``server``."""

    credentials: Credentials
    server: Identity

    def secret(self, user: bytes) -> UserSecret | None:
        """The password or NT hash of ``ipsec.secrets``."""
        return self.credentials.eap_secret(user_identity(user), self.server)

    def accepts(self, user: bytes, password: Secret) -> bool:
        """Whether a password that came in clear is the user's."""
        known = self.secret(user)
        if known is None or known.password is None:
            return False
        return hmac.compare_digest(known.password.reveal(), password.reveal())
