"""Names as the options of ``ipsec pki`` write them, made into those of certificates."""

from ipaddress import ip_address, ip_network

from cryptography import x509

from cygnet.base import distinguished_names
from cygnet.base.identities import Identity, IdType
from cygnet.ipsec.pki.errors import PkiError


def subject(text: str) -> x509.Name:
    """A subject from ``C=CH, O=Lab, CN=moon``; raises :class:`PkiError`."""
    try:
        rdns = distinguished_names.parse_der(distinguished_names.parse_text(text))
        return x509.Name([_attribute(rdn) for rdn in rdns])
    except ValueError as error:
        raise PkiError(
            f"'{text}' is no distinguished name: {error}; write it as \"C=CH, O=Lab, CN=moon\""
        ) from None


def general_name(text: str) -> x509.GeneralName:
    """A subjectAltName of the kind that ``leftid=`` would make of the text."""
    if text.startswith(("http://", "https://", "uri:", "urn:")):
        return x509.UniformResourceIdentifier(text.removeprefix("uri:"))
    identity = Identity.parse(text)
    try:
        if identity.type in (IdType.IPV4, IdType.IPV6):
            return x509.IPAddress(ip_address(identity.data))
        if identity.type == IdType.RFC822:
            return x509.RFC822Name(identity.data.decode())
        if identity.type == IdType.FQDN:
            return x509.DNSName(identity.data.decode())
    except ValueError as error:
        raise PkiError(f"'{text}' cannot be a subjectAltName: {error}") from None
    if identity.type == IdType.DER_ASN1_DN:
        return x509.DirectoryName(subject(text.removeprefix("asn1dn:")))
    raise PkiError(f"'{text}' cannot be a subjectAltName; use a DNS name, an address or user@domain")


def constraint(text: str) -> x509.GeneralName:
    """What names are to lie within: ``10.0.0.0/8``, a domain, ``email:DOMAIN``, ``uri:DOMAIN`` or a DN."""
    try:
        return x509.IPAddress(ip_network(text))
    except ValueError:
        pass
    try:
        if text.startswith("email:"):
            return x509.RFC822Name(text.removeprefix("email:"))
    except ValueError as error:
        raise PkiError(f"'{text}' cannot be a name constraint: {error}") from None
    return general_name(text)


def identifier(text: str) -> x509.ObjectIdentifier:
    """An OID in dotted form; raises :class:`PkiError`."""
    try:
        return x509.ObjectIdentifier(text)
    except ValueError:
        raise PkiError(f"'{text}' is no object identifier") from None


def _attribute(rdn: distinguished_names.Rdn) -> x509.NameAttribute[str]:
    return x509.NameAttribute(x509.ObjectIdentifier(rdn.oid), rdn.text())
