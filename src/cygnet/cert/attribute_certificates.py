"""Attribute certificates that say to which groups somebody belongs (RFC 5755)."""

import re
from base64 import b64decode
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from cryptography.exceptions import UnsupportedAlgorithm

from cygnet.base.identities import Identity, IdType
from cygnet.cert import der
from cygnet.cert.certificates import Certificate
from cygnet.cert.checks import Check, validity
from cygnet.cert.der import Element
from cygnet.cert.errors import MalformedCertificateError
from cygnet.cert.signed import PARSE_ERRORS, is_signed_by
from cygnet.crypto.signatures import PrivateKey, PublicKey, SignatureScheme

MAX_OCTETS = 65535
MAX_GROUPS = 100
VERSION_2 = 1
GROUP_OID = "1.3.6.1.5.5.7.10.4"
AUTHORITY_KEY_OID, NO_REVOCATION_OID = "2.5.29.35", "2.5.29.56"
_UNDERSTOOD = frozenset({AUTHORITY_KEY_OID, NO_REVOCATION_OID})
_DOTTED = re.compile(r"[0-2](\.\d+)+")
_DIRECTORY_NAME, _CONTEXT_0, _CONTEXT_1 = 0xA4, 0xA0, 0xA1


@dataclass(frozen=True, slots=True)
class Fields:
    """What an attribute certificate states; times are POSIX seconds.

    The holder is a certificate (``holder_issuer`` and ``holder_serial``), or a name (``holder_name``).
    """

    holder_issuer: Identity | None
    holder_serial: int
    holder_name: Identity | None
    issuer: Identity
    serial: int
    not_before: float
    not_after: float
    groups: tuple[str, ...]
    authority_key_id: bytes = b""
    unknown_critical: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class AttributeCertificate:
    """An attribute certificate; equal to another with the same DER."""

    der: bytes
    fields: Fields
    signed: bytes
    algorithm: bytes
    signature: bytes

    @classmethod
    def parse(cls, data: bytes) -> "AttributeCertificate":
        """The attribute certificate in DER or PEM; raises :class:`MalformedCertificateError`."""
        if len(data) > MAX_OCTETS:
            raise MalformedCertificateError(f"attribute certificate of {len(data)} octets")
        try:
            octets = _from_pem(data)
            info, algorithm, signature = _several(der.read(octets, der.SEQUENCE), 3, 3)
            return cls(octets, _read_info(info), info.raw, algorithm.raw, signature.octets())
        except (*PARSE_ERRORS, UnsupportedAlgorithm, IndexError) as error:
            text = str(error).partition("\n")[0][:120]
            raise MalformedCertificateError(f"malformed attribute certificate: {text}") from None

    def is_signed_by(self, key: PublicKey) -> bool:
        """Whether the signature verifies with ``key``."""
        return is_signed_by(self.signed, self.algorithm, self.signature, key)

    def is_for(self, holder: Certificate) -> bool:
        """Whether it speaks of the holder of this certificate (RFC 5755, 4.2.2)."""
        fields = self.fields
        if fields.holder_issuer is not None:
            same_serial = fields.holder_serial == holder.native.serial_number
            return same_serial and bool(holder.issuer.match(fields.holder_issuer))
        return fields.holder_name is not None and bool(holder.subject.match(fields.holder_name))

    def __str__(self) -> str:
        return f'attribute certificate by "{self.fields.issuer}"'


def verify(
    one: AttributeCertificate, holder: Certificate, authorities: Iterable[Certificate], now: float
) -> tuple[Check, ...]:
    """Every check of an attribute certificate for ``holder``.

    ``authorities`` are certificates trusted to issue some (``ipsec.d/aacerts`` and the CAs).
    """
    fields = one.fields
    unknown = ", ".join(fields.unknown_critical[:4])
    text = f"critical extensions that are not supported: {unknown}" if unknown else "none unknown"
    held = one.is_for(holder)
    return (
        Check("holder", held, f"{one} is {'' if held else 'not '}for the holder of {holder}"),
        Check("extensions", not unknown, f"{one} has {text}"),
        validity(str(one), fields.not_before, fields.not_after, now),
        _issuer(one, authorities, now),
    )


