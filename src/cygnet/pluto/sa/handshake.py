"""What exists only while phase 1 is being done; dropped when the ISAKMP SA is established."""

from dataclasses import dataclass, field

from cygnet.base.identities import Identity
from cygnet.base.secret import Secret
from cygnet.crypto.interfaces import KeyPair
from cygnet.keying.sa.credentials import OwnKey
from cygnet.pluto.config.records import PeerConfig
from cygnet.pluto.encoding.payloads import SecurityAssociation


@dataclass(slots=True)
class Handshake:
    """The state between the first message of phase 1 and its end (RFC 2409, 5).

    ``sa_body`` is SAi_b, ``own_id`` and ``peer_id`` are ID payloads without generic header. ``secrets`` are
    the pre-shared keys that may be meant: in main mode a responder does not know yet who the peer is.
    """

    offered: SecurityAssociation | None = None
    sa_body: bytes = b""
    candidates: tuple[PeerConfig, ...] = ()
    key_pair: KeyPair | None = None
    prepared: tuple[int, KeyPair] | None = None  # a group's number and what is used instead of a new pair
    peer_public: bytes = b""
    own_nonce: bytes = b""
    peer_nonce: bytes = b""
    shared: Secret | None = None
    secrets: tuple[Secret, ...] = ()
    secret: Secret | None = None
    own_id: bytes = b""
    peer_id: bytes = b""
    peer_identity: Identity | None = None
    own: OwnKey | None = None
    asked_authorities: frozenset[bytes] = frozenset()
    asked_for_certificate: bool = False
    certificates: list[bytes] = field(default_factory=list)  # the peer's, DER, as received
    initial_contact: bool = False
    complained: bool = False  # the peer was told that its message cannot be read
    hint: str = ""  # what the peer said in the clear, if nothing better is known
