"""Key kinds, generation, and reading whatever key file is given."""

from base64 import b64encode
from collections.abc import Callable
from functools import cache
from getpass import getpass
from hashlib import sha1

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, mldsa, padding, rsa

from cygnet.base.secret import Secret
from cygnet.conf.settings import parse_settings
from cygnet.ipsec.pki.errors import PkiError
from cygnet.runtime import paths
from cygnet.runtime.files import FileReader
from cygnet.runtime.tokens.references import TokenError, TokenReference
from cygnet.runtime.tokens.tokens import Tokens, modules_of

PrivateKey = (
    rsa.RSAPrivateKey
    | ec.EllipticCurvePrivateKey
    | ed25519.Ed25519PrivateKey
    | ed448.Ed448PrivateKey
    | mldsa.MLDSA44PrivateKey
    | mldsa.MLDSA65PrivateKey
    | mldsa.MLDSA87PrivateKey
)
PublicKey = (
    rsa.RSAPublicKey
    | ec.EllipticCurvePublicKey
    | ed25519.Ed25519PublicKey
    | ed448.Ed448PublicKey
    | mldsa.MLDSA44PublicKey
    | mldsa.MLDSA65PublicKey
    | mldsa.MLDSA87PublicKey
)
Digest = (
    hashes.SHA224
    | hashes.SHA256
    | hashes.SHA384
    | hashes.SHA512
    | hashes.SHA3_224
    | hashes.SHA3_256
    | hashes.SHA3_384
    | hashes.SHA3_512
)

MIN_RSA_BITS, MAX_RSA_BITS = 2048, 16384
KEY_TYPES = ("rsa", "ecdsa", "ed25519", "ed448", "mldsa44", "mldsa65", "mldsa87", "priv")
CURVES: dict[int, ec.EllipticCurve] = {256: ec.SECP256R1(), 384: ec.SECP384R1(), 521: ec.SECP521R1()}
DIGESTS: dict[str, Digest] = {
    "sha224": hashes.SHA224(),
    "sha256": hashes.SHA256(),
    "sha384": hashes.SHA384(),
    "sha512": hashes.SHA512(),
    "sha3_224": hashes.SHA3_224(),
    "sha3_256": hashes.SHA3_256(),
    "sha3_384": hashes.SHA3_384(),
    "sha3_512": hashes.SHA3_512(),
}
"""Those of strongSwan's tool without MD5 and SHA-1, with which nothing is signed here."""


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
            raise PkiError("the size of this kind of key is fixed; leave out --size")
        return generate()

    return make


GENERATORS: dict[str, Callable[[int | None], PrivateKey]] = {
    "rsa": _rsa,
    "ecdsa": _ecdsa,
    "ed25519": _fixed(ed25519.Ed25519PrivateKey.generate),
    "ed448": _fixed(ed448.Ed448PrivateKey.generate),
    "mldsa44": _fixed(mldsa.MLDSA44PrivateKey.generate),
    "mldsa65": _fixed(mldsa.MLDSA65PrivateKey.generate),
    "mldsa87": _fixed(mldsa.MLDSA87PrivateKey.generate),
}


def load_private(data: bytes, kind: str = "priv") -> PrivateKey:
    """A private key in PEM or DER, its passphrase asked for if it is encrypted; raises :class:`PkiError`."""
    pem = data.lstrip().startswith(b"-----")
    read = serialization.load_pem_private_key if pem else serialization.load_der_private_key
    key: object
    try:
        try:
            key = read(data, None)
        except TypeError:
            key = read(data, getpass("Passphrase: ").encode())
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        text = str(error).partition("\n")[0][:120]
        raise PkiError(f"the input is no private key in PEM or DER form ({text})") from None
    if not isinstance(key, PrivateKey):
        raise PkiError(f"a private key of kind {type(key).__name__} is not supported")
    wanted = _KINDS.get(kind)
    if wanted is not None and not isinstance(key, wanted):
        raise PkiError(f"the input is a private key, but not of type {kind}")
    return key


def load_public(data: bytes) -> PublicKey:
    """A public key (SubjectPublicKeyInfo) in PEM or DER; raises :class:`PkiError`."""
    pem = data.lstrip().startswith(b"-----")
    read = serialization.load_pem_public_key if pem else serialization.load_der_public_key
    try:
        return checked_public(read(data))
    except (ValueError, UnsupportedAlgorithm) as error:
        text = str(error).partition("\n")[0][:120]
        raise PkiError(f"the input is no public key in PEM or DER form ({text})") from None


def checked_public(key: object) -> PublicKey:
    """A public key of a kind that is supported; raises :class:`PkiError`."""
    if not isinstance(key, PublicKey):
        raise PkiError(f"a public key of kind {type(key).__name__} is not supported")
    return key


