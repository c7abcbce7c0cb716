"""``leftauth``: how a side authenticates itself, with limits to keys and signatures."""

from dataclasses import dataclass

from cygnet.crypto.signatures import SCHEMES, Hash, KeyKind
from cygnet.eap.packets import EapType
from cygnet.keying.backends.errors import ConfigError
from cygnet.keying.config.eap_names import KEYWORDS, eap_type
from cygnet.keying.config.records import AuthClass

KINDS = {"rsa": KeyKind.RSA, "ecdsa": KeyKind.ECDSA, "ed25519": KeyKind.ED25519, "ed448": KeyKind.ED448}
EDWARDS = (KeyKind.ED25519, KeyKind.ED448)
HASHES = {
    "sha1": Hash.SHA1, "sha": Hash.SHA1, "sha256": Hash.SHA2_256, "sha2_256": Hash.SHA2_256,
    "sha384": Hash.SHA2_384, "sha2_384": Hash.SHA2_384, "sha512": Hash.SHA2_512, "sha2_512": Hash.SHA2_512,
    "identity": Hash.IDENTITY,
}  # fmt: skip
AUTHBY = {
    "": "pubkey", "pubkey": "pubkey", "rsa": "pubkey", "rsasig": "pubkey", "ecdsa": "pubkey",
    "ecdsasig": "pubkey", "psk": "psk", "secret": "psk", "never": "never", "eap": "eap",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Constraints:
    """What ``leftauth`` asks for; ``schemes`` empty is every one, names are of ``crypto.signatures``."""

    auth: AuthClass
    schemes: tuple[str, ...] = ()
    min_key_bits: int = 0
    eap_methods: tuple[EapType, ...] = ()


def parse_auth(auth: str, authby: str) -> Constraints:
    """The constraints of ``leftauth``, or of ``authby`` without it; raises :class:`ConfigError`."""
    text = auth or AUTHBY.get(authby, authby)
    if text in ("psk", "secret"):
        return Constraints(AuthClass.PSK)
    if text in ("any", "never"):
        return Constraints(AuthClass.ANY)
    if text == "null":
        return Constraints(AuthClass.NULL)
    if text == "eap" or text.startswith("eap-"):
        return _eap(text)
    if text.startswith(("eap", "xauth")):
        raise ConfigError(f"authentication with '{text}' is not part of this version")
    return _public_key(text)


def _eap(text: str) -> Constraints:
    """``eap``, ``eap-mschapv2``, ``eap-26``."""
    word = text.removeprefix("eap").removeprefix("-")
    if not word:
        return Constraints(AuthClass.EAP)
    kind = eap_type(word)
    if kind is None:
        raise ConfigError(f"'{text}': no such EAP method, known are {', '.join(KEYWORDS)}")
    return Constraints(AuthClass.EAP, eap_methods=(kind,))


def _public_key(text: str) -> Constraints:
    """``pubkey``, or a list of kinds of key, sizes and hashes; ``ike:`` in front changes nothing here."""
    kinds: list[KeyKind] = []
    hashes: list[Hash] = []
    bits, pss = 0, False
    for word in text.removeprefix("ike:").replace(":", "-").split("-"):
        name, _, padding = word.lower().partition("/")
        if name in ("pubkey", "ike"):
            continue
        if name in KINDS:
            kinds.append(KINDS[name])
            pss |= padding == "pss"
        elif name in HASHES:
            hashes.append(HASHES[name])
        elif name.isdigit():
            bits = max(bits, int(name))
        else:
            raise ConfigError(f"authentication '{text}': unknown word '{word}'")
    return Constraints(AuthClass.PUBKEY, _schemes(kinds, hashes, pss), bits)


def _schemes(kinds: list[KeyKind], hashes: list[Hash], pss: bool) -> tuple[str, ...]:
    if not kinds and not hashes:
        return ()
    return tuple(
        scheme.name
        for scheme in SCHEMES
        if (not kinds or scheme.kind in kinds)
        and (not hashes or scheme.hash in hashes or scheme.kind in EDWARDS)
        and (not pss or scheme.kind is not KeyKind.RSA or "PSS" in scheme.name)
    )
