"""Key material of IKE_SAs and CHILD_SAs (RFC 7296, 2.13 to 2.18; RFC 5282, 7; RFC 9370, 2.2; RFC 8784, 3)."""

from collections.abc import Callable, Sequence
from dataclasses import replace

from cygnet.base.records import record
from cygnet.base.secret import Secret
from cygnet.crypto.ciphers import Sealer, key_sizes, sealer
from cygnet.crypto.prf import Prf, prf, prf_plus
from cygnet.crypto.proposals import Proposal
from cygnet.crypto.tables import TransformType
from cygnet.keying.sa.child_keys import ChildKeys, ciphers_of

PSK_PAD = b"Key Pad for IKEv2"


class Protection:
    """Protects what one side sends: its sealer and its IVs (a counter where the cipher allows).

    ``sk_e`` (salt included) and ``sk_a`` are what the sealer was made of.
    """

    __slots__ = ("_counter", "_rng", "sealer", "sk_a", "sk_e")

    def __init__(self, sealer: Sealer, rng: Callable[[int], bytes], sk_e: Secret, sk_a: Secret) -> None:
        self.sealer = sealer
        self.sk_e, self.sk_a = sk_e, sk_a
        self._rng = rng
        self._counter = 0

    def iv(self) -> bytes:
        """An IV never used before with this key."""
        if not self.sealer.counter_mode:
            return self._rng(self.sealer.iv_size)
        self._counter += 1
        return self._counter.to_bytes(self.sealer.iv_size, "big")


@record
class IkeKeys:
    """The keys of an IKE_SA, both directions; ``protection_i`` protects what the initiator sends."""

    prf: Prf
    sk_d: Secret
    sk_pi: Secret
    sk_pr: Secret
    protection_i: Protection
    protection_r: Protection


@record
class Nonces:
    """Ni and Nr of one exchange."""

    initiator: bytes
    responder: bytes

    @property
    def seed(self) -> bytes:
        """Ni | Nr."""
        return self.initiator + self.responder


def derive_ike_keys(
    proposal: Proposal,
    secrets: Sequence[Secret],
    nonces: Nonces,
    spis: bytes,
    rng: Callable[[int], bytes],
    old: IkeKeys | None = None,
) -> IkeKeys:
    """SKEYSEED and what follows (RFC 7296, 2.14).

    ``secrets`` are those of the key exchanges in their order, at least one. With ``old`` they are those of
    a rekeyed IKE_SA (2.18; RFC 9370, 2.2.4), or, with the proposal, nonces and SPIs of IKE_SA_INIT and the
    one secret of an IKE_INTERMEDIATE exchange, the next keys of an IKE_SA in the making (RFC 9370, 2.2.2).
    ``spis`` is SPIi | SPIr of the new IKE_SA.
    """
    function = prf(_number(proposal, TransformType.PRF))
    if old is None:
        skeyseed = function(function.nonce_key(nonces.initiator, nonces.responder), secrets[0].reveal())
    else:
        skeyseed = old.prf(old.sk_d.reveal(), _seed(secrets, nonces))
    encryption, integrity = ciphers_of(proposal)
    if encryption is None:
        raise ValueError(f"{proposal} has no encryption")
    e, a = key_sizes(encryption, integrity)
    d = function.size
    take = _Taker(prf_plus(function, skeyseed, nonces.seed + spis, 3 * d + 2 * (e + a)))
    sk_d, sk_ai, sk_ar, sk_ei, sk_er = take(d), take(a), take(a), take(e), take(e)
    return IkeKeys(
        function,
        Secret(sk_d),
        Secret(take(d)),
        Secret(take(d)),
        Protection(sealer(encryption, integrity, sk_ei, sk_ai), rng, Secret(sk_ei), Secret(sk_ai)),
        Protection(sealer(encryption, integrity, sk_er, sk_ar), rng, Secret(sk_er), Secret(sk_ar)),
    )


def with_ppk(keys: IkeKeys, ppk: Secret) -> IkeKeys:
    """SK_d, SK_pi and SK_pr made of SK_d', SK_pi' and SK_pr' and a post-quantum pre-shared key (RFC 8784, 3).

    What protects messages stays as it is, its counters included.
    """

    def mixed(sk: Secret) -> Secret:
        return Secret(prf_plus(keys.prf, ppk.reveal(), sk.reveal(), len(sk.reveal())))

    return replace(keys, sk_d=mixed(keys.sk_d), sk_pi=mixed(keys.sk_pi), sk_pr=mixed(keys.sk_pr))


def derive_child_keys(
    keys: IkeKeys, proposal: Proposal, nonces: Nonces, secrets: Sequence[Secret] = ()
) -> ChildKeys:
    """KEYMAT of a CHILD_SA (RFC 7296, 2.17; RFC 9370, 2.2.4); ``secrets`` are of its own key exchanges."""
    encryption, integrity = ciphers_of(proposal)
    e, a = key_sizes(encryption, integrity)
    take = _Taker(prf_plus(keys.prf, keys.sk_d.reveal(), _seed(secrets, nonces), 2 * (e + a)))
    return ChildKeys(Secret(take(e)), Secret(take(a)), Secret(take(e)), Secret(take(a)))


def signed_octets(function: Prf, sk_p: Secret, message: bytes, nonce: bytes, id_body: bytes) -> bytes:
    """What an AUTH payload covers (RFC 7296, 2.15).

    ``message`` is the signer's IKE_SA_INIT message, ``nonce`` the other side's, ``id_body`` the signer's
    ID payload without its generic header.
    """
    return b"".join((message, nonce, function(sk_p.reveal(), id_body)))


def psk_auth(function: Prf, secret: Secret, octets: bytes) -> bytes:
    """AUTH data for a shared secret (RFC 7296, 2.15)."""
    return function(function(secret.reveal(), PSK_PAD), octets)


def _seed(secrets: Sequence[Secret], nonces: Nonces) -> bytes:
    """SK(0) | Ni | Nr | SK(1) | ... | SK(n) (RFC 9370, 2.2.4)."""
    if not secrets:
        return nonces.seed
    return b"".join((secrets[0].reveal(), nonces.seed, *(one.reveal() for one in secrets[1:])))


class _Taker:
    """Hands out octets from the front."""

    __slots__ = ("_at", "_octets")

    def __init__(self, octets: bytes) -> None:
        self._octets = octets
        self._at = 0

    def __call__(self, size: int) -> bytes:
        start, self._at = self._at, self._at + size
        return self._octets[start : self._at]


def _number(proposal: Proposal, kind: int) -> int:
    chosen = proposal.chosen(kind)
    if chosen is None:
        raise ValueError(f"{proposal} lacks a transform of type {kind}")
    return chosen.number
