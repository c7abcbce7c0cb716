"""What Diffie-Hellman methods have in common: both sides do the same (RFC 7296, 2.14)."""

from cygnet.base.secret import Secret
from cygnet.crypto.errors import InvalidKeError
from cygnet.crypto.interfaces import KeyPair, Rng


class DiffieHellman:
    """A method whose responder answers with a key pair of its own. Sizes are octets."""

    __slots__ = ("number", "public_size")

    def __init__(self, number: int, public_size: int) -> None:
        self.number = number
        self.public_size = public_size

    @property
    def answer_size(self) -> int:
        """As large as what it answers."""
        return self.public_size

    def generate(self, rng: Rng) -> KeyPair:
        """A key pair derived from octets of ``rng`` alone."""
        raise NotImplementedError

    def answer(self, peer: bytes, rng: Rng) -> tuple[bytes, Secret]:
        """Our public value and the shared secret; a value of wrong size costs no key pair."""
        if len(peer) != self.public_size:
            raise InvalidKeError(f"public value has {len(peer)} octets, not {self.public_size}")
        pair = self.generate(rng)
        return pair.public, pair.shared(peer)
