"""Key material of ISAKMP SAs and IPsec SAs, IVs and hashes (RFC 2409, 5 and appendix B)."""

import hashlib
import hmac
from dataclasses import dataclass

from cygnet.base.secret import Secret
from cygnet.crypto.ciphers import key_sizes
from cygnet.crypto.interfaces import BlockMode
from cygnet.crypto.prf import Prf, prf
from cygnet.crypto.proposals import Proposal, Transform
from cygnet.crypto.tables import Encryption, TransformType, encryption
from cygnet.keying.sa.child_keys import ChildKeys, ciphers_of
from cygnet.pluto.encoding.algorithms import hash_of_prf


@dataclass(frozen=True, slots=True)
class Nonces:
    """Ni_b and Nr_b of one exchange."""

    initiator: bytes
    responder: bytes

    @property
    def both(self) -> bytes:
        """Ni_b | Nr_b."""
        return self.initiator + self.responder


@dataclass(frozen=True, slots=True)
class Publics:
    """g^xi and g^xr of one exchange."""

    initiator: bytes
    responder: bytes


@dataclass(frozen=True, slots=True)
class Phase1Keys:
    """The keys of an ISAKMP SA (RFC 2409, 5).

    ``encryption`` is the key of ``cipher`` (appendix B), ``block_size`` the cipher's in octets.
    """

    function: Prf
    hash_name: str
    skeyid: Secret
    skeyid_d: Secret
    skeyid_a: Secret
    encryption: Secret
    cipher: BlockMode
    block_size: int


def skeyid_of_secret(function: Prf, secret: Secret, nonces: Nonces) -> bytes:
    """SKEYID for pre-shared keys: prf(pre-shared-key, Ni_b | Nr_b) (RFC 2409, 5)."""
    return function(secret.reveal(), nonces.both)


def skeyid_of_signatures(function: Prf, shared: Secret, nonces: Nonces) -> bytes:
    """SKEYID for signatures: prf(Ni_b | Nr_b, g^xy) (RFC 2409, 5)."""
    return function(nonces.both, shared.reveal())


def derive_keys(proposal: Proposal, skeyid: bytes, shared: Secret, cookies: bytes) -> Phase1Keys:
    """The keys of an ISAKMP SA, and its cipher (RFC 2409, 5 and appendix B).

    ``shared`` is g^xy, ``cookies`` CKY-I | CKY-R.
    """
    function = prf_of(proposal)
    skeyid_d, skeyid_a, skeyid_e = further_keys(function, skeyid, shared, cookies)
    row, key_size = _cipher_row(proposal)
    if row.mode is None:
        raise ValueError(f"{row.name} has no mode for phase 1")
    encryption = expand_key(function, skeyid_e, key_size)
    return Phase1Keys(
        function,
        hash_name_of(proposal),
        Secret(skeyid),
        Secret(skeyid_d),
        Secret(skeyid_a),
        Secret(encryption),
        row.mode(encryption, b""),
        row.block,
    )


def further_keys(
    function: Prf, skeyid: bytes, shared: Secret, cookies: bytes
) -> tuple[bytes, bytes, bytes]:
    """SKEYID_d, SKEYID_a and SKEYID_e, each from the one before (RFC 2409, 5)."""
    keyed, tail = function.keyed(skeyid), shared.reveal() + cookies
    skeyid_d = keyed(tail, b"\0")
    skeyid_a = keyed(skeyid_d, tail, b"\1")
    return skeyid_d, skeyid_a, keyed(skeyid_a, tail, b"\2")


def expand_key(function: Prf, skeyid_e: bytes, size: int) -> bytes:
    """The first octets of SKEYID_e, or of K1 | K2 | … where it is too short (RFC 2409, appendix B)."""
    if len(skeyid_e) >= size:
        return skeyid_e[:size]
    keyed = function.keyed(skeyid_e)
    block = output = keyed(b"\0")
    while len(output) < size:
        block = keyed(block)
        output += block
    return output[:size]


def prf_of(proposal: Proposal) -> Prf:
    """The negotiated PRF: the HMAC of the negotiated hash (RFC 2409, 4)."""
    return prf(_chosen(proposal, TransformType.PRF).number)


def hash_name_of(proposal: Proposal) -> str:
    """The negotiated hash under ``hashlib``'s name."""
    row = hash_of_prf(_chosen(proposal, TransformType.PRF).number)
    if row is None:
        raise ValueError(f"{proposal} has no hash of IKEv1")
    return row.name


