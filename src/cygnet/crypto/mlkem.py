"""ML-KEM as key exchange methods (FIPS 203; draft-ietf-ipsecme-ikev2-mlkem).

The initiator's value is an encapsulation key, the responder's the ciphertext made with it; the shared
secret has 32 octets. A ciphertext that was tampered with yields another secret, not an error.
"""

from typing import Any, NamedTuple

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import mlkem

from cygnet.base.secret import Secret
from cygnet.crypto.errors import InvalidKeError
from cygnet.crypto.interfaces import KeyPair, Rng

SEED_SIZE = 64


class Parameters(NamedTuple):
    """One parameter set: its name, IANA's number, octets of encapsulation key and ciphertext."""

    bits: int
    number: int
    key_size: int
    ciphertext_size: int


PARAMETERS = (
    Parameters(512, 35, 800, 768),
    Parameters(768, 36, 1184, 1088),
    Parameters(1024, 37, 1568, 1568),
)


class MlKemMethod:
    """One parameter set, over the two classes that ``cryptography`` has for it."""

    __slots__ = ("_private", "_public", "answer_size", "bits", "number", "public_size")

    def __init__(self, parameters: Parameters, private: Any, public: Any) -> None:
        self.bits, self.number, self.public_size, self.answer_size = parameters
        self._private, self._public = private, public

    def generate(self, rng: Rng) -> KeyPair:
        """A decapsulation key whose seed, d and z, is the octets of ``rng`` (FIPS 203, 7.1)."""
        return MlKemKeyPair(self, self._private.from_seed_bytes(rng(SEED_SIZE)))

    def answer(self, peer: bytes, rng: Rng) -> tuple[bytes, Secret]:
        """Ciphertext and secret for an encapsulation key, which is checked first (FIPS 203, 7.2).

        The library takes the chance for this from the system and lets nobody hand it in, so that ``rng``
        goes unused and a seed repeats everything but these octets.
        """
        if len(peer) != self.public_size:
            raise InvalidKeError(f"encapsulation key has {len(peer)} octets, not {self.public_size}")
        try:
            secret, ciphertext = self._public.from_public_bytes(peer).encapsulate()
        except ValueError:
            raise InvalidKeError("encapsulation key fails the modulus check of FIPS 203") from None
        return ciphertext, Secret(secret)


class MlKemKeyPair:
    """A decapsulation key and its encapsulation key."""

    __slots__ = ("_key", "_method", "public")

    def __init__(self, method: MlKemMethod, key: Any) -> None:
        self._method = method
        self._key = key
        self.public: bytes = key.public_key().public_bytes_raw()

    def shared(self, peer: bytes) -> Secret:
        """The secret in a ciphertext, whose size is checked first (FIPS 203, 7.3)."""
        if len(peer) != self._method.answer_size:
            raise InvalidKeError(f"ciphertext has {len(peer)} octets, not {self._method.answer_size}")
        return Secret(self._key.decapsulate(peer))


def methods() -> tuple[MlKemMethod, ...]:
    """The parameter sets that the library has here."""
    return tuple(found for row in PARAMETERS if (found := _method(row)) is not None)


def _method(parameters: Parameters) -> MlKemMethod | None:
    private = getattr(mlkem, f"MLKEM{parameters.bits}PrivateKey", None)
    public = getattr(mlkem, f"MLKEM{parameters.bits}PublicKey", None)
    if private is None or public is None:
        return None
    try:
        private.from_seed_bytes(bytes(SEED_SIZE))
    except UnsupportedAlgorithm:  # an OpenSSL older than 3.5
        return None
    return MlKemMethod(parameters, private, public)
