"""Raw public keys of connections (``leftsigkey``, ``rightsigkey``), and how ``listpubkeys`` shows them."""

import threading
from collections.abc import Callable, Container, Iterable, Sequence
from pathlib import Path

from cygnet.base.errors import LocalError
from cygnet.base.groups import Group
from cygnet.base.identities import Identity, IdType
from cygnet.cert.printing import key_lines
from cygnet.crypto.public_keys import is_written_out, load_public_key, parse_public_key
from cygnet.crypto.signatures import PublicKey
from cygnet.keying.backends.documents import Document
from cygnet.keying.backends.errors import ConfigError
from cygnet.keying.backends.files import read_octets
from cygnet.keying.backends.reports import LogLine

MAX_LOADED = 100_000


class RawKeys:
    """Keys with whom they speak for, in the order loaded. Safe for any thread.

    File names are relative to ``folder``. ``told`` gives more that are to be listed: those that somebody
    else keeps.
    """

    told: Callable[[], Iterable[tuple[Identity, PublicKey]]] = tuple

    def __init__(self, folder: Path, log: LogLine) -> None:
        self._folder, self._log = folder, log
        self._lock = threading.Lock()
        self._known: dict[tuple[bytes, Identity], PublicKey] = {}

    def load(self, text: str, identity: Identity) -> PublicKey:
        """A key as it is written, or the one of a file; raises :class:`ConfigError`."""
        written = is_written_out(text)
        place = "" if written else f" from '{self._folder / text}'"
        try:
            key = parse_public_key(text) if written else load_public_key(read_octets(self._folder / text))
        except LocalError as error:
            raise ConfigError(f'loading public key for "{identity}"{place} failed: {error}') from None
        self._log(Group.CFG, 1, f'  loaded {key.kind} public key for "{identity}"{place}')
        with self._lock:
            if len(self._known) < MAX_LOADED:
                self._known[key.spki, identity] = key
        return key

    def documents(self, private: Container[bytes]) -> Sequence[Document]:
        """For ``listpubkeys``; ``private`` holds the public halves of our private keys."""
        with self._lock:
            known = [(identity, key) for (_, identity), key in self._known.items()]
        return [_document(identity, key, key.spki in private) for identity, key in (*known, *self.told())]


def _document(identity: Identity, key: PublicKey, private: bool) -> Document:
    """strongSwan leaves the subject out where it is the key id, which comes below anyway."""
    subject = [] if identity.type == IdType.KEY_ID else [f'subject:  "{identity}"']
    lines = [*subject, *key_lines(key.native, private)]
    return Document(lambda now, utc: lines)
