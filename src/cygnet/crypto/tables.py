"""Every transform Cygnet has, one row each: number, name, keywords, sizes, constructor, kernel name.

Numbers are IANA's (RFC 7296, 3.3.2, and successors); names and keywords are those of strongSwan's logs and
``ike=``/``esp=`` strings. A row with ``weak`` is built, but off unless somebody insists (RFC 8247).
"""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from enum import IntEnum
from types import MappingProxyType
from typing import NamedTuple

from cryptography.hazmat.primitives.asymmetric import ec

from cygnet.crypto import aead, block_modes, curves, macs, mlkem, modp
from cygnet.crypto.interfaces import BlockMode, KeMethod, Mac, Sealer


class TransformType(IntEnum):
    """Transform types (RFC 7296, 3.3.2; RFC 9370, 2.2.1 for the additional key exchanges)."""

    ENCR = 1
    PRF = 2
    INTEG = 3
    KE = 4
    ESN = 5
    ADDKE1 = 6
    ADDKE2 = 7
    ADDKE3 = 8
    ADDKE4 = 9
    ADDKE5 = 10
    ADDKE6 = 11
    ADDKE7 = 12


class Keyword(NamedTuple):
    """A word of a proposal string and the key length it means (bits, 0: no Key Length attribute)."""

    text: str
    key_bits: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Algorithm:
    """What all transforms have. ``weak`` says why one is off by default; empty: it is not."""

    number: int
    name: str
    keywords: tuple[Keyword, ...]
    kernel: str = ""
    weak: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Encryption(Algorithm):
    """ENCR. ``key_bits`` are the lengths allowed; sizes are octets.

    An algorithm with ``fixed_key`` sends no Key Length attribute (RFC 7296, 3.3.5). Of ``seal`` and ``mode``
    one is set: an AEAD's constructor from key, salt and ICV length, or a block mode's from key and salt.
    """

    key_bits: tuple[int, ...]
    fixed_key: bool = False
    salt: int = 0
    iv: int
    icv: int = 0
    block: int = 1
    counter_mode: bool = False
    in_ike: bool = True
    seal: Callable[[bytes, bytes, int], Sealer] | None = None
    mode: Callable[[bytes, bytes], BlockMode] | None = None

    @property
    def aead(self) -> bool:
        """Whether it brings its own integrity."""
        return self.seal is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class Integrity(Algorithm):
    """INTEG, octets of key and of ICV; ``prf`` is the PRF of the same hash, 0 without one."""

    key: int
    icv: int
    prf: int
    mac: Callable[[bytes, int], Mac]


@dataclass(frozen=True, slots=True, kw_only=True)
class PrfAlgorithm(Algorithm):
    """PRF; ``size`` is the octets of its output and preferred key.

    ``nonce_octets`` of each nonce key SKEYSEED where the PRF's key is fixed (RFC 7296, 2.14); 0: all.
    ``digest`` is the hash that it is the HMAC of, empty if it is none.
    """

    size: int
    nonce_octets: int = 0
    digest: str = ""
    mac: Callable[[bytes, int], Mac]


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyExchange(Algorithm):
    """KE and ADDKE."""

    method: KeMethod


@dataclass(frozen=True, slots=True, kw_only=True)
class SequenceNumbers(Algorithm):
    """ESN."""


_DES = "DES has keys of 56 bits; RFC 8247: MUST NOT"
_MD5 = "MD5 is broken; RFC 8247: MUST NOT"
_SMALL = "group too small; RFC 8247: SHOULD NOT or MUST NOT"
_SIZES = (128, 192, 256)


def _sized(stem: str, *suffixes: str, bare: int = 0) -> tuple[Keyword, ...]:
    """Keywords for three key lengths with each suffix, and the bare stem for 128 bits."""
    sized = tuple(Keyword(f"{stem}{bits}{suffix}", bits) for suffix in suffixes for bits in _SIZES)
    return (Keyword(stem, bare), *sized) if bare else sized


def _words(*words: str) -> tuple[Keyword, ...]:
    return tuple(Keyword(word) for word in words)


