"""CRLs and OCSP responses that are known, in memory and, where wanted, as files in ``ipsec.d/crls``."""

import os
import threading
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from cygnet.base.groups import Group
from cygnet.cert.certificates import Certificate
from cygnet.cert.crl import Crl
from cygnet.cert.ocsp import OcspResponse
from cygnet.keying.backends.reports import LogLine

MAX_CRLS = 1000
MAX_RESPONSES = 10_000

_Key = tuple[bytes, bytes, bool, str]


class RevocationStore:
    """For all threads. ``caching`` tells whether fetched CRLs are written to ``folder``."""

    def __init__(self, folder: Path, caching: Callable[[], bool], log: LogLine) -> None:
        self._folder, self._caching, self._log = folder, caching, log
        self._lock = threading.Lock()
        self._files: tuple[Crl, ...] = ()
        self._fetched: dict[_Key, Crl] = {}
        self._responses: dict[tuple[bytes, int], OcspResponse] = {}

    def replace_files(self, crls: Iterable[Crl]) -> None:
        """What ``ipsec.d/crls`` holds now."""
        found = tuple(dict.fromkeys(crls))[:MAX_CRLS]
        with self._lock:
            self._files = found

    def crls(self) -> tuple[Crl, ...]:
        """All that are known, each once, the newest of an issuer first."""
        with self._lock:
            found = dict.fromkeys((*self._files, *self._fetched.values()))
        return tuple(sorted(found, key=lambda one: (one.number or 0, one.this_update), reverse=True))

    def responses(self) -> tuple[OcspResponse, ...]:
        """All OCSP responses that are known, each once."""
        with self._lock:
            return tuple(dict.fromkeys(self._responses.values()))

    def responses_for(self, issuer: Certificate) -> Sequence[OcspResponse]:
        """Those about certificates of this CA."""
        with self._lock:
            found = [one for (key_id, _), one in self._responses.items() if key_id == issuer.key_id]
        return tuple(dict.fromkeys(found))

    def keep_crl(self, crl: Crl) -> None:
        """Keep a genuine CRL, unless a newer one is there; write it to its file where that is wanted."""
        key = _key(crl)
        with self._lock:
            known = self._fetched.get(key)
            if crl in self._files or (known is not None and not crl.is_newer_than(known)):
                return
            while len(self._fetched) >= MAX_CRLS:
                del self._fetched[next(iter(self._fetched))]
            self._fetched[key] = crl
        if self._caching():
            self._write(crl)

    def keep_response(self, issuer: Certificate, response: OcspResponse) -> None:
        """Keep a genuine response for each certificate that it is about."""
        with self._lock:
            for serial, _ in response.singles():
                while len(self._responses) >= MAX_RESPONSES:
                    del self._responses[next(iter(self._responses))]
                self._responses[issuer.key_id, serial] = response

    def purge_crls(self) -> None:
        """Forget the CRLs that were fetched. Files are read again by ``rereadcrls``."""
        with self._lock:
            self._fetched.clear()

    def purge_responses(self) -> None:
        """Forget the OCSP responses."""
        with self._lock:
            self._responses.clear()

    def _write(self, crl: Crl) -> None:
        path = self._folder / file_name(crl)
        beside = path.with_name(f".{path.name}.{os.getpid()}.{threading.get_ident()}")
        try:
            beside.write_bytes(crl.der)
            beside.replace(path)
        except OSError as error:
            beside.unlink(missing_ok=True)
            self._log(Group.CFG, 1, f"  writing crl file '{path}' failed: {error.strerror}")
            return
        self._log(Group.CFG, 1, f"  written crl file '{path}' ({len(crl.der)} bytes)")


def file_name(crl: Crl) -> str:
    """The key that signed, in hexadecimal, as strongSwan names it."""
    name = crl.authority_key_id.hex() or crl.issuer.data.hex()[:64]
    return f"{name}{'' if crl.base_number is None else '_delta'}.crl"


def _key(crl: Crl) -> _Key:
    """What a newer CRL replaces: one of the same issuer, key, kind and scope."""
    scope = crl.scope
    return crl.issuer.data, crl.authority_key_id, crl.base_number is not None, repr(scope) if scope else ""
