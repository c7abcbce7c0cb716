"""MODP Diffie-Hellman (RFC 7296, appendix B; RFC 3526), with exponents derived from handed-in chance.

The only module that knows how a power is computed: by OpenSSL's Diffie-Hellman, five times as fast as
Python's ``pow`` and in constant time, as long as ``cryptography`` offers it (it has announced to drop it),
else by ``pow``.
"""

import re
import warnings
from functools import lru_cache

from cryptography.utils import CryptographyDeprecationWarning

from cygnet.base.secret import Secret
from cygnet.crypto.diffie_hellman import DiffieHellman
from cygnet.crypto.errors import InvalidKeError
from cygnet.crypto.interfaces import KeyPair, Rng

try:
    from cryptography.hazmat.primitives.asymmetric import dh
except ImportError:  # pragma: no cover - a later cryptography without finite-field Diffie-Hellman
    dh = None  # type: ignore[assignment]

GENERATOR = 2

_PI_BITS = 8062
_PI = int(  # the binary digits of pi, of which RFC 2409 and RFC 3526 make their primes: [2^8062 pi]
    "c90fdaa22168c234c4c6628b80dc1cd129024e088a67cc74020bbea63b139b22514a08798e3404ddef9519b3cd3a431b"
    "302b0a6df25f14374fe1356d6d51c245e485b576625e7ec6f44c42e9a637ed6b0bff5cb6f406b7edee386bfb5a899fa5"
    "ae9f24117c4b1fe649286651ece45b3dc2007cb8a163bf0598da48361c55d39a69163fa8fd24cf5f83655d23dca3ad96"
    "1c62f356208552bb9ed529077096966d670c354e4abc9804f1746c08ca18217c32905e462e36ce3be39e772c180e8603"
    "9b2783a2ec07a28fb5c55df06f4c52c9de2bcbf6955817183995497cea956ae515d2261898fa051015728e5a8aaac42d"
    "ad33170d04507a33a85521abdf1cba64ecfb850458dbef0a8aea71575d060c7db3970f85a6e1e4c7abf5ae8cdb0933d7"
    "1e8c94e04a25619dcee3d2261ad2ee6bf12ffa06d98a0864d87602733ec86a64521f2b18177b200cbbe117577a615d6c"
    "770988c0bad946e208e24fa074e5ab3143db5bfce0fd108e4b82d120a92108011a723c12a787e6d788719a10bdba5b26"
    "99c327186af4e23c1a946834b6150bda2583e9ca2ad44ce8dbbbc2db04de8ef92e8efc141fbecaa6287c59474e6bc05d"
    "99b2964fa090c3a2233ba186515be7ed1f612970cee2d7afb81bdd762170481cd0069127d5b05aa993b4ea988d8fddc1"
    "86ffb7dc90a6c08f4df435c93402849236c3fab4d27c7026c1d4dcb2602646dec9751e763dba37bdf8ff9406ad9e530e"
    "e5db382f413001aeb06a53ed9027d831179727b0865a8918da3edbebcf9b14ed44ce6cbaced4bb1bdb7f1447e6cc254b"
    "332051512bd7af426fb8f401378cd2bf5983ca01c64b92ecf032ea15d1721d03f482d7ce6e74fef6d55e702f46980c82"
    "b5a84031900b1c9e59e7c97fbec7e8f323a97a7e36cc88be0f1d45b7ff585ac54bd407b22b4154aacc8f6d7ebf48e1d8"
    "14cc5ed20f8037e0a79715eef29be32806a1d58bb7c5da76f550aa3d8a1fbff0eb19ccb1a313d55cda56c9ec2ef29632"
    "387fe8d76e3c0468043e8f663f4860ee12bf2d5b0b7474d6e694f91e6dbe115974a3926f12fee5e438777cb6a932df8c"
    "d8bec4d073b931ba3bc832b68d9dd300741fa7bf8afc47ed2576f6936ba424663aab639c5ae4f5683423b4742bf1c978"
    "238f16cbe39d652de3fdb8befc848ad922222e04a4037c0713eb57a81a23f0c73473fc646cea306b4bcbc8862f8385dd"
    "fa9d4b7fa2c087e879683303ed5bdd3a062b3cf5b3a278a66d2a13f83f44f82ddf310ee074ab6a364597e899a0255dc1"
    "64f31cc50846851df9ab48195ded7ea1b1d510bd7ee74d73faf36bc31ecfa268359046f4eb879f924009438b481c6cd7"
    "889a002ed5ee382bc9190da6fc026e479558e4475677e9aa9e3050e2765694dfc81f56e880b96e7160c980dd98a573ea",
    16,
)
_SILENCED = "Diffie-Hellman over finite fields"
_FILTER = ("ignore", re.compile(_SILENCED, re.IGNORECASE), CryptographyDeprecationWarning, None, 0)