def _gcm(number: int, icv: int, *suffixes: str) -> Encryption:
    return Encryption(
        number=number, name=f"AES_GCM_{icv}", keywords=_sized("aes", *suffixes), kernel="rfc4106(gcm(aes))",
        key_bits=_SIZES, salt=4, iv=8, icv=icv, counter_mode=True, seal=aead.aes_gcm,
    )  # fmt: skip


def _ccm(number: int, icv: int, *suffixes: str) -> Encryption:
    return Encryption(
        number=number, name=f"AES_CCM_{icv}", keywords=_sized("aes", *suffixes), kernel="rfc4309(ccm(aes))",
        key_bits=_SIZES, salt=3, iv=8, icv=icv, counter_mode=True, seal=aead.aes_ccm,
    )  # fmt: skip


ENCRYPTION = (
    Encryption(
        number=2, name="DES_CBC", keywords=_words("des"), kernel="cbc(des)", weak=_DES,
        key_bits=(64,), fixed_key=True, iv=8, block=8, mode=block_modes.des_cbc,
    ),
    Encryption(
        number=3, name="3DES_CBC", keywords=_words("3des"), kernel="cbc(des3_ede)",
        key_bits=(192,), fixed_key=True, iv=8, block=8, mode=block_modes.triple_des_cbc,
    ),
    Encryption(
        number=11, name="NULL", keywords=_words("null"), kernel="ecb(cipher_null)",
        key_bits=(0,), fixed_key=True, iv=0, in_ike=False, mode=block_modes.null,
    ),
    Encryption(
        number=12, name="AES_CBC", keywords=_sized("aes", "", bare=128), kernel="cbc(aes)",
        key_bits=_SIZES, iv=16, block=16, mode=block_modes.aes_cbc,
    ),
    Encryption(
        number=13, name="AES_CTR", keywords=_sized("aes", "ctr"), kernel="rfc3686(ctr(aes))",
        key_bits=_SIZES, salt=4, iv=8, counter_mode=True, mode=block_modes.aes_ctr,
    ),
    _ccm(14, 8, "ccm8", "ccm64"),
    _ccm(15, 12, "ccm12", "ccm96"),
    _ccm(16, 16, "ccm16", "ccm128", "ccm"),
    _gcm(18, 8, "gcm8", "gcm64"),
    _gcm(19, 12, "gcm12", "gcm96"),
    _gcm(20, 16, "gcm16", "gcm128", "gcm"),
    Encryption(
        number=21, name="NULL_AES_GMAC", keywords=_sized("aes", "gmac"), kernel="rfc4543(gcm(aes))",
        key_bits=_SIZES, salt=4, iv=8, icv=16, counter_mode=True, in_ike=False, seal=aead.aes_gmac,
    ),
    Encryption(
        number=23, name="CAMELLIA_CBC", keywords=_sized("camellia", "", bare=128), kernel="cbc(camellia)",
        key_bits=_SIZES, iv=16, block=16, mode=block_modes.camellia_cbc,
    ),
    Encryption(
        number=28, name="CHACHA20_POLY1305", keywords=_words("chacha20poly1305"),
        kernel="rfc7539esp(chacha20,poly1305)",
        key_bits=(256,), fixed_key=True, salt=4, iv=8, icv=16, counter_mode=True, seal=aead.chacha20_poly1305,
    ),
)  # fmt: skip

