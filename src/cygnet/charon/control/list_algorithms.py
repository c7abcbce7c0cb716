"""``listalgs``: what ``ike=`` and ``esp=`` may name, by class, as strongSwan lays it out."""

from collections.abc import Iterable, Iterator

from cygnet.crypto.tables import ENCRYPTION, INTEGRITY, KEY_EXCHANGES, PRFS, Algorithm

WIDTH = 120
INDENT = " " * 13
PROVIDER = "openssl"
HASHES = ("HASH_SHA1", "HASH_SHA2_256", "HASH_SHA2_384", "HASH_SHA2_512", "HASH_IDENTITY")


def algorithm_lines() -> Iterator[str]:
    """All classes that have algorithms; weak ones are shown, marked as off."""
    yield ""
    yield "List of registered IKE algorithms:"
    yield ""
    yield from _wrapped("encryption", _names(row for row in ENCRYPTION if not row.aead))
    yield from _wrapped("integrity", _names(INTEGRITY))
    yield from _wrapped("aead", _names(row for row in ENCRYPTION if row.aead))
    yield from _wrapped("hasher", [f"{name}[{PROVIDER}]" for name in HASHES])
    yield from _wrapped("prf", _names(PRFS))
    yield from _wrapped("dh-group", _names(KEY_EXCHANGES))
    yield from _wrapped("random-gen", ["RNG_STRONG[os]", "RNG_TRUE[os]"])
    yield from _wrapped("nonce-gen", ["[nonce]"])


def _names(rows: Iterable[Algorithm]) -> list[str]:
    return [f"{row.name}[{PROVIDER}]" + ("(off)" if row.weak else "") for row in rows]


def _wrapped(label: str, items: list[str]) -> Iterator[str]:
    line = f"  {label + ':':<11}"
    for item in items:
        if len(line) + 1 + len(item) > WIDTH:
            yield line
            line = INDENT
        line += f" {item}"
    yield line
