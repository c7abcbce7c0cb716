"""Proposal strings of ``ike=``, ``esp=`` and ``ah=``, and what is proposed without them.

Also the one place to import proposals from: their records and :func:`select`.
"""

import re
from difflib import get_close_matches

from cygnet.crypto import tables
from cygnet.crypto.selection import Selection, select
from cygnet.crypto.tables import TransformType
from cygnet.crypto.transforms import ADDITIONAL, Proposal, Protocol, Transform

__all__ = [
    "Proposal",
    "Protocol",
    "Selection",
    "Transform",
    "default_proposals",
    "parse_proposals",
    "select",
]

MAX_PROPOSALS = 64
MAX_TRANSFORMS = 255

# What ``ike=`` and ``esp=`` stand for where a connection does not have them; the defaults follow.
UNSET = {Protocol.IKE: "aes128-sha256-curve25519", Protocol.ESP: "aes128-sha256", Protocol.AH: "sha256"}

_IKE_PRFS = "prfsha256-prfsha384-prfsha512-prfaesxcbc-prfaescmac-prfsha1"
_IKE_GROUPS = (
    "curve25519-ecp256-ecp384-ecp521-curve448-modp3072-modp4096-modp6144-modp8192-modp2048"
    "-ecp256bp-ecp384bp-ecp512bp"
)
_CBC = "aes128-aes192-aes256"
_IKE_CIPHERS = f"{_CBC}-aes128ctr-aes192ctr-aes256ctr-camellia128-camellia192-camellia256-3des"
_GCM = "aes128gcm16-aes192gcm16-aes256gcm16-chacha20poly1305"
_IKE_AEADS = "-".join(
    f"aes{size}{kind}" for kind in ("ccm16", "ccm8", "ccm12", "gcm8", "gcm12") for size in (128, 192, 256)
)
_DEFAULTS = {
    Protocol.IKE: (
        f"{_GCM}-{_IKE_AEADS}-{_IKE_PRFS}-{_IKE_GROUPS}",
        f"{_IKE_CIPHERS}-sha256-sha384-sha512-aesxcbc-aescmac-sha1-{_IKE_PRFS}-{_IKE_GROUPS}",
    ),
    Protocol.ESP: (f"{_GCM}-noesn", f"{_CBC}-sha256-sha384-sha512-sha1-aesxcbc-noesn"),
    Protocol.AH: ("sha256-sha384-sha512-sha1-noesn",),
}

# Words strongSwan knows for algorithms that are not here.
_ABSENT = (
    "blowfish", "camellia128c", "camellia192c", "camellia256c", "camelliaxcbc", "cast128", "ecp192", "ecp224",
    "kyber", "mlkem512", "modp1024s160", "modp2048s", "modpnull", "ntru", "prfcamelliaxcbc", "serpent",
    "sha256_96", "sha2_256_96", "twofish", "bike", "frodo", "hqc", "saber", "sike", "chacha20poly1305compat",
)  # fmt: skip
_NO_KE = ("none", "modpnone")
_NO_SLOT = re.compile(r"ke\d*_")


def default_proposals(protocol: Protocol) -> tuple[Proposal, ...]:
    """What is proposed and accepted where nothing is configured: an AEAD proposal, then one without.

    They have the algorithms of strongSwan 6's defaults (all of them but CAMELLIA_CTR, which is not here). It
    has the AEADs second and Curve25519 behind the ECP groups; here the faster ones come first. CHILD_SAs
    have no key exchange of their own.
    """
    return _DEFAULT_PROPOSALS[protocol]


def parse_proposals(text: str, protocol: Protocol, allow_weak: bool = False) -> tuple[Proposal, ...]:
    """The proposals of ``alg-alg-alg,alg-alg`` and, unless the text ends in ``!``, the defaults after them.

    An empty text stands for strongSwan's own (``UNSET``). Raises ``ValueError`` with a sentence for people.
    """
    stripped = text.strip()
    strict = stripped.endswith("!")
    words = stripped.removesuffix("!").strip() or UNSET[protocol]
    parts = [part.strip() for part in words.split(",")]
    if len(parts) > MAX_PROPOSALS:
        raise ValueError(f"more than {MAX_PROPOSALS} proposals")
    found = [_parse_one(part, protocol, allow_weak) for part in parts]
    if not strict:
        found += default_proposals(protocol)
    return _numbered(found)


def _numbered(proposals: list[Proposal]) -> tuple[Proposal, ...]:
    """Each different one once, numbered from 1 (RFC 7296, 3.3.1)."""
    distinct = dict.fromkeys((item.protocol, item.transforms) for item in proposals)
    return tuple(
        Proposal(protocol, transforms, number=number)
        for number, (protocol, transforms) in enumerate(distinct, 1)
    )


def _parse_one(text: str, protocol: Protocol, allow_weak: bool) -> Proposal:
    if text == "default":
        return default_proposals(protocol)[0]
    transforms = [_parse_word(word.strip().lower(), text, allow_weak) for word in text.split("-")]
    if len(transforms) > MAX_TRANSFORMS:
        raise ValueError(f"more than {MAX_TRANSFORMS} algorithms in one proposal")
    try:
        completed = _complete(list(dict.fromkeys(transforms)), protocol)
    except ValueError as error:
        raise ValueError(f"proposal '{text}': {error}") from None
    return Proposal(protocol, tuple(completed))