def safe_prime(bits: int, addend: int) -> int:
    """2^bits - 2^(bits-64) - 1 + 2^64 * ([2^(bits-130) pi] + addend), as RFC 3526 defines its primes."""
    digits = _PI >> (_PI_BITS - (bits - 130))
    return (1 << bits) - (1 << bits - 64) - 1 + (digits + addend << 64)


class ModpMethod(DiffieHellman):
    """One MODP group.

    ``exponent_octets`` is the length of the secret exponent: a little more than twice the strength of the
    group (NIST SP 800-56A, table 25; RFC 7919, 5.2 and appendix A), which is all that a safe prime needs.
    """

    __slots__ = ("exponent_octets", "prime")

    def __init__(self, number: int, prime: int, exponent_octets: int) -> None:
        super().__init__(number, (prime.bit_length() + 7) // 8)
        self.prime = prime
        self.exponent_octets = exponent_octets

    def generate(self, rng: Rng) -> KeyPair:
        """A key pair whose exponent is the octets of ``rng`` with the highest bit set."""
        exponent = int.from_bytes(rng(self.exponent_octets), "big") | 1 << (8 * self.exponent_octets - 1)
        return ModpKeyPair(self, exponent)


class ModpKeyPair:
    """A secret exponent and the power it makes of the generator."""

    __slots__ = ("_exponent", "_method", "public")

    def __init__(self, method: ModpMethod, exponent: int) -> None:
        self._method = method
        self._exponent = exponent
        self.public = _power(method.prime, GENERATOR, exponent)

    def shared(self, peer: bytes) -> Secret:
        """g^ir, as long as the modulus (RFC 7296, 2.14); checks RFC 6989, 2.1 first."""
        value = int.from_bytes(peer, "big")
        if len(peer) != self._method.public_size:
            raise InvalidKeError(f"public value has {len(peer)} octets, not {self._method.public_size}")
        if not 1 < value < self._method.prime - 1:
            raise InvalidKeError("public value is not between 1 and p-1")
        return Secret(_power(self._method.prime, value, self._exponent))


def _power(prime: int, base: int, exponent: int) -> bytes:
    """``base`` to the ``exponent``, modulo ``prime`` and as long as it."""
    size = (prime.bit_length() + 7) // 8
    if dh is None:  # pragma: no cover - see above
        return pow(base, exponent, prime).to_bytes(size, "big")
    _silence()
    numbers = _numbers(prime)
    own = dh.DHPrivateNumbers(exponent, dh.DHPublicNumbers(GENERATOR, numbers)).private_key()
    return own.exchange(dh.DHPublicNumbers(base, numbers).public_key()).rjust(size, b"\0")


@lru_cache(maxsize=16)
def _numbers(prime: int) -> "dh.DHParameterNumbers":
    return dh.DHParameterNumbers(prime, GENERATOR)


def _silence() -> None:
    """Keep the announcement that Diffie-Hellman will go out of the log; nothing else is silenced.

    ``warnings.catch_warnings`` would swap the filters under other threads, so one filter is added, once.
    """
    if _FILTER not in warnings.filters:
        warnings.filterwarnings("ignore", message=_SILENCED, category=CryptographyDeprecationWarning)