def from_token(key_id: str) -> PrivateKey:
    """The private key on a token with this CKA_ID; raises :class:`PkiError`."""
    try:
        reference = TokenReference.parse(f"%smartcard:{key_id.removeprefix('0x')}")
        return tokens().private_key(reference, lambda token: Secret(getpass(f"PIN for '{token}': ").encode()))
    except TokenError as error:
        raise PkiError(str(error)) from None


@cache
def tokens() -> Tokens:
    """The tokens that ``strongswan.conf`` names for ``pki`` or ``libstrongswan``."""
    settings = parse_settings(str(paths.strongswan_conf()), FileReader())
    return Tokens(modules_of(settings, "pki") or modules_of(settings, "charon"))


def encode_private(key: PrivateKey, form: str) -> bytes:
    """PKCS#8, or the traditional form for RSA and EC as strongSwan's tool writes it."""
    traditional = isinstance(key, rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey)
    container = (
        serialization.PrivateFormat.TraditionalOpenSSL if traditional else serialization.PrivateFormat.PKCS8
    )
    return key.private_bytes(ENCODINGS[form], container, serialization.NoEncryption())


def encode_public(key: PublicKey, form: str) -> bytes:
    """SubjectPublicKeyInfo, or what stands in DNS (RFC 3110) or in SSH files (RFC 4253), in Base64."""
    if form == "sshkey":
        if isinstance(key, mldsa.MLDSA44PublicKey | mldsa.MLDSA65PublicKey | mldsa.MLDSA87PublicKey):
            raise PkiError("there is no SSH form of this kind of key")
        if isinstance(key, ed448.Ed448PublicKey):
            raise PkiError("there is no SSH form of an Ed448 key")
        text = key.public_bytes(serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH)
        return text.split()[1]
    if form == "dnskey":
        return b64encode(_dns(key))
    return key.public_bytes(ENCODINGS[form], serialization.PublicFormat.SubjectPublicKeyInfo)


def _dns(key: PublicKey) -> bytes:
    if not isinstance(key, rsa.RSAPublicKey):
        raise PkiError("there is a DNS form of RSA keys only")
    numbers = key.public_numbers()
    exponent = numbers.e.to_bytes((numbers.e.bit_length() + 7) // 8, "big")
    length = bytes((len(exponent),)) if len(exponent) < 256 else b"\0" + len(exponent).to_bytes(2, "big")
    return length + exponent + numbers.n.to_bytes(key.key_size // 8, "big")


def identifiers(key: PublicKey) -> tuple[bytes, bytes]:
    """SHA-1 of the key alone (``subjkey``), and with its algorithm (``keyid``)."""
    alone = x509.SubjectKeyIdentifier.from_public_key(key).digest
    return alone, sha1(encode_public(key, "der"), usedforsecurity=False).digest()


def digest_for(key: PrivateKey, name: str | None) -> Digest | None:
    """The hash a signature by ``key`` takes: as named, else as strong as the key; none where it is fixed."""
    if isinstance(key, rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey):
        return DIGESTS[name or _usual_digest(key)]
    return None


def padding_for(key: PrivateKey, name: str, digest: Digest | None) -> padding.PSS | padding.PKCS1v15 | None:
    """``--rsa-padding``; none for keys of other kinds."""
    if not isinstance(key, rsa.RSAPrivateKey) or digest is None:
        return None
    return padding.PSS(padding.MGF1(digest), digest.digest_size) if name == "pss" else padding.PKCS1v15()


def same_key(private: PrivateKey, public: object) -> bool:
    """Whether a public key is that of ``private``."""
    return encode_public(private.public_key(), "der") == encode_public(checked_public(public), "der")


ENCODINGS = {"der": serialization.Encoding.DER, "pem": serialization.Encoding.PEM}
_KINDS: dict[str, type] = {
    "rsa": rsa.RSAPrivateKey,
    "ecdsa": ec.EllipticCurvePrivateKey,
    "ed25519": ed25519.Ed25519PrivateKey,
    "ed448": ed448.Ed448PrivateKey,
    "mldsa44": mldsa.MLDSA44PrivateKey,
    "mldsa65": mldsa.MLDSA65PrivateKey,
    "mldsa87": mldsa.MLDSA87PrivateKey,
}


def _usual_digest(key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey) -> str:
    if isinstance(key, rsa.RSAPrivateKey):
        return "sha256" if key.key_size <= 3072 else "sha384" if key.key_size <= 7680 else "sha512"
    return {256: "sha256", 384: "sha384"}.get(key.curve.key_size, "sha512")