def groups_of(
    holder: Certificate,
    known: Iterable[AttributeCertificate],
    authorities: Sequence[Certificate],
    now: float,
) -> tuple[str, ...]:
    """The groups that all good attribute certificates for ``holder`` name."""
    found: dict[str, None] = {}
    for one in known:
        if one.is_for(holder) and all(check.ok for check in verify(one, holder, authorities, now)):
            found |= dict.fromkeys(one.fields.groups)
    return tuple(found)


def build(fields: Fields, key: PrivateKey, scheme: SignatureScheme) -> AttributeCertificate:
    """Issue one; raises ``KeyLoadError`` where the key does not suit the scheme."""
    algorithm = scheme.identifier
    info = _build_info(fields, algorithm)
    signature = key.sign(scheme, info)
    octets = der.sequence(info, algorithm, der.bit_string(signature))
    return AttributeCertificate(octets, fields, info, algorithm, signature)


def holder_of(certificate: Certificate) -> tuple[Identity, int, Identity]:
    """The first three fields for the holder of a certificate."""
    return certificate.issuer, certificate.native.serial_number, certificate.subject


def _issuer(one: AttributeCertificate, authorities: Iterable[Certificate], now: float) -> Check:
    text = f"no trusted certificate of the attribute authority \"{one.fields.issuer}\" found"
    for authority in authorities:
        key_id = one.fields.authority_key_id
        if not authority.subject.match(one.fields.issuer):
            continue
        if key_id and key_id != authority.subject_key_id:
            text = f"{one} is signed by another key than that of {authority}"
        elif not one.is_signed_by(authority.public_key):
            text = f"{one} has a bad signature: it is not by the key of {authority}"
        elif not authority.extensions.key_usage.digital_signature and not authority.is_ca:
            text = f"key usage of attribute authority {authority} lacks digitalSignature"
        else:
            name = f"attribute authority {authority}"
            valid = validity(name, authority.not_before, authority.not_after, now)
            return Check("issuer", valid.ok, f"{one} is signed by {authority}" if valid.ok else valid.text)
    return Check("issuer", False, text)


# Reading


def _from_pem(data: bytes) -> bytes:
    """The octets of the first block, of DER as they are."""
    if not data.lstrip().startswith(b"-----BEGIN"):
        return data
    lines = data.strip().splitlines()
    label = lines[0].strip()
    if label != b"-----BEGIN ATTRIBUTE CERTIFICATE-----":
        raise ValueError(f"PEM block {label[:60]!r}")
    body = b"".join(line.strip() for line in lines[1:] if line and b":" not in line)
    return b64decode(body.partition(b"-----END")[0], validate=True)


def _several(element: Element, least: int, most: int) -> tuple[Element, ...]:
    children = element.children()
    if not least <= len(children) <= most:
        raise ValueError(f"SEQUENCE of {len(children)} elements")
    return children


def _read_info(info: Element) -> Fields:
    """AttributeCertificateInfo (RFC 5755, 4.1)."""
    version, holder, issuer, _, serial, period, attributes, *rest = _several(info.expect(der.SEQUENCE), 7, 9)
    if version.expect(der.INTEGER).integer() != VERSION_2:
        raise ValueError("not of version 2")
    begin, end = _several(period, 2, 2)
    holder_issuer, holder_serial, holder_name = _read_holder(holder)
    key_id, unknown = _read_extensions(rest)
    return Fields(
        holder_issuer=holder_issuer,
        holder_serial=holder_serial,
        holder_name=holder_name,
        issuer=_read_issuer(issuer),
        serial=serial.expect(der.INTEGER).integer(),
        not_before=begin.time(),
        not_after=end.time(),
        groups=_read_groups(attributes),
        authority_key_id=key_id,
        unknown_critical=unknown,
    )


def _read_holder(holder: Element) -> tuple[Identity | None, int, Identity | None]:
    """A certificate, a name, or both; what is bound to a digest only is for nobody we know."""
    issuer, serial, name = None, 0, None
    for part in holder.expect(der.SEQUENCE).children():
        if part.tag == _CONTEXT_0:
            names, number, *_ = _several(part, 2, 3)
            issuer, serial = _directory_name(names), number.expect(der.INTEGER).integer()
        elif part.tag == _CONTEXT_1:
            name = _directory_name(part)
    return issuer, serial, name


