"""Key kinds, generation, and reading whatever key file is given."""

from collections.abc import Callable

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, rsa

PrivateKey = (
    rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey | ed448.Ed448PrivateKey
)
PublicKey = rsa.RSAPublicKey | ec.EllipticCurvePublicKey | ed25519.Ed25519PublicKey | ed448.Ed448PublicKey
PRIVATE_KEYS = (
    rsa.RSAPrivateKey,
    ec.EllipticCurvePrivateKey,
    ed25519.Ed25519PrivateKey,
    ed448.Ed448PrivateKey,
)
PUBLIC_KEYS = (rsa.RSAPublicKey, ec.EllipticCurvePublicKey, ed25519.Ed25519PublicKey, ed448.Ed448PublicKey)

MIN_RSA_BITS, MAX_RSA_BITS = 2048, 16384
Digest = hashes.SHA256 | hashes.SHA384 | hashes.SHA512 | hashes.SHA3_256 | hashes.SHA3_384 | hashes.SHA3_512
CURVES: dict[int, ec.EllipticCurve] = {256: ec.SECP256R1(), 384: ec.SECP384R1(), 521: ec.SECP521R1()}
DIGESTS: dict[str, Digest] = {
    "sha256": hashes.SHA256(),
    "sha384": hashes.SHA384(),
    "sha512": hashes.SHA512(),
    "sha3_256": hashes.SHA3_256(),
    "sha3_384": hashes.SHA3_384(),
    "sha3_512": hashes.SHA3_512(),
}


class PkiError(Exception):
    """What was asked for cannot be done; the text says why."""


def generate(kind: str, bits: int | None) -> PrivateKey:
    """A new key; raises :class:`PkiError` for a size that the kind does not have."""
    return GENERATORS[kind](bits)


def _rsa(bits: int | None) -> PrivateKey:
    size = bits or 3072
    if not MIN_RSA_BITS <= size <= MAX_RSA_BITS:
        raise PkiError(f"an RSA key of {size} bits is not made here, only {MIN_RSA_BITS} to {MAX_RSA_BITS}")
    return rsa.generate_private_key(65537, size)


def _ecdsa(bits: int | None) -> PrivateKey:
    size = bits or 384
    if size not in CURVES:
        raise PkiError(f"no ECDSA curve of {size} bits, only of {', '.join(map(str, CURVES))}")
    return ec.generate_private_key(CURVES[size])


def _fixed(generate: Callable[[], PrivateKey]) -> Callable[[int | None], PrivateKey]:
    def make(bits: int | None) -> PrivateKey:
        if bits is not None:
            raise PkiError("the size of an EdDSA key is fixed; leave out --size")
        return generate()

    return make


GENERATORS: dict[str, Callable[[int | None], PrivateKey]] = {
    "rsa": _rsa,
    "ecdsa": _ecdsa,
    "ed25519": _fixed(ed25519.Ed25519PrivateKey.generate),
    "ed448": _fixed(ed448.Ed448PrivateKey.generate),
}


def load_private(data: bytes) -> PrivateKey:
    """A private key in PEM or DER; raises :class:`PkiError`."""
    key = _load(data, serialization.load_pem_private_key, serialization.load_der_private_key, "private key")
    if not isinstance(key, PRIVATE_KEYS):
        raise PkiError(f"a private key of kind {type(key).__name__} is not supported")
    return key


def load_public(data: bytes) -> PublicKey:
    """A public key (SubjectPublicKeyInfo) in PEM or DER; raises :class:`PkiError`."""
    key = _load(data, _pem_public, _der_public, "public key")
    if not isinstance(key, PUBLIC_KEYS):
        raise PkiError(f"a public key of kind {type(key).__name__} is not supported")
    return key


def encode_private(key: PrivateKey, form: str) -> bytes:
    """PKCS#8, or the traditional form for RSA and EC as strongSwan's tool writes it."""
    traditional = isinstance(key, rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey)
    container = (
        serialization.PrivateFormat.TraditionalOpenSSL if traditional else serialization.PrivateFormat.PKCS8
    )
    return key.private_bytes(ENCODINGS[form], container, serialization.NoEncryption())


def encode_public(key: PublicKey, form: str) -> bytes:
    """SubjectPublicKeyInfo."""
    return key.public_bytes(ENCODINGS[form], serialization.PublicFormat.SubjectPublicKeyInfo)


def digest_for(key: PrivateKey, name: str | None) -> Digest | None:
    """The hash a signature by ``key`` takes: as named, else as strong as the key; none for EdDSA."""
    if isinstance(key, ed25519.Ed25519PrivateKey | ed448.Ed448PrivateKey):
        return None
    return DIGESTS[name or _usual_digest(key)]


ENCODINGS = {"der": serialization.Encoding.DER, "pem": serialization.Encoding.PEM}


def _usual_digest(key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey) -> str:
    if isinstance(key, rsa.RSAPrivateKey):
        return "sha256" if key.key_size <= 3072 else "sha384" if key.key_size <= 7680 else "sha512"
    return {256: "sha256", 384: "sha384"}.get(key.curve.key_size, "sha512")


def _pem_public(data: bytes, password: None) -> object:
    return serialization.load_pem_public_key(data)


def _der_public(data: bytes, password: None) -> object:
    return serialization.load_der_public_key(data)


def _load(
    data: bytes,
    pem: Callable[[bytes, None], object],
    der: Callable[[bytes, None], object],
    what: str,
) -> object:
    try:
        return pem(data, None) if data.lstrip().startswith(b"-----") else der(data, None)
    except TypeError:
        raise PkiError(f"the {what} is encrypted; decrypt it first") from None
    except (ValueError, UnsupportedAlgorithm) as error:
        raise PkiError(f"the input is no {what} in PEM or DER form ({error})") from None
