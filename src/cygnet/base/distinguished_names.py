"""Distinguished names (X.501) as text and as DER, and how two of them match.

The text forms are those of ``ipsec.conf``: ``C=CH, O=Lab, CN=moon`` and ``/C=CH/O=Lab/CN=moon``. A small
DER coder is here because identities are compared before any X.509 code is loaded.
"""

from collections.abc import Iterator
from dataclasses import dataclass

# Short name, OID, value is an IA5String. The first name of an OID is the one that is printed.
ATTRIBUTES: tuple[tuple[str, str, bool], ...] = (
    ("CN", "2.5.4.3", False), ("S", "2.5.4.4", False), ("SN", "2.5.4.4", False),
    ("serialNumber", "2.5.4.5", False), ("C", "2.5.4.6", False), ("L", "2.5.4.7", False),
    ("ST", "2.5.4.8", False), ("STREET", "2.5.4.9", False), ("O", "2.5.4.10", False),
    ("OU", "2.5.4.11", False), ("T", "2.5.4.12", False), ("D", "2.5.4.13", False),
    ("postalCode", "2.5.4.17", False), ("N", "2.5.4.41", False), ("G", "2.5.4.42", False),
    ("GN", "2.5.4.42", False), ("I", "2.5.4.43", False), ("dnQualifier", "2.5.4.46", False),
    ("ID", "2.5.4.45", False), ("x500UniqueIdentifier", "2.5.4.45", False),
    ("E", "1.2.840.113549.1.9.1", True), ("Email", "1.2.840.113549.1.9.1", True),
    ("emailAddress", "1.2.840.113549.1.9.1", True), ("UN", "1.2.840.113549.1.9.2", True),
    ("unstructuredName", "1.2.840.113549.1.9.2", True), ("UA", "1.2.840.113549.1.9.8", False),
    ("unstructuredAddress", "1.2.840.113549.1.9.8", False), ("UID", "0.9.2342.19200300.100.1.1", False),
    ("DC", "0.9.2342.19200300.100.1.25", True), ("ND", "0.9.2342.19200300.100.1.3", False),
    ("TCGID", "2.23.133.2.16", False),
)  # fmt: skip
_BY_NAME = {name.lower(): (oid, ia5) for name, oid, ia5 in ATTRIBUTES}
_NAME_OF = {oid: name for name, oid, _ in reversed(ATTRIBUTES)}

MAX_RDNS = 64
UTF8_STRING, PRINTABLE_STRING, IA5_STRING, TELETEX_STRING, BMP_STRING = 0x0C, 0x13, 0x16, 0x14, 0x1E
_CASELESS = (UTF8_STRING, PRINTABLE_STRING, IA5_STRING, TELETEX_STRING, BMP_STRING)
_PRINTABLE = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789 '()+,-./:=?")


@dataclass(frozen=True, slots=True)
class Rdn:
    """One attribute of a name: dotted OID, DER string tag, value octets."""

    oid: str
    tag: int
    value: bytes

    def text(self) -> str:
        """The value as people read it."""
        if self.tag == BMP_STRING:
            return self.value.decode("utf-16-be", "replace")
        return self.value.decode("utf-8" if self.tag == UTF8_STRING else "latin-1", "replace")

    def folded(self) -> str | bytes:
        """What is compared: strings without regard to case and repeated blanks, else octets."""
        return " ".join(self.text().split()).casefold() if self.tag in _CASELESS else self.value


def parse_text(text: str) -> bytes:
    """DER of a name written in comma or slash form; ``ValueError`` says what does not fit."""
    rdns = []
    for part in _split(text):
        name, equals, value = part.partition("=")
        known = _BY_NAME.get(name.strip().lower())
        oid, ia5 = known or (name.strip(), False)
        if not equals or (known is None and not _is_oid(oid)):
            raise ValueError(f"'{name.strip()}' is no attribute of a distinguished name")
        rdns.append(_encode_rdn(oid, value.strip(), ia5))
    return _tlv(0x30, b"".join(rdns))


def parse_der(der: bytes) -> list[Rdn]:
    """The attributes of a DER Name in order; ``ValueError`` for anything else."""
    tag, body, rest = _read(der)
    if tag != 0x30 or rest:
        raise ValueError("a distinguished name is one SEQUENCE")
    rdns = [rdn for tag, relative in _each(body) for rdn in _attributes(tag, relative)]
    if len(rdns) > MAX_RDNS:
        raise ValueError(f"more than {MAX_RDNS} attributes in a distinguished name")
    return rdns


