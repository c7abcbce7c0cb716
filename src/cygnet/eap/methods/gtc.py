"""EAP-GTC (RFC 3748, 5.6): the password in clear, for servers that cannot compute with it.

Only IKEv2's encryption or a TLS tunnel protects it, and only if the server has proven who it is before.
"""

from cygnet.base.secret import Secret
from cygnet.eap.errors import EapError
from cygnet.eap.outcomes import Proof, shown
from cygnet.eap.packets import GTC, EapPacket
from cygnet.eap.ports import Users

PROMPT = b"Password: "
MAX_PASSWORD = 1024


class PeerGtc:
    """Answers the prompt, whatever it says, with the password."""

    def __init__(self, identity: bytes, password: Secret) -> None:
        self.failure = ""
        self._identity = identity
        self._password = password
        self._answered = False

    def process(self, request: EapPacket) -> bytes:
        """The password; once, for a second prompt would get no other."""
        if self._answered:
            raise EapError(f'EAP-GTC: the server asks again: "{shown(request.data)}"')
        self._answered = True
        return self._password.reveal()

    def conclude(self) -> Proof:
        """Success counts once the password was asked for."""
        if not self._answered:
            raise EapError("the server says success before EAP-GTC has begun")
        return Proof(self._identity, GTC)


class ServerGtc:
    """Asks ``identity`` for the password."""

    def __init__(self, identity: bytes, users: Users) -> None:
        self._identity = identity
        self._users = users

    def begin(self) -> bytes:
        """The prompt."""
        return PROMPT

    def process(self, response: EapPacket) -> Proof:
        """Whether the password is the user's."""
        user = shown(self._identity)
        if not response.data or len(response.data) > MAX_PASSWORD:
            raise EapError(f"EAP-GTC: a password of {len(response.data)} octets for '{user}'")
        if not self._users.accepts(self._identity, Secret(response.data)):
            raise EapError(f"EAP-GTC: no such user or wrong password for '{user}'")
        return Proof(self._identity, GTC)
