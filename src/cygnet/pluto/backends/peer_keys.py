"""Raw RSA keys that ``whack --keyid`` tells, by whom they speak for: FreeS/WAN has no certificates."""

import threading

from cygnet.base.errors import LocalError
from cygnet.base.identities import Identity
from cygnet.crypto.public_keys import parse_public_key
from cygnet.crypto.signatures import PublicKey

KEY_LIMIT = 10_000


def parse(text: str) -> PublicKey:
    """A key as ``0s`` or ``0x`` of RFC 3110, or as in ``leftsigkey``; raises ``LocalError``."""
    return parse_public_key(f"dns:{text}" if text.lower().startswith(("0s", "0x")) else text)


class PeerKeys:
    """The keys of each identity, in the order told. Safe for any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._keys: dict[Identity, tuple[PublicKey, ...]] = {}

    def add(self, identity: Identity, key: PublicKey) -> None:
        """One more key; raises ``LocalError`` beyond the limit."""
        with self._lock:
            if sum(map(len, self._keys.values())) >= KEY_LIMIT:
                raise LocalError(f"there are {KEY_LIMIT} public keys already")
            self._keys[identity] = (*self._keys.get(identity, ()), key)

    def forget(self, identity: Identity) -> int:
        """Have none of an identity any more; how many there were."""
        with self._lock:
            return len(self._keys.pop(identity, ()))

    def all(self) -> tuple[tuple[Identity, PublicKey], ...]:
        """Every key with whom it speaks for."""
        with self._lock:
            return tuple((identity, key) for identity, keys in self._keys.items() for key in keys)

    def of(self, identity: Identity) -> tuple[bytes, ...]:
        """The keys of an identity, as SubjectPublicKeyInfo."""
        return tuple(key.spki for key in self._keys.get(identity, ()))
