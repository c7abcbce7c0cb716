"""What exists only while an IKE_SA is being made; dropped when it is established."""

from dataclasses import dataclass, field

from cygnet.base.identities import Identity
from cygnet.base.secret import Secret
from cygnet.charon.config.records import PeerConfig
from cygnet.charon.sa.keymat import Nonces
from cygnet.crypto.interfaces import KeyPair


@dataclass(slots=True)
class Handshake:
    """The state between the first message and the last of IKE_AUTH (RFC 7296, 1.2).

    ``request`` and ``response`` are the IKE_SA_INIT messages as they travelled: AUTH covers them.
    """

    nonce: bytes = b""
    nonces: Nonces | None = None
    key_pair: KeyPair | None = None
    ke_method: int = 0
    shared: Secret | None = None
    cookie: bytes = b""
    retries: int = 0
    request: bytes = b""
    response: bytes = b""
    candidates: tuple[PeerConfig, ...] = ()
    peer_hashes: frozenset[int] | None = None
    asked_authorities: frozenset[bytes] = frozenset()
    asked_for_certificate: bool = False
    certificates: list[bytes] = field(default_factory=list)  # the peer's, DER, as received
    initial_contact: bool = False
    id_i: Identity | None = None
    id_r: Identity | None = None
