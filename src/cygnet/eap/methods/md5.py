"""EAP-MD5 (RFC 3748, 5.4; CHAP of RFC 1994): proves the peer alone, and makes no keys.

Weak: who listens can try passwords at leisure. Inside IKEv2 and TLS tunnels nobody listens but a server
that proved who it is.
"""

import hashlib
import hmac

from cygnet.base.secret import Secret
from cygnet.eap.errors import EapError
from cygnet.eap.outcomes import Proof, shown
from cygnet.eap.packets import MD5, EapPacket
from cygnet.eap.ports import Random, Users
from cygnet.wire.reader import Reader

CHALLENGE = 16
_DIGEST = 16


class PeerMd5:
    """Answers a challenge with the digest of it and the password."""

    def __init__(self, identity: bytes, password: Secret) -> None:
        self.failure = ""
        self._identity = identity
        self._password = password
        self._answered = False

    def process(self, request: EapPacket) -> bytes:
        """The response; the name in it is informational."""
        challenge = _value(request, "challenge")
        if not challenge:
            raise EapError("EAP-MD5: the server's challenge is empty")
        self._answered = True
        return _build(_digest(request.identifier, self._password, challenge), self._identity)

    def conclude(self) -> Proof:
        """Success counts once a challenge was answered."""
        if not self._answered:
            raise EapError("the server says success before EAP-MD5 has begun")
        return Proof(self._identity, MD5)


class ServerMd5:
    """Challenges ``identity``, a user whose password must be known in clear."""

    def __init__(self, identity: bytes, name: bytes, users: Users, rng: Random) -> None:
        self._identity = identity
        self._name = name
        self._users = users
        self._challenge = rng(CHALLENGE)

    def begin(self) -> bytes:
        """The challenge, with our name behind it."""
        return _build(self._challenge, self._name)

    def process(self, response: EapPacket) -> Proof:
        """Whether the digest is right. Only now the user is looked up, so that nobody can ask who exists."""
        answer = _value(response, "response")
        user = shown(self._identity)
        secret = self._users.secret(self._identity)
        if secret is None:
            raise EapError(f"no EAP secret is known for '{user}'")
        if secret.password is None:
            raise EapError(f"only an NT hash is known for '{user}'; EAP-MD5 needs the password")
        wanted = _digest(response.identifier, secret.password, self._challenge)
        if not hmac.compare_digest(answer, wanted):
            raise EapError(f"EAP-MD5: wrong password for '{user}'")
        return Proof(self._identity, MD5)


def _digest(identifier: int, password: Secret, challenge: bytes) -> bytes:
    octets = bytes([identifier]) + password.reveal() + challenge
    return hashlib.md5(octets, usedforsecurity=False).digest()


def _value(packet: EapPacket, what: str) -> bytes:
    reader = Reader(packet.data, f"EAP-MD5 {what}")
    return reader.take(reader.take(1)[0])


def _build(value: bytes, name: bytes) -> bytes:
    return bytes([len(value)]) + value + name