def _parse_word(word: str, text: str, allow_weak: bool) -> Transform:
    slot, bare = tables.slot_of(word)
    if bare in _NO_KE:
        return Transform(slot, 0)
    known = tables.by_keyword(word)
    if known is None:
        raise ValueError(f"{_unknown(word)} in proposal '{text}'")
    kind, row, key_bits = known
    if row.weak and not allow_weak:
        what = f"weak algorithm '{word}' ({row.name}) in proposal '{text}'"
        raise ValueError(f"{what} is switched off: {row.weak}")
    return Transform(kind, row.number, key_bits)


def _unknown(word: str) -> str:
    slot, bare = tables.slot_of(word)
    if bare.startswith(_ABSENT):
        return f"algorithm '{word}' is not supported"
    if slot != TransformType.KE:
        return _unknown_additional(word, bare)
    if _NO_SLOT.match(word):
        return f"unknown algorithm '{word}' (additional key exchanges are ke1_ to ke7_)"
    near = get_close_matches(word, tables.keywords(), 1)
    return f"unknown algorithm '{word}'" + (f" (did you mean '{near[0]}'?)" if near else "")


def _unknown_additional(word: str, bare: str) -> str:
    prefix = word.removesuffix(bare)
    if tables.by_keyword(bare) is not None:
        return f"'{bare}' in '{word}' is no key exchange method"
    methods = [found.text for row in tables.KEY_EXCHANGES for found in row.keywords]
    near = get_close_matches(bare, methods, 1)
    return f"unknown algorithm '{word}'" + (f" (did you mean '{prefix}{near[0]}'?)" if near else "")


def _complete(transforms: list[Transform], protocol: Protocol) -> list[Transform]:
    """Add what a proposal implies, drop what its protocol or an AEAD does without, refuse what is impossible.

    As strongSwan does: an IKE proposal without a PRF takes those of its integrity algorithms, AEADs drop
    the integrity algorithms, and a CHILD_SA without ESN has 32-bit sequence numbers.
    """
    rules = {Protocol.IKE: _complete_ike, Protocol.ESP: _complete_esp, Protocol.AH: _complete_ah}
    completed = rules[protocol](transforms)
    _check_exchanges(completed, protocol)
    return completed


def _check_exchanges(transforms: list[Transform], protocol: Protocol) -> None:
    """Additional key exchanges follow a first one, and no method comes twice (RFC 9370, 2.2.1, 2.2.4)."""
    additional = [item for item in transforms if item.type in ADDITIONAL and item.number]
    if not additional:
        return
    if not any(item.type == TransformType.KE and item.number for item in transforms):
        raise ValueError(f"{additional[0]} needs a first key exchange method beside it (x25519, say)")
    offer = Proposal(protocol, tuple(transforms))
    if select([offer], [offer]).proposal is None:
        raise ValueError("the key exchange methods repeat one another; each may take place only once")


def _complete_ike(transforms: list[Transform]) -> list[Transform]:
    have = [item for item in transforms if _counts_in_ike(item)]
    if not _of(have, TransformType.PRF):
        rows = (tables.integrity(item.number) for item in _of(have, TransformType.INTEG))
        prfs = dict.fromkeys(Transform(TransformType.PRF, row.prf) for row in rows if row)
        have += prfs
    for item in _of(have, TransformType.ENCR):
        row = tables.encryption(item.number)
        if row and not row.in_ike:
            raise ValueError(f"{row.name} is for ESP only")
    have = _integrity_by_mode(have, "IKE")
    if not _of(have, TransformType.PRF):
        raise ValueError("a PRF is mandatory in IKE proposals (prfsha256, say)")
    if not _of(have, TransformType.KE):
        raise ValueError("a key exchange group is mandatory in IKE proposals (curve25519, say)")
    return have


def _counts_in_ike(item: Transform) -> bool:
    """An IKE_SA has no sequence numbers of its own and a first key exchange in any case."""
    return item.type != TransformType.ESN and not (item.is_none and item.type not in ADDITIONAL)


def _complete_esp(transforms: list[Transform]) -> list[Transform]:
    have = _integrity_by_mode(_without(transforms, TransformType.PRF), "ESP")
    return _with_sequence_numbers(have)


def _complete_ah(transforms: list[Transform]) -> list[Transform]:
    have = _without(_without(transforms, TransformType.PRF), TransformType.ENCR)
    if not _of(have, TransformType.INTEG):
        raise ValueError("an integrity algorithm is mandatory in AH proposals")
    return _with_sequence_numbers(have)


def _integrity_by_mode(transforms: list[Transform], protocol: str) -> list[Transform]:
    """AEADs without integrity algorithms, others with; never both in one proposal (RFC 7296, 3.3)."""
    rows = [tables.encryption(item.number) for item in _of(transforms, TransformType.ENCR)]
    aead = [row.aead for row in rows if row]
    if not aead:
        raise ValueError(f"an encryption algorithm is mandatory in {protocol} proposals")
    if any(aead) and not all(aead):
        raise ValueError("AEAD and other encryption algorithms cannot be in the same proposal")
    if all(aead):
        return _without(transforms, TransformType.INTEG)
    if not _of(transforms, TransformType.INTEG):
        raise ValueError("an integrity algorithm is mandatory with encryption that is no AEAD")
    return transforms


def _with_sequence_numbers(transforms: list[Transform]) -> list[Transform]:
    if _of(transforms, TransformType.ESN):
        return transforms
    return [*transforms, Transform(TransformType.ESN, 0)]


def _of(transforms: list[Transform], kind: TransformType) -> list[Transform]:
    return [item for item in transforms if item.type == kind]


def _without(transforms: list[Transform], kind: TransformType) -> list[Transform]:
    return [item for item in transforms if item.type != kind]


_DEFAULT_PROPOSALS = {
    protocol: _numbered([_parse_one(text, protocol, False) for text in texts])
    for protocol, texts in _DEFAULTS.items()
}
