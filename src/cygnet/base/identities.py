"""Identities of peers (RFC 7296, 3.5) and how ``ipsec.conf`` writes them."""

from collections.abc import Callable
from enum import IntEnum
from functools import lru_cache
from ipaddress import ip_address

from cygnet.base import distinguished_names
from cygnet.base.addresses import Address
from cygnet.base.records import record


class IdType(IntEnum):
    """ID types (RFC 7296, 3.5; RFC 7619, 2.2); ``ANY`` is ours, for "no matter who"."""

    ANY = 0
    IPV4 = 1
    FQDN = 2
    RFC822 = 3
    IPV6 = 5
    DER_ASN1_DN = 9
    DER_ASN1_GN = 10
    KEY_ID = 11
    NULL = 13


# How good a match is: what is exact beats what needed wildcards, which beats "anybody".
PERFECT, ONE_WILDCARD, MAX_WILDCARDS, ANYBODY = 30, 20, 2, 1

_NULL_WORD = "%null"
_ANY_WORDS = ("", "%any", "%any6", "0.0.0.0", "::", "*")


@record
class Identity:
    """An ID type with its data; ``type`` is an :class:`IdType` or a number that we do not know."""

    type: int
    data: bytes

    @classmethod
    def parse(cls, text: str) -> "Identity":
        """The identity written in a configuration. Nothing is refused: what fits no form is a KEY_ID."""
        text = text.strip()
        prefix, colon, rest = text.partition(":")
        if colon and (kind := _kind_of_prefix(prefix.lower())) is not None:
            return kind(rest)
        if text in _ANY_WORDS:
            return ANY
        if text == _NULL_WORD:
            return NULL
        if "=" in text:
            return _distinguished_name(text)
        if "@" in text:
            return _with_at(text)
        return _address_or_name(text)

    @classmethod
    def from_address(cls, address: Address) -> "Identity":
        """ID_IPV4_ADDR or ID_IPV6_ADDR."""
        return cls(IdType.IPV4 if address.version == 4 else IdType.IPV6, address.packed)

    @property
    def is_any(self) -> bool:
        """Whether this stands for anybody."""
        return self.type == IdType.ANY

    @property
    def is_null(self) -> bool:
        """Whether this is nobody: somebody who does not say who he is (RFC 7619, 2.2).

        It has no data on the wire; inside there may be some to tell one nobody from another.
        """
        return self.type == IdType.NULL

    @property
    def has_wildcards(self) -> bool:
        """Whether this is a pattern for several identities."""
        if self.type == IdType.DER_ASN1_DN:
            return any(rdn.value == b"*" for rdn in _rdns(self.data))
        return self.is_any or (self.type in _TEXT_TYPES and self.data.startswith(b"*"))

    def match(self, pattern: "Identity") -> int:
        """How well this identity fits ``pattern``: 0 not at all, higher is better, exact is highest."""
        if pattern.is_any:
            return ANYBODY
        if self.type != pattern.type:
            return 0
        if self.type == IdType.DER_ASN1_DN:
            return _rate(distinguished_names.match(self.data, pattern.data))
        if self.type in _TEXT_TYPES:
            return _match_text(self.data.lower(), pattern.data.lower())
        return PERFECT if self.data == pattern.data else 0

    def __str__(self) -> str:
        return _PRINTERS.get(self.type, _print_unknown)(self.data)


ANY = Identity(IdType.ANY, b"")
NULL = Identity(IdType.NULL, b"")
_TEXT_TYPES = (IdType.FQDN, IdType.RFC822)


def _kind_of_prefix(prefix: str) -> Callable[[str], Identity] | None:
    """The reader of a value behind ``TYPE:`` or ``{NUMBER}:``."""
    if prefix.startswith("{") and prefix.endswith("}") and prefix[1:-1].isdigit():
        number = int(prefix[1:-1])
        return (lambda rest: Identity(number, _octets(rest))) if number < 256 else None
    return _PREFIXES.get(prefix)


def _as_written(text: str) -> bytes:
    """The octets of a file, whatever their character set: readers pass on as surrogates what is not UTF-8."""
    return text.encode("utf-8", "surrogateescape")


