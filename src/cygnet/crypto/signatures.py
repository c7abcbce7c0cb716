"""Which signature schemes a key and a peer have in common, and how they travel in AUTH payloads.

Also the one place to import keys and schemes from.
"""

from cygnet.crypto.errors import MalformedKeyError, SignatureError
from cygnet.crypto.keys import KeyLoadError, PrivateKey, PublicKey
from cygnet.crypto.signature_schemes import SCHEMES, Hash, KeyKind, SignatureScheme, other_identifiers

__all__ = [
    "DIGITAL_SIGNATURE",
    "SCHEMES",
    "SUPPORTED_HASHES",
    "Hash",
    "KeyKind",
    "KeyLoadError",
    "MalformedKeyError",
    "PrivateKey",
    "PublicKey",
    "SignatureError",
    "SignatureScheme",
    "build_authentication_data",
    "parse_authentication_data",
    "scheme_of_algorithm_identifier",
    "scheme_of_method",
    "scheme_of_name",
    "schemes_for",
]

DIGITAL_SIGNATURE = 14

# What we announce in SIGNATURE_HASH_ALGORITHMS (RFC 7427, 4).
SUPPORTED_HASHES = (Hash.SHA2_256, Hash.SHA2_384, Hash.SHA2_512, Hash.IDENTITY)

_BY_NAME = {scheme.name: scheme for scheme in SCHEMES}
_BY_IDENTIFIER = {identifier: _BY_NAME[name] for identifier, name in other_identifiers()} | {
    scheme.identifier: scheme for scheme in SCHEMES if scheme.identifier
}
_BY_METHOD = {scheme.method: scheme for scheme in SCHEMES if scheme.method != DIGITAL_SIGNATURE}

# The hash whose strength is that of a key with up to so many bits (NIST SP 800-57, part 1, table 2).
_FITTING = {
    KeyKind.RSA: ((3072, Hash.SHA2_256), (7680, Hash.SHA2_384), (1 << 16, Hash.SHA2_512)),
    KeyKind.ECDSA: ((256, Hash.SHA2_256), (384, Hash.SHA2_384), (1 << 16, Hash.SHA2_512)),
    KeyKind.ED25519: ((1 << 16, Hash.IDENTITY),),
    KeyKind.ED448: ((1 << 16, Hash.IDENTITY),),
}


def schemes_for(
    kind: KeyKind, bits: int, peer_hashes: frozenset[int] | None, prefer_pss: bool = False
) -> tuple[SignatureScheme, ...]:
    """The schemes to sign with, best first.

    ``peer_hashes`` are those of the peer's SIGNATURE_HASH_ALGORITHMS, ``None`` if it sent none and so knows
    only the classic methods. First comes the hash as strong as the key, then stronger ones, then weaker
    ones; the classic method comes last (RFC 7427, 4). Empty where nothing is common.
    """
    fitting = next(digest for limit, digest in _FITTING[kind] if bits <= limit)
    modern = [
        scheme
        for scheme in SCHEMES
        if scheme.kind == kind and scheme.identifier and scheme.hash in (peer_hashes or ())
    ]
    modern.sort(key=lambda scheme: ("PSS" in scheme.name) != prefer_pss)
    modern.sort(key=lambda scheme: (scheme.hash < fitting, abs(scheme.hash - fitting)))
    return (*modern, *_classic(kind, bits))


def _classic(kind: KeyKind, bits: int) -> list[SignatureScheme]:
    return [
        scheme for scheme in _BY_METHOD.values() if scheme.kind == kind and scheme.curve_bits in (0, bits)
    ]


def scheme_of_algorithm_identifier(der: bytes) -> SignatureScheme:
    """The scheme of a DER AlgorithmIdentifier (RFC 7427, 3); raises :class:`SignatureError`."""
    scheme = _BY_IDENTIFIER.get(der)
    if scheme is None:
        raise SignatureError(f"unsupported signature algorithm {der[:32].hex()}")
    return scheme


def scheme_of_name(name: str) -> SignatureScheme:
    """The scheme of that name; raises ``KeyError``."""
    return _BY_NAME[name]


def scheme_of_method(method: int) -> SignatureScheme:
    """The scheme of a classic authentication method (RFC 7296, 3.8); raises :class:`SignatureError`."""
    scheme = _BY_METHOD.get(method)
    if scheme is None:
        raise SignatureError(f"unsupported authentication method {method}")
    return scheme


def build_authentication_data(scheme: SignatureScheme, signature: bytes) -> bytes:
    """Authentication Data: for method 14 the identifier behind its length comes first (RFC 7427, 3)."""
    if scheme.method != DIGITAL_SIGNATURE:
        return signature
    return bytes((len(scheme.identifier),)) + scheme.identifier + signature


def parse_authentication_data(method: int, data: bytes) -> tuple[SignatureScheme, bytes]:
    """Scheme and signature of an AUTH payload's method and data; raises :class:`SignatureError`."""
    if method != DIGITAL_SIGNATURE:
        return scheme_of_method(method), data
    length = data[0] if data else 0
    if not 0 < length < len(data):
        raise SignatureError("authentication data ends within its algorithm identifier")
    return scheme_of_algorithm_identifier(data[1 : 1 + length]), data[1 + length :]