def digest(hash_name: str, *parts: bytes) -> bytes:
    """The negotiated hash over some octets."""
    return hashlib.new(hash_name, b"".join(parts), usedforsecurity=False).digest()


def first_iv(keys: Phase1Keys, publics: Publics) -> bytes:
    """The IV of phase 1's first encrypted message (RFC 2409, appendix B)."""
    return digest(keys.hash_name, publics.initiator, publics.responder)[: keys.block_size]


def phase2_iv(keys: Phase1Keys, last_block: bytes, message_id: int) -> bytes:
    """The IV of the first message of an exchange after phase 1 (RFC 2409, appendix B).

    ``last_block`` is the last CBC output block of phase 1.
    """
    return digest(keys.hash_name, last_block, _octets(message_id))[: keys.block_size]


@dataclass(frozen=True, slots=True)
class Covered:
    """What HASH_I or HASH_R covers besides the publics: both cookies, signer's first, SAi_b and ID_b."""

    cookies: bytes
    sa_body: bytes
    id_body: bytes


def phase1_hash(function: Prf, skeyid: Secret, own: bytes, other: bytes, covered: Covered) -> bytes:
    """HASH_I or HASH_R; ``own`` is the public value of the side that authenticates (RFC 2409, 5)."""
    data = (own, other, covered.cookies, covered.sa_body, covered.id_body)
    return function(skeyid.reveal(), b"".join(data))


def hash_1(keys: Phase1Keys, message_id: int, rest: bytes) -> bytes:
    """HASH(1), and the hash of informational and transaction exchanges (RFC 2409, 5.5, 5.7)."""
    return keys.function(keys.skeyid_a.reveal(), _octets(message_id) + rest)


def hash_2(keys: Phase1Keys, message_id: int, nonce_i: bytes, rest: bytes) -> bytes:
    """HASH(2) (RFC 2409, 5.5)."""
    return keys.function(keys.skeyid_a.reveal(), _octets(message_id) + nonce_i + rest)


def hash_3(keys: Phase1Keys, message_id: int, nonces: Nonces) -> bytes:
    """HASH(3) (RFC 2409, 5.5)."""
    return keys.function(keys.skeyid_a.reveal(), b"\0" + _octets(message_id) + nonces.both)


def equal(one: bytes, other: bytes) -> bool:
    """Whether two hashes are the same, in constant time."""
    return hmac.compare_digest(one, other)


def keymat(function: Prf, skeyid_d: Secret, seed: bytes, size: int) -> bytes:
    """KEYMAT, expanded (RFC 2409, 5.5). ``seed`` is [ g(qm)^xy | ] protocol | SPI | Ni_b | Nr_b."""
    keyed = function.keyed(skeyid_d.reveal())
    block = output = keyed(seed)
    while len(output) < size:
        block = keyed(block, seed)
        output += block
    return output[:size]


@dataclass(frozen=True, slots=True)
class Spis:
    """The SPIs that initiator and responder of a quick mode chose, each for what it receives."""

    initiator: bytes
    responder: bytes


def child_keys(
    keys: Phase1Keys, proposal: Proposal, nonces: Nonces, spis: Spis, shared: Secret | None
) -> ChildKeys:
    """The keys of an IPsec SA. Each direction has its receiver's SPI in its seed (RFC 2409, 5.5)."""
    cipher, integrity = ciphers_of(proposal)
    sizes = key_sizes(cipher, integrity)
    front = (shared.reveal() if shared else b"") + bytes((proposal.protocol,))
    towards_r, towards_i = (
        keymat(keys.function, keys.skeyid_d, front + spi + nonces.both, sum(sizes))
        for spi in (spis.responder, spis.initiator)
    )
    size = sizes[0]
    return ChildKeys(
        Secret(towards_r[:size]), Secret(towards_r[size:]), Secret(towards_i[:size]), Secret(towards_i[size:])
    )


def _cipher_row(proposal: Proposal) -> tuple[Encryption, int]:
    chosen = _chosen(proposal, TransformType.ENCR)
    row = encryption(chosen.number)
    if row is None:
        raise ValueError(f"{chosen} is not known")
    return row, (chosen.key_bits or row.key_bits[0]) // 8


def _chosen(proposal: Proposal, kind: TransformType) -> Transform:
    chosen = proposal.chosen(kind)
    if chosen is None:
        raise ValueError(f"{proposal} lacks a transform of type {kind}")
    return chosen


def _octets(message_id: int) -> bytes:
    return message_id.to_bytes(4, "big")
