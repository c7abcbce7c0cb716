"""Certificates, requests, CRLs and attribute certificates that commands take as input."""

from base64 import b64decode
from pathlib import Path

from cryptography import x509

from cygnet.base.errors import CygnetError
from cygnet.cert import der
from cygnet.cert.attribute_certificates import AttributeCertificate
from cygnet.cert.certificates import Certificate, load_certificates
from cygnet.cert.crl import Crl
from cygnet.cert.signed import is_signed_by
from cygnet.crypto.signature_schemes import NativePublicKey
from cygnet.crypto.signatures import PublicKey
from cygnet.ipsec.pki import keys
from cygnet.ipsec.pki.errors import PkiError
from cygnet.ipsec.pki.keys import PrivateKey


def certificate(data: bytes) -> x509.Certificate:
    """A certificate in PEM or DER; raises :class:`PkiError`."""
    try:
        pem = data.lstrip().startswith(b"-----")
        return x509.load_pem_x509_certificate(data) if pem else x509.load_der_x509_certificate(data)
    except ValueError as error:
        raise PkiError(f"the input is no certificate in PEM or DER form ({_line(error)})") from None


def request(data: bytes) -> x509.CertificateSigningRequest:
    """A PKCS#10 request whose signature is good; raises :class:`PkiError`.

    strongSwan's tool does not sort the attributes, as DER wants it (X.690, 10.3) and ``cryptography``
    demands. Such a request is read from a sorted copy; its signature is that of what was given.
    """
    try:
        pem = data.lstrip().startswith(b"-----")
        octets = _from_pem(data) if pem else data
        info, algorithm, signature = der.read(octets, der.SEQUENCE).children()
        found = x509.load_der_x509_csr(der.sequence(_sorted(info), algorithm.raw, signature.raw))
        key = (
            PublicKey.from_native(found.public_key())
            if isinstance(found.public_key(), NativePublicKey)
            else None
        )
    except (ValueError, CygnetError) as error:
        raise PkiError(f"the input is no PKCS#10 request in PEM or DER form ({_line(error)})") from None
    good = is_signed_by(info.raw, algorithm.raw, signature.octets(), key) if key else found.is_signature_valid
    if not good:
        raise PkiError("the signature of the PKCS#10 request does not verify")
    return found


def _from_pem(data: bytes) -> bytes:
    """The octets of the first block."""
    body = data.partition(b"REQUEST-----")[2].partition(b"-----END")[0]
    return b64decode(b"".join(body.split()), validate=True)


def _sorted(info: der.Element) -> bytes:
    """CertificationRequestInfo with its attributes in DER's order (RFC 2986, 4.1)."""
    parts = [
        der.encode(part.tag, *sorted(one.raw for one in part.children()))
        if part.tag == _ATTRIBUTES
        else part.raw
        for part in info.children()
    ]
    return der.sequence(*parts)


_ATTRIBUTES = 0xA0


def certificates_in(path: str) -> tuple[Certificate, ...]:
    """The certificates of a file; raises :class:`PkiError`."""
    try:
        return load_certificates(Path(path).read_bytes())
    except CygnetError as error:
        raise PkiError(f"{path}: {error}") from None


def crl(data: bytes) -> Crl:
    """A CRL in PEM or DER; raises :class:`PkiError`."""
    try:
        found = Crl.parse(data)
    except CygnetError as error:
        raise PkiError(str(error)) from None
    if found.unreadable:
        raise PkiError(f"the CRL cannot be read: {found.unreadable}")
    return found


def attribute_certificate(data: bytes) -> AttributeCertificate:
    """An attribute certificate in PEM or DER; raises :class:`PkiError`."""
    try:
        return AttributeCertificate.parse(data)
    except CygnetError as error:
        raise PkiError(str(error)) from None


def issuer(cert: str, key: str | None, key_id: str | None) -> tuple[x509.Certificate, PrivateKey]:
    """An issuer's certificate and its key, of a file or a token, which belong together."""
    authority = certificate(Path(cert).read_bytes())
    if key_id:
        private = keys.from_token(key_id)
    elif key:
        private = keys.load_private(Path(key).read_bytes())
    else:
        raise PkiError("the issuer's private key is missing; name its file or its id on a token")
    if not keys.same_key(private, authority.public_key()):
        raise PkiError(f"the key {key or key_id} does not belong to the certificate {cert}")
    return authority, private


def _line(error: Exception) -> str:
    return str(error).partition("\n")[0][:120]
