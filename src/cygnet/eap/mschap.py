"""The arithmetic of MS-CHAP-V2 (RFC 2759, 8) and of its keys (RFC 3079, 3).

MD4, DES and SHA-1 are what the method is made of. Its whole strength is 56 bits, and it is safe only where
nobody but a server that proved who it is can see an exchange.
"""

import hashlib
from dataclasses import dataclass

from cygnet.base.secret import Secret
from cygnet.crypto.des import encrypt_block
from cygnet.crypto.md4 import md4
from cygnet.eap.ports import UserSecret

CHALLENGE = 16
NT_RESPONSE = 24
MSK = 64

_SERVER_SIGNING = b"Magic server to client signing constant"
_ITERATION = b"Pad to make it do more than one iteration"
_MASTER = b"This is the MPPE Master Key"
_CLIENT_TO_SERVER = (
    b"On the client side, this is the send key; on the server side, it is the receive key."
)
_SERVER_TO_CLIENT = (
    b"On the client side, this is the receive key; on the server side, it is the send key."
)


@dataclass(frozen=True, slots=True)
class Exchange:
    """The two challenges and the user's name, without a domain (RFC 2759, 8.2)."""

    authenticator_challenge: bytes
    peer_challenge: bytes
    user: bytes

    def challenge(self) -> bytes:
        """The eight octets that are encrypted (8.2)."""
        octets = self.peer_challenge + self.authenticator_challenge + self.user
        return _sha1(octets)[:8]


def without_domain(name: bytes) -> bytes:
    r"""The user of ``DOMAIN\user``."""
    return name.rpartition(b"\\")[2]


def nt_hash(password: Secret) -> Secret:
    """MD4 of the password in UTF-16 (8.3). Octets that are no UTF-8 count as Latin-1, as in strongSwan."""
    octets = password.reveal()
    try:
        text = octets.decode()
    except UnicodeDecodeError:
        text = octets.decode("latin-1")
    return Secret(md4(text.encode("utf-16-le")))


def nt_hash_of(secret: UserSecret) -> Secret | None:
    """The hash where it, or the password, is known."""
    if secret.nt_hash is not None and len(secret.nt_hash) == 16:
        return secret.nt_hash
    return None if secret.password is None else nt_hash(secret.password)


def nt_response(hashed: Secret, exchange: Exchange) -> bytes:
    """What the peer proves the password with (8.1, 8.5)."""
    key = hashed.reveal() + bytes(5)
    challenge = exchange.challenge()
    return b"".join(encrypt_block(key[at : at + 7], challenge) for at in (0, 7, 14))


def authenticator_response(hashed: Secret, response: bytes, exchange: Exchange) -> bytes:
    """What the server proves the password with (8.7): ``S=`` and forty hexadecimal digits."""
    digest = _sha1(md4(hashed.reveal()) + response + _SERVER_SIGNING)
    return b"S=" + _sha1(digest + exchange.challenge() + _ITERATION).hex().upper().encode()


def session_key(hashed: Secret, response: bytes) -> Secret:
    """The MSK: the key from client to server, that from server to client, and zeros up to 64 octets.

    Keys of RFC 3079, 3.3 and 3.4, for 128 bits, in the order of draft-kamath-pppext-eap-mschapv2, which is
    that of the server's MS-MPPE-Recv-Key and MS-MPPE-Send-Key.
    """
    master = _sha1(md4(hashed.reveal()) + response + _MASTER)[:16]
    keys = start_key(master, _CLIENT_TO_SERVER) + start_key(master, _SERVER_TO_CLIENT)
    return Secret(keys + bytes(MSK - len(keys)))


def start_key(master: bytes, direction: bytes) -> bytes:
    """GetAsymmetricStartKey of RFC 3079, 3.4, for 128 bits."""
    return _sha1(master + bytes(40) + direction + b"\xf2" * 40)[:16]


def _sha1(octets: bytes) -> bytes:
    return hashlib.sha1(octets, usedforsecurity=False).digest()