def _octets(text: str) -> bytes:
    """Text, or hexadecimal octets behind ``#``."""
    if text.startswith("#"):
        try:
            return bytes.fromhex(text[1:])
        except ValueError:
            pass
    return _as_written(text)


def _typed(kind: IdType) -> Callable[[str], Identity]:
    return lambda rest: Identity(kind, _octets(rest))


def _address(rest: str) -> Identity:
    try:
        return Identity.from_address(ip_address(rest.strip()))
    except ValueError:
        return Identity(IdType.KEY_ID, _as_written(rest))


def _distinguished_name(text: str) -> Identity:
    if text.startswith("#"):
        return Identity(IdType.DER_ASN1_DN, _octets(text))
    try:
        return Identity(IdType.DER_ASN1_DN, distinguished_names.parse_text(text))
    except ValueError:
        return Identity(IdType.KEY_ID, _as_written(text))


def _with_at(text: str) -> Identity:
    if text.startswith("@#"):
        return Identity(IdType.KEY_ID, _octets(text[1:]))
    if text.startswith("@@"):
        return Identity(IdType.RFC822, _as_written(text[2:]))
    if text.startswith("@"):
        return Identity(IdType.FQDN, _as_written(text[1:]))
    return Identity(IdType.RFC822, _as_written(text))


def _address_or_name(text: str) -> Identity:
    try:
        return Identity.from_address(ip_address(text))
    except ValueError:
        return Identity(IdType.KEY_ID if ":" in text else IdType.FQDN, _as_written(text))


_PREFIXES: dict[str, Callable[[str], Identity]] = {
    "ipv4": _address,
    "ipv6": _address,
    "rfc822": _typed(IdType.RFC822),
    "email": _typed(IdType.RFC822),
    "userfqdn": _typed(IdType.RFC822),
    "fqdn": _typed(IdType.FQDN),
    "dns": _typed(IdType.FQDN),
    "asn1dn": _distinguished_name,
    "asn1gn": _typed(IdType.DER_ASN1_GN),
    "keyid": _typed(IdType.KEY_ID),
}


def _rate(wildcards: int | None) -> int:
    if wildcards is None:
        return 0
    return max(ONE_WILDCARD - wildcards, MAX_WILDCARDS) if wildcards else PERFECT


def _match_text(data: bytes, pattern: bytes) -> int:
    """Names match without regard to case; a pattern may begin with ``*``."""
    if data == pattern:
        return PERFECT
    if pattern.startswith(b"*") and len(data) >= len(pattern) and data.endswith(pattern[1:]):
        return ONE_WILDCARD - 1
    return 0


def _rdns(der: bytes) -> list[distinguished_names.Rdn]:
    try:
        return distinguished_names.parse_der(der)
    except ValueError:
        return []


def _print_text(data: bytes) -> str:
    """Printable text; anything else cannot reach a terminal as it is."""
    text = data.decode("utf-8", "replace")
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() else "?" for char in text)


@lru_cache(maxsize=4096)
def _print_dn(data: bytes) -> str:
    """Remembered: a handshake with certificates prints the same few names two dozen times."""
    try:
        return _print_text(distinguished_names.to_text(data).encode())
    except ValueError:
        return f"(invalid ID_DER_ASN1_DN {data[:32].hex()})"


def _print_key_id(data: bytes) -> str:
    text = data.decode("ascii", "replace")
    return text if data and text.isprintable() and "\ufffd" not in text else data.hex(":")


def _print_address(data: bytes) -> str:
    try:
        return str(ip_address(data)) if len(data) in (4, 16) else _print_unknown(data)
    except ValueError:
        return _print_unknown(data)


def _print_unknown(data: bytes) -> str:
    return f"(unknown ID type {data[:32].hex()})"


_PRINTERS: dict[int, Callable[[bytes], str]] = {
    IdType.ANY: lambda data: "%any",
    IdType.NULL: lambda data: f"{_NULL_WORD} {_print_text(data)}".strip(),
    IdType.IPV4: _print_address,
    IdType.IPV6: _print_address,
    IdType.FQDN: _print_text,
    IdType.RFC822: _print_text,
    IdType.DER_ASN1_DN: _print_dn,
    IdType.DER_ASN1_GN: lambda data: f"(ASN.1 general name {data[:32].hex()})",
    IdType.KEY_ID: _print_key_id,
}
