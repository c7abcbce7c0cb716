"""Many packets at once for sealers that can only do one after the other."""

from abc import ABC, abstractmethod

from cygnet.crypto.errors import IntegrityError
from cygnet.crypto.interfaces import Work


class OneByOne(ABC):
    """A sealer whose ``seal_all`` and ``open_all`` ask ``seal`` and ``open``."""

    __slots__ = ()

    @abstractmethod
    def seal(self, iv: bytes, plaintext: bytes, aad: bytes, trailer: bytes = b"") -> bytes:
        """One packet."""

    @abstractmethod
    def open(self, iv: bytes, sealed: bytes, aad: bytes, trailer: bytes = b"") -> bytes:
        """One packet; raises :class:`IntegrityError`."""

    def seal_all(self, work: Work) -> None:
        """One after the other."""
        for iv, plaintext, aad, trailer, place in work:
            place[:] = self.seal(bytes(iv), bytes(plaintext), bytes(aad), trailer)

    def open_all(self, work: Work) -> list[int]:
        """One after the other; which ones fail."""
        failed = []
        for number, (iv, sealed, aad, trailer, place) in enumerate(work):
            try:
                place[:] = self.open(bytes(iv), bytes(sealed), bytes(aad), trailer)
            except IntegrityError:
                failed.append(number)
        return failed
