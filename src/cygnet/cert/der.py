"""DER, as far as structures need it that the package ``cryptography`` has no class for (X.690, 10).

Reading splits octets into elements; the leaves (integers, names, times) are left to ``cryptography``. Only
DER is read: definite and shortest lengths, low tag numbers. What is wrong raises ``ValueError``.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

from cryptography.hazmat import asn1
from cryptography.x509 import ObjectIdentifier

INTEGER, BIT_STRING, OCTET_STRING, NULL, OID, ENUMERATED = 0x02, 0x03, 0x04, 0x05, 0x06, 0x0A
UTF8_STRING, GENERALIZED_TIME, SEQUENCE, SET = 0x0C, 0x18, 0x30, 0x31
MAX_ELEMENTS = 100_000

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Element:
    """One element: its identifier octet, its content, and all of it as it is encoded."""

    tag: int
    content: bytes
    raw: bytes

    def children(self) -> tuple["Element", ...]:
        """The elements inside a constructed one."""
        if not self.tag & 0x20:
            raise ValueError(f"DER element {self.tag:#04x} has no elements inside")
        return elements(self.content)

    def expect(self, tag: int) -> "Element":
        """This element, if its tag is the one the grammar asks for."""
        if self.tag != tag:
            raise ValueError(f"DER element {self.tag:#04x} where {tag:#04x} is expected")
        return self

    def oid(self) -> str:
        """An OBJECT IDENTIFIER in dotted form."""
        return _leaf(ObjectIdentifier, self.expect(OID)).dotted_string

    def integer(self) -> int:
        """An INTEGER or, with another tag put upon it, its octets read as one."""
        return int.from_bytes(self.content, "big", signed=True)

    def time(self) -> float:
        """A GeneralizedTime in POSIX seconds."""
        moment: datetime = _leaf(asn1.GeneralizedTime, self.expect(GENERALIZED_TIME)).as_datetime()
        return moment.timestamp()

    def octets(self) -> bytes:
        """The octets of a BIT STRING that is made of whole octets."""
        bits = _leaf(asn1.BitString, self.expect(BIT_STRING))
        if bits.padding_bits():
            raise ValueError("BIT STRING is not made of whole octets")
        return bits.as_bytes()


def read(der: bytes, tag: int | None = None) -> Element:
    """The one element that ``der`` is."""
    element, end = _element(der, 0)
    if end != len(der):
        raise ValueError("octets follow the DER element")
    return element if tag is None else element.expect(tag)


def elements(content: bytes) -> tuple[Element, ...]:
    """The elements that follow one another."""
    found: list[Element] = []
    at = 0
    while at < len(content):
        if len(found) >= MAX_ELEMENTS:
            raise ValueError(f"more than {MAX_ELEMENTS} DER elements")
        element, at = _element(content, at)
        found.append(element)
    return tuple(found)


def encode(tag: int, *parts: bytes) -> bytes:
    """An element with these parts as its content."""
    content = b"".join(parts)
    length = len(content)
    if length < 0x80:
        return bytes((tag, length)) + content
    octets = length.to_bytes((length.bit_length() + 7) // 8, "big")
    return bytes((tag, 0x80 | len(octets))) + octets + content


def sequence(*parts: bytes) -> bytes:
    """SEQUENCE."""
    return encode(SEQUENCE, *parts)


def integer(number: int) -> bytes:
    """INTEGER."""
    return asn1.encode_der(number)


def identifier(oid: str) -> bytes:
    """OBJECT IDENTIFIER."""
    return asn1.encode_der(ObjectIdentifier(oid))


def time(moment: datetime) -> bytes:
    """GeneralizedTime."""
    return asn1.encode_der(asn1.GeneralizedTime(moment))


def bit_string(octets: bytes, unused: int = 0) -> bytes:
    """BIT STRING."""
    return encode(BIT_STRING, bytes((unused,)), octets)


def set_of(items: Iterable[bytes]) -> bytes:
    """SET OF, its elements in DER's order."""
    return encode(SET, *sorted(items))


def names_of(tbs: bytes) -> tuple[bytes, bytes]:
    """DER of issuer and subject in a TBSCertificate (RFC 5280, 4.1).

    As they are encoded, since comparing must not depend on encoding them anew.
    """
    fields = read(tbs, SEQUENCE).children()
    start = 1 if fields[:1] and fields[0].tag == _VERSION else 0
    if len(fields) < start + 5:
        raise ValueError("TBSCertificate ends too early")
    return fields[start + 2].expect(SEQUENCE).raw, fields[start + 4].expect(SEQUENCE).raw


def _leaf(kind: type[_T], element: Element) -> _T:
    return asn1.decode_der(kind, element.raw)


def _element(der: bytes, at: int) -> tuple[Element, int]:
    """The element at ``at``, and where the next one begins."""
    if len(der) < at + 2:
        raise ValueError("DER ends too early")
    if der[at] & 0x1F == 0x1F:
        raise ValueError("DER tag number above 30")
    length, start = der[at + 1], at + 2
    if length & 0x80:
        count = length & 0x7F
        octets = der[start : start + count]
        length, start = int.from_bytes(octets, "big"), start + count
        if not 0 < count <= 4 or len(octets) < count or octets[0] == 0 or length < 0x80:
            raise ValueError("DER length is not in its shortest form")
    end = start + length
    if len(der) < end:
        raise ValueError("DER ends too early")
    return Element(der[at], der[start:end], der[at:end]), end


_VERSION = 0xA0
