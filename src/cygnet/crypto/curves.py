"""Elliptic-curve key exchange: ECP groups (RFC 5903, RFC 6954), Curve25519 and Curve448 (RFC 8031)."""

from collections.abc import Callable

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.x448 import X448PrivateKey, X448PublicKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from cygnet.base.secret import Secret
from cygnet.crypto.diffie_hellman import DiffieHellman
from cygnet.crypto.errors import InvalidKeError
from cygnet.crypto.interfaces import KeyPair, Rng

_UNCOMPRESSED = b"\x04"


class EcpMethod(DiffieHellman):
    """A group over a prime curve; public values are x and y without a point format (RFC 5903, 7)."""

    __slots__ = ("curve", "order")

    def __init__(self, number: int, curve: ec.EllipticCurve) -> None:
        super().__init__(number, 2 * ((curve.key_size + 7) // 8))
        self.curve = curve
        self.order = curve.group_order

    def generate(self, rng: Rng) -> KeyPair:
        """A key pair from 64 more random bits than the order has (FIPS 186-5, A.2.1)."""
        chance = int.from_bytes(rng((self.order.bit_length() + 7) // 8 + 8), "big")
        return EcpKeyPair(self, chance % (self.order - 1) + 1)


class EcpKeyPair:
    """A scalar and its point."""

    __slots__ = ("_key", "_method", "public")

    def __init__(self, method: EcpMethod, scalar: int) -> None:
        self._method = method
        self._key = ec.derive_private_key(scalar, method.curve)
        point = self._key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
        self.public = point[1:]

    def shared(self, peer: bytes) -> Secret:
        """The x coordinate (RFC 5903, 7); the point must be on the curve (RFC 6989, 2.3)."""
        if len(peer) != self._method.public_size:
            raise InvalidKeError(f"public value has {len(peer)} octets, not {self._method.public_size}")
        try:
            point = ec.EllipticCurvePublicKey.from_encoded_point(self._method.curve, _UNCOMPRESSED + peer)
            return Secret(self._key.exchange(ec.ECDH(), point))
        except ValueError:
            raise InvalidKeError("public value is not a point of the curve") from None


class MontgomeryMethod(DiffieHellman):
    """Curve25519 or Curve448 (RFC 7748, RFC 8031)."""

    __slots__ = ("_pair",)

    def __init__(self, number: int, size: int, pair: Callable[[bytes], KeyPair]) -> None:
        super().__init__(number, size)
        self._pair = pair

    def generate(self, rng: Rng) -> KeyPair:
        """A key pair whose scalar is the octets of ``rng``."""
        return self._pair(rng(self.public_size))


class X25519KeyPair:
    """A Curve25519 scalar and its u coordinate."""

    __slots__ = ("_key", "public")

    def __init__(self, scalar: bytes) -> None:
        self._key = X25519PrivateKey.from_private_bytes(scalar)
        self.public = self._key.public_key().public_bytes_raw()

    def shared(self, peer: bytes) -> Secret:
        """The shared u coordinate; zero is refused (RFC 8031, 3.2)."""
        try:
            return Secret(self._key.exchange(X25519PublicKey.from_public_bytes(peer)))
        except ValueError:
            raise InvalidKeError("public value is no good point of Curve25519") from None


class X448KeyPair:
    """A Curve448 scalar and its u coordinate."""

    __slots__ = ("_key", "public")

    def __init__(self, scalar: bytes) -> None:
        self._key = X448PrivateKey.from_private_bytes(scalar)
        self.public = self._key.public_key().public_bytes_raw()

    def shared(self, peer: bytes) -> Secret:
        """The shared u coordinate; zero is refused (RFC 8031, 3.2)."""
        try:
            return Secret(self._key.exchange(X448PublicKey.from_public_bytes(peer)))
        except ValueError:
            raise InvalidKeError("public value is no good point of Curve448") from None
