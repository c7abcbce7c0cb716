"""The shapes every algorithm of a kind has; rows of ``crypto.tables`` construct them."""

from collections.abc import Callable, Iterable
from typing import Protocol

from cygnet.base.secret import Secret

Rng = Callable[[int], bytes]

Octets = bytes | memoryview
Work = Iterable[tuple[Octets, Octets, Octets, bytes, memoryview]]
"""Many packets: IV, plaintext (to be opened: what was sealed), what else is authenticated, trailer; and the
place for the result, of just its size."""


class Sealer(Protocol):
    """One direction's encryption and integrity, keyed once and used for every packet.

    Sizes are octets. ``counter_mode`` tells that the IV may be a counter (it must not repeat);
    otherwise it must be unpredictable. ``block_size`` is what the plaintext is padded to by the caller.
    """

    @property
    def iv_size(self) -> int:
        """Octets of IV that travel with each packet."""

    @property
    def icv_size(self) -> int:
        """Octets of integrity check value at the end."""

    @property
    def block_size(self) -> int:
        """The plaintext must be a multiple of this."""

    @property
    def counter_mode(self) -> bool:
        """Whether the IV may be a counter."""

    @property
    def aead(self) -> bool:
        """Whether encryption and integrity are one algorithm."""

    def seal(self, iv: bytes, plaintext: bytes, aad: bytes, trailer: bytes = b"") -> bytes:
        """Ciphertext and ICV, without the IV.

        ``trailer`` is authenticated after the ciphertext and not sent: the high half of an extended
        sequence number where encryption and integrity are apart (RFC 4303, 2.2.1). An AEAD takes that
        half within ``aad`` (RFC 4106, 5) and ignores ``trailer``.
        """

    def open(self, iv: bytes, sealed: bytes, aad: bytes, trailer: bytes = b"") -> bytes:
        """The plaintext; raises :class:`~cygnet.crypto.errors.IntegrityError`, integrity first."""

    def seal_all(self, work: Work) -> None:
        """:meth:`seal` for many packets."""

    def open_all(self, work: Work) -> list[int]:
        """:meth:`open` for many packets; the numbers of those that fail, whose places hold nothing of use."""


class BlockMode(Protocol):
    """A cipher without integrity: both ways, the IV given."""

    def encrypt(self, iv: bytes, plaintext: bytes) -> bytes:
        """The ciphertext, as long as the plaintext."""

    def decrypt(self, iv: bytes, ciphertext: bytes) -> bytes:
        """The plaintext."""


class Mac(Protocol):
    """A keyed message authentication code, truncated as its row says."""

    def __call__(self, *parts: bytes) -> bytes:
        """The code over the parts in order."""


class KeyPair(Protocol):
    """The initiator's half of one key exchange."""

    @property
    def public(self) -> bytes:
        """Key Exchange Data as it travels (RFC 7296, 3.4)."""

    def shared(self, peer: bytes) -> Secret:
        """The shared secret with what the responder answered.

        Raises :class:`~cygnet.crypto.errors.InvalidKeError` where RFC 6989's tests, or FIPS 203's, fail.
        """


class KeMethod(Protocol):
    """A key exchange method (RFC 7296, 3.3.2, transform type 4), Diffie-Hellman or KEM."""

    @property
    def number(self) -> int:
        """IANA's number."""

    @property
    def public_size(self) -> int:
        """Octets of the initiator's public value."""

    @property
    def answer_size(self) -> int:
        """Octets of the responder's public value."""

    def generate(self, rng: Rng) -> KeyPair:
        """The initiator's part: a key pair derived from octets of ``rng`` alone."""

    def answer(self, peer: bytes, rng: Rng) -> tuple[bytes, Secret]:
        """The responder's part: its public value and the shared secret, for the initiator's value.

        Raises :class:`~cygnet.crypto.errors.InvalidKeError` like :meth:`KeyPair.shared`.
        """
