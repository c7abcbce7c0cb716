"""What methods ask for, and what conversations ask of methods."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from cygnet.base.secret import Secret
from cygnet.eap.outcomes import Proof
from cygnet.eap.packets import EapPacket

Random = Callable[[int], bytes]
"""So many octets that nobody can foresee."""

CertificateCheck = Callable[[tuple[bytes, ...]], None]
"""Whether certificates (DER, leaf first) are trusted and name who they should; raises ``EapError`` if not."""


@dataclass(frozen=True, slots=True)
class UserSecret:
    """What is known of a user: the password (UTF-8), or only its NT hash (16 octets; RFC 2759, 8.3)."""

    password: Secret | None = None
    nt_hash: Secret | None = None


class Users(Protocol):
    """The users that a server knows. May block; a user nobody knows is no error."""

    def secret(self, user: bytes) -> UserSecret | None:
        """What challenge methods compute with."""

    def accepts(self, user: bytes, password: Secret) -> bool:
        """Whether a password that came in clear is the user's; a directory can tell without knowing it."""


class PeerMethod(Protocol):
    """A method on the side that is asked to prove itself.

    To give up is to raise ``EapError``. A method that has failed but owes the server a last word (a TLS
    alert) returns that, and has its reason in ``failure``.
    """

    failure: str

    def process(self, request: EapPacket) -> bytes:
        """The data of the response."""

    def conclude(self) -> Proof:
        """The server says that we succeeded; raises if it has not proven what it must."""


class ServerMethod(Protocol):
    """A method on the side that asks for proof."""

    def begin(self) -> bytes:
        """The data of the first request."""

    def process(self, response: EapPacket) -> bytes | Proof:
        """The data of the next request, or what was proven; raises ``EapError`` if nothing was."""
