"""Cookies against floods of forged first messages (RFC 7296, 2.6)."""

import hmac
from collections.abc import Callable
from hashlib import sha256

from cygnet.base.addresses import Address

SECRET_LIFETIME_S = 10.0
SECRET_USES = 10_000


class Cookies:
    """Makes and checks cookies: a version octet and a keyed hash of nonce, address, SPI and time.

    A secret is used for 10 seconds or 10,000 cookies; the one before is still accepted.
    """

    def __init__(self, rng: Callable[[int], bytes]) -> None:
        self._rng = rng
        self._version = 0
        self._secret = rng(32)
        self._previous: bytes | None = None
        self._since: float | None = None
        self._uses = 0

    def make(self, nonce: bytes, address: Address, spi_i: bytes, now: float) -> bytes:
        """The cookie that this initiator has to send back."""
        self._rotate(now)
        self._uses += 1
        return _cookie(self._version, self._secret, nonce, address, spi_i)

    def check(self, cookie: bytes, nonce: bytes, address: Address, spi_i: bytes, now: float) -> bool:
        """Whether ``cookie`` was made for this initiator not long ago."""
        self._rotate(now)
        current = _cookie(self._version, self._secret, nonce, address, spi_i)
        if hmac.compare_digest(cookie, current):
            return True
        if self._previous is None:
            return False
        before = _cookie((self._version - 1) & 0xFF, self._previous, nonce, address, spi_i)
        return hmac.compare_digest(cookie, before)

    def _rotate(self, now: float) -> None:
        if self._since is None:
            self._since = now
        age = now - self._since
        if age < SECRET_LIFETIME_S and self._uses < SECRET_USES:
            return
        self._previous = self._secret if age < 2 * SECRET_LIFETIME_S else None
        self._secret = self._rng(32)
        self._version = (self._version + 1) & 0xFF
        self._since, self._uses = now, 0


def _cookie(version: int, secret: bytes, nonce: bytes, address: Address, spi_i: bytes) -> bytes:
    body = hmac.digest(secret, b"".join((nonce, address.packed, spi_i)), sha256)
    return bytes((version,)) + body