INTEGRITY = (
    Integrity(
        number=1, name="HMAC_MD5_96", keywords=_words("md5"), kernel="hmac(md5)", weak=_MD5,
        key=16, icv=12, prf=1, mac=macs.hmac_md5,
    ),
    Integrity(
        number=2, name="HMAC_SHA1_96", keywords=_words("sha1", "sha"), kernel="hmac(sha1)",
        key=20, icv=12, prf=2, mac=macs.hmac_sha1,
    ),
    Integrity(
        number=5, name="AES_XCBC_96", keywords=_words("aesxcbc"), kernel="xcbc(aes)",
        key=16, icv=12, prf=4, mac=macs.aes_xcbc,
    ),
    Integrity(
        number=6, name="HMAC_MD5_128", keywords=_words("md5_128"), kernel="hmac(md5)", weak=_MD5,
        key=16, icv=16, prf=1, mac=macs.hmac_md5,
    ),
    Integrity(
        number=7, name="HMAC_SHA1_160", keywords=_words("sha1_160"), kernel="hmac(sha1)",
        key=20, icv=20, prf=2, mac=macs.hmac_sha1,
    ),
    Integrity(
        number=8, name="AES_CMAC_96", keywords=_words("aescmac"), kernel="cmac(aes)",
        key=16, icv=12, prf=8, mac=macs.aes_cmac,
    ),
    Integrity(
        number=12, name="HMAC_SHA2_256_128", keywords=_words("sha256", "sha2_256"), kernel="hmac(sha256)",
        key=32, icv=16, prf=5, mac=macs.hmac_sha2_256,
    ),
    Integrity(
        number=13, name="HMAC_SHA2_384_192", keywords=_words("sha384", "sha2_384"), kernel="hmac(sha384)",
        key=48, icv=24, prf=6, mac=macs.hmac_sha2_384,
    ),
    Integrity(
        number=14, name="HMAC_SHA2_512_256", keywords=_words("sha512", "sha2_512"), kernel="hmac(sha512)",
        key=64, icv=32, prf=7, mac=macs.hmac_sha2_512,
    ),
)  # fmt: skip

PRFS = (
    PrfAlgorithm(
        number=1, name="PRF_HMAC_MD5", keywords=_words("prfmd5"), weak=_MD5,
        size=16, digest="md5", mac=macs.hmac_md5,
    ),
    PrfAlgorithm(
        number=2, name="PRF_HMAC_SHA1", keywords=_words("prfsha1"),
        size=20, digest="sha1", mac=macs.hmac_sha1,
    ),
    PrfAlgorithm(
        number=4, name="PRF_AES128_XCBC", keywords=_words("prfaesxcbc"),
        size=16, nonce_octets=8, mac=macs.aes_xcbc,
    ),
    PrfAlgorithm(
        number=5, name="PRF_HMAC_SHA2_256", keywords=_words("prfsha256"),
        size=32, digest="sha256", mac=macs.hmac_sha2_256,
    ),
    PrfAlgorithm(
        number=6, name="PRF_HMAC_SHA2_384", keywords=_words("prfsha384"),
        size=48, digest="sha384", mac=macs.hmac_sha2_384,
    ),
    PrfAlgorithm(
        number=7, name="PRF_HMAC_SHA2_512", keywords=_words("prfsha512"),
        size=64, digest="sha512", mac=macs.hmac_sha2_512,
    ),
    PrfAlgorithm(
        number=8, name="PRF_AES128_CMAC", keywords=_words("prfaescmac"),
        size=16, nonce_octets=8, mac=macs.aes_cmac,
    ),
)  # fmt: skip


def _modp(number: int, bits: int, addend: int, exponent_octets: int, weak: str = "") -> KeyExchange:
    method = modp.ModpMethod(number, modp.safe_prime(bits, addend), exponent_octets)
    return KeyExchange(
        number=number, name=f"MODP_{bits}", keywords=_words(f"modp{bits}"), weak=weak, method=method
    )


def _ecp(number: int, name: str, keyword: str, curve: ec.EllipticCurve) -> KeyExchange:
    return KeyExchange(
        number=number, name=name, keywords=_words(keyword), method=curves.EcpMethod(number, curve)
    )


def _kem(method: mlkem.MlKemMethod) -> KeyExchange:
    name, words = f"ML_KEM_{method.bits}", _words(f"mlkem{method.bits}")
    return KeyExchange(number=method.number, name=name, keywords=words, method=method)