def _read_issuer(issuer: Element) -> Identity:
    names = issuer.children()[0] if issuer.tag == _CONTEXT_0 else issuer
    name = _directory_name(names)
    if name is None:
        raise ValueError("the issuer is no distinguished name")
    return name


def _directory_name(names: Element) -> Identity | None:
    for name in names.children():
        if name.tag == _DIRECTORY_NAME:
            inner = der.read(name.content, der.SEQUENCE)
            return Identity(IdType.DER_ASN1_DN, inner.raw)
    return None


def _read_groups(attributes: Element) -> tuple[str, ...]:
    """IetfAttrSyntax of the group attributes (RFC 5755, 4.4): octets, object identifiers or strings."""
    found: list[str] = []
    for attribute in attributes.expect(der.SEQUENCE).children():
        oid, values = _several(attribute, 2, 2)
        if oid.oid() != GROUP_OID:
            continue
        for syntax in values.expect(der.SET).children():
            found += [_group(item) for item in syntax.expect(der.SEQUENCE).children()[-1].children()]
    if len(found) > MAX_GROUPS:
        raise ValueError(f"more than {MAX_GROUPS} groups")
    return tuple(found)


def _group(item: Element) -> str:
    if item.tag == der.OID:
        return item.oid()
    if item.tag not in (der.OCTET_STRING, der.UTF8_STRING):
        raise ValueError(f"group of a kind with tag {item.tag:#04x}")
    return item.content.decode()


def _read_extensions(rest: Sequence[Element]) -> tuple[bytes, tuple[str, ...]]:
    """Authority key identifier, and critical extensions that are not understood (targets among them)."""
    key_id, unknown = b"", []
    for part in rest:
        if part.tag != der.SEQUENCE:
            continue
        for extension in part.children():
            oid, *critical, value = _several(extension, 2, 3)
            if oid.oid() == AUTHORITY_KEY_OID:
                key_id = _key_identifier(value.expect(der.OCTET_STRING).content)
            elif critical and critical[0].content == b"\xff" and oid.oid() not in _UNDERSTOOD:
                unknown.append(oid.oid())
    return key_id, tuple(unknown)


def _key_identifier(value: bytes) -> bytes:
    first = der.read(value, der.SEQUENCE).children()[:1]
    return first[0].content if first and first[0].tag == 0x80 else b""


# Writing


def _build_info(fields: Fields, algorithm: bytes) -> bytes:
    begin, end = (datetime.fromtimestamp(int(one), UTC) for one in (fields.not_before, fields.not_after))
    return der.sequence(
        der.integer(VERSION_2),
        _build_holder(fields),
        der.encode(_CONTEXT_0, _names(fields.issuer)),
        algorithm,
        der.integer(fields.serial),
        der.sequence(der.time(begin), der.time(end)),
        der.sequence(_build_groups(fields.groups)),
        _build_extensions(fields),
    )


def _names(name: Identity) -> bytes:
    return der.sequence(der.encode(_DIRECTORY_NAME, name.data))


def _build_holder(fields: Fields) -> bytes:
    parts = []
    if fields.holder_issuer is not None:
        parts.append(der.encode(_CONTEXT_0, _names(fields.holder_issuer), der.integer(fields.holder_serial)))
    if fields.holder_name is not None:
        parts.append(der.encode(_CONTEXT_1, der.encode(_DIRECTORY_NAME, fields.holder_name.data)))
    return der.sequence(*parts)


def _build_groups(groups: Sequence[str]) -> bytes:
    """Object identifiers as such, other names as strings, which is how strongSwan writes them."""
    values = der.sequence(*map(_build_group, groups))
    return der.sequence(der.identifier(GROUP_OID), der.set_of([der.sequence(values)]))


def _build_group(group: str) -> bytes:
    if _DOTTED.fullmatch(group):
        try:
            return der.identifier(group)
        except ValueError:
            pass
    return der.encode(der.UTF8_STRING, group.encode())


def _build_extensions(fields: Fields) -> bytes:
    key_id = der.sequence(der.encode(0x80, fields.authority_key_id))
    return der.sequence(
        der.sequence(der.identifier(AUTHORITY_KEY_OID), der.encode(der.OCTET_STRING, key_id)),
        der.sequence(der.identifier(NO_REVOCATION_OID), der.encode(der.OCTET_STRING, der.encode(der.NULL))),
    )
