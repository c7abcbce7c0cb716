"""What exists only while an IKE_SA is being made; dropped when it is established."""

from dataclasses import dataclass, field

from cygnet.base.identities import Identity
from cygnet.cert.hash_url import HashAndUrl
from cygnet.charon.encoding.auth_methods import Announcement
from cygnet.charon.sa.int_auth import IntAuth
from cygnet.charon.sa.key_exchanges import KeyExchanges
from cygnet.charon.sa.keymat import Nonces
from cygnet.charon.sa.ppk import PpkUse
from cygnet.keying.config.records import PeerConfig


@dataclass(slots=True)
class Handshake:
    """The state between the first message and the last of IKE_AUTH (RFC 7296, 1.2).

    ``request`` and ``response`` are the IKE_SA_INIT messages as they travelled: AUTH covers them, and
    through ``int_auth`` the IKE_INTERMEDIATE messages. ``intermediate``: both speak that exchange.
    ``raw_keys`` are public keys that the peer sent without a certificate (RFC 7670), ``asked_for_raw_key``
    that it wants ours so. ``looks_up``: the peer takes certificates by hash and URL; ``lookup_problem`` is
    why we could not have its own that way.
    """

    nonce: bytes = b""
    nonces: Nonces | None = None
    exchanges: KeyExchanges = field(default_factory=KeyExchanges)
    ke_method: int = 0  # what the responder asked for, 0 before it did
    intermediate: bool = False
    int_auth: IntAuth = field(default_factory=IntAuth)
    cookie: bytes = b""
    retries: int = 0
    request: bytes = b""
    response: bytes = b""
    candidates: tuple[PeerConfig, ...] = ()
    peer_hashes: frozenset[int] | None = None
    announced: tuple[Announcement, ...] = ()  # authentication methods that the peer says it accepts
    asked_authorities: frozenset[bytes] = frozenset()
    asked_for_certificate: bool = False
    asked_for_ocsp: bool = False
    asked_for_raw_key: bool = False
    looks_up: bool = False
    certificates: list[bytes | HashAndUrl] = field(default_factory=list)  # the peer's, DER or where it is
    raw_keys: list[bytes] = field(default_factory=list)
    ocsp_responses: list[bytes] = field(default_factory=list)
    attributes: list[bytes] = field(default_factory=list)
    lookup_problem: str = ""
    initial_contact: bool = False
    id_i: Identity | None = None
    id_r: Identity | None = None
    ppk: PpkUse = field(default_factory=PpkUse)