def to_text(der: bytes) -> str:
    """Comma form, with unknown attributes under their OID."""
    return ", ".join(f"{_NAME_OF.get(rdn.oid, rdn.oid)}={_escape(rdn.text())}" for rdn in parse_der(der))


def match(name: bytes, pattern: bytes) -> int | None:
    """How many wildcards (``*`` values) of ``pattern`` were needed to match ``name``; ``None``: no match."""
    if name == pattern:
        return 0
    try:
        ours, wanted = parse_der(name), parse_der(pattern)
    except ValueError:
        return None
    if len(ours) != len(wanted):
        return None
    wildcards = 0
    for rdn, other in zip(ours, wanted, strict=True):
        if rdn.oid != other.oid:
            return None
        if other.value == b"*":
            wildcards += 1
        elif rdn.folded() != other.folded():
            return None
    return wildcards


def _split(text: str) -> list[str]:
    """The parts between separators; a separator in double quotes or behind a backslash does not count."""
    text = text.strip()
    separators = "/" if text.startswith("/") else ",;"
    parts, part, quoted, escaped = [], "", False, False
    for char in text:
        if escaped:
            part, escaped = part + char, False
        elif char == "\\":
            escaped = True
        elif char == '"':
            quoted = not quoted
        elif char in separators and not quoted:
            parts.append(part)
            part = ""
        else:
            part += char
    parts.append(part)
    found = [part.strip() for part in parts if part.strip()]
    if not found:
        raise ValueError("an empty distinguished name")
    return found


def _escape(text: str) -> str:
    return "".join("\\" + char if char in ",\\" else char for char in text)


def _encode_rdn(oid: str, value: str, ia5: bool) -> bytes:
    octets = value.encode()
    tag = IA5_STRING if ia5 else PRINTABLE_STRING if _PRINTABLE.issuperset(octets) else UTF8_STRING
    return _tlv(0x31, _tlv(0x30, _encode_oid(oid) + _tlv(tag, octets)))


def _attributes(tag: int, relative: bytes) -> Iterator[Rdn]:
    if tag != 0x31:
        raise ValueError("a relative distinguished name is a SET")
    for inner_tag, attribute in _each(relative):
        parts = list(_each(attribute))
        if inner_tag != 0x30 or len(parts) != 2 or parts[0][0] != 0x06:
            raise ValueError("an attribute of a name is an OID and a value")
        yield Rdn(_decode_oid(parts[0][1]), *parts[1])


def _tlv(tag: int, body: bytes) -> bytes:
    length = len(body)
    if length < 0x80:
        return bytes((tag, length)) + body
    octets = length.to_bytes((length.bit_length() + 7) // 8, "big")
    return bytes((tag, 0x80 | len(octets))) + octets + body


def _read(der: bytes) -> tuple[int, bytes, bytes]:
    """Tag, body and what follows."""
    if len(der) < 2:
        raise ValueError("DER ends too early")
    length, start = der[1], 2
    if length & 0x80:
        count = length & 0x7F
        if not 1 <= count <= 4 or len(der) < 2 + count:
            raise ValueError("DER length does not fit")
        length, start = int.from_bytes(der[2 : 2 + count], "big"), 2 + count
    if len(der) < start + length:
        raise ValueError("DER ends too early")
    return der[0], der[start : start + length], der[start + length :]


def _each(body: bytes) -> Iterator[tuple[int, bytes]]:
    while body:
        tag, value, body = _read(body)
        yield tag, value


def _is_oid(text: str) -> bool:
    arcs = text.split(".")
    return len(arcs) > 1 and all(arc.isascii() and arc.isdigit() for arc in arcs)


def _encode_oid(oid: str) -> bytes:
    first, second, *arcs = map(int, oid.split("."))
    octets = b""
    for arc in (first * 40 + second, *arcs):
        groups = [arc & 0x7F]
        while arc := arc >> 7:
            groups.append(arc & 0x7F | 0x80)
        octets += bytes(reversed(groups))
    return _tlv(0x06, octets)


def _decode_oid(octets: bytes) -> str:
    arcs, arc = [], 0
    for octet in octets:
        arc = arc << 7 | octet & 0x7F
        if not octet & 0x80:
            arcs.append(arc)
            arc = 0
    if not arcs:
        raise ValueError("an empty object identifier")
    first = min(arcs[0] // 40, 2)
    return ".".join(map(str, (first, arcs[0] - 40 * first, *arcs[1:])))