KEY_EXCHANGES = (
    _modp(1, 768, 149686, 20, _SMALL),
    _modp(2, 1024, 129093, 24, _SMALL),
    _modp(5, 1536, 741804, 30, _SMALL),
    _modp(14, 2048, 124476, 32),
    _modp(15, 3072, 1690314, 36),
    _modp(16, 4096, 240904, 42),
    _modp(17, 6144, 929484, 48),
    _modp(18, 8192, 4743158, 52),
    _ecp(19, "ECP_256", "ecp256", ec.SECP256R1()),
    _ecp(20, "ECP_384", "ecp384", ec.SECP384R1()),
    _ecp(21, "ECP_521", "ecp521", ec.SECP521R1()),
    _ecp(28, "ECP_256_BP", "ecp256bp", ec.BrainpoolP256R1()),
    _ecp(29, "ECP_384_BP", "ecp384bp", ec.BrainpoolP384R1()),
    _ecp(30, "ECP_512_BP", "ecp512bp", ec.BrainpoolP512R1()),
    KeyExchange(
        number=31, name="CURVE_25519", keywords=_words("curve25519", "x25519"),
        method=curves.MontgomeryMethod(31, 32, curves.X25519KeyPair),
    ),
    KeyExchange(
        number=32, name="CURVE_448", keywords=_words("curve448", "x448"),
        method=curves.MontgomeryMethod(32, 56, curves.X448KeyPair),
    ),
    *map(_kem, mlkem.methods()),
)  # fmt: skip

SEQUENCE_NUMBERS = (
    SequenceNumbers(number=0, name="NO_EXT_SEQ", keywords=_words("noesn")),
    SequenceNumbers(number=1, name="EXT_SEQ", keywords=_words("esn")),
)

TABLES: Mapping[int, tuple[Algorithm, ...]] = MappingProxyType(
    {
        TransformType.ENCR: ENCRYPTION,
        TransformType.PRF: PRFS,
        TransformType.INTEG: INTEGRITY,
        TransformType.KE: KEY_EXCHANGES,
        TransformType.ESN: SEQUENCE_NUMBERS,
        **dict.fromkeys(range(TransformType.ADDKE1, TransformType.ADDKE7 + 1), KEY_EXCHANGES),
    }
)

_BY_NUMBER = {(kind, row.number): row for kind, rows in TABLES.items() for row in rows}
_BY_KEYWORD = {
    word.text: (TransformType(kind), row, word.key_bits)
    for kind, rows in TABLES.items()
    if kind <= TransformType.ESN
    for row in rows
    for word in row.keywords
}
_ADDITIONAL = re.compile(r"ke([1-7])_(.+)")
_ENCRYPTION = {row.number: row for row in ENCRYPTION}
_INTEGRITY = {row.number: row for row in INTEGRITY}
_PRFS = {row.number: row for row in PRFS}
_KEY_EXCHANGES = {row.number: row for row in KEY_EXCHANGES}


def by_number(kind: int, number: int) -> Algorithm | None:
    """The row of that transform type and number."""
    return _BY_NUMBER.get((kind, number))


def by_keyword(text: str) -> tuple[TransformType, Algorithm, int] | None:
    """What a word of a proposal string means: type, row, key bits."""
    kind, word = slot_of(text)
    found = _BY_KEYWORD.get(word)
    if found is None or kind == TransformType.KE:
        return found
    return (kind, *found[1:]) if found[0] == TransformType.KE else None


def slot_of(text: str) -> tuple[TransformType, str]:
    """Which key exchange a word is for, and the word alone: ``ke2_x448`` is ADDKE2 and ``x448``."""
    additional = _ADDITIONAL.fullmatch(text)
    if additional is None:
        return TransformType.KE, text
    return TransformType(TransformType.KE + 1 + int(additional[1])), additional[2]


def keywords() -> Iterator[str]:
    """Every word a proposal string may contain, those of key exchanges without ``ke1_`` to ``ke7_``."""
    return iter(_BY_KEYWORD)


def encryption(number: int) -> Encryption | None:
    """The encryption algorithm of that number."""
    return _ENCRYPTION.get(number)


def integrity(number: int) -> Integrity | None:
    """The integrity algorithm of that number."""
    return _INTEGRITY.get(number)


def prf_algorithm(number: int) -> PrfAlgorithm | None:
    """The PRF of that number."""
    return _PRFS.get(number)


def key_exchange(number: int) -> KeyExchange | None:
    """The key exchange method of that number."""
    return _KEY_EXCHANGES.get(number)
