"""Names and passwords of XAUTH: ``ipsec.secrets`` (XAUTH and EAP), and what an operator set by hand."""

from hmac import compare_digest
from typing import Protocol

from cygnet.base.identities import Identity
from cygnet.base.secret import Secret
from cygnet.eap.ports import UserSecret
from cygnet.keying.sa.credentials import User
from cygnet.pluto.config.records import PeerConfig


class Secrets(Protocol):
    """The part of the credential store that is asked."""

    def user(self, connection: str) -> User | None:
        """The user that was set by hand for a connection."""

    def eap_secret(self, user: Identity, server: Identity | None) -> UserSecret | None:
        """The password of a user at a server."""


class Users:
    """Implements ``sa.ports.Users``."""

    def __init__(self, secrets: Secrets) -> None:
        self._secrets = secrets

    def credentials(self, config: PeerConfig, remote: Identity | None) -> tuple[str, Secret] | None:
        """By hand, else of the user ``xauth_identity``, else of our own identity."""
        given = self._secrets.user(config.name)
        if given is not None:
            return given.name, given.password
        name = _name(config)
        if name is None:
            return None
        found = self._secrets.eap_secret(Identity.parse(name), remote)
        return (name, found.password) if found is not None and found.password is not None else None

    def verify(self, config: PeerConfig, user: str, password: Secret) -> bool:
        """Whether it is the password of the best entry for this user."""
        name = Identity.parse(user)
        found = None if name.is_any else self._secrets.eap_secret(name, config.local.identity)
        if found is None or found.password is None:
            return False
        return compare_digest(found.password.reveal(), password.reveal())


def _name(config: PeerConfig) -> str | None:
    if config.xauth is not None and config.xauth.user:
        return config.xauth.user
    own = config.local.identity
    return None if own is None or own.is_any else str(own)
