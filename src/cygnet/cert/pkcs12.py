"""PKCS#12 files: a private key with its certificate and those of the CAs above it (RFC 7292)."""

from dataclasses import dataclass

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.hazmat.primitives.serialization.pkcs12 import load_pkcs12

from cygnet.base.secret import Secret
from cygnet.cert.certificates import Certificate
from cygnet.cert.errors import CertificateLoadError, MalformedCertificateError
from cygnet.crypto.signature_schemes import NativePrivateKey
from cygnet.crypto.signatures import PrivateKey

MAX_CERTIFICATES = 100


@dataclass(frozen=True, slots=True)
class Container:
    """What a file holds, the certificate of the key first."""

    key: PrivateKey | None
    certificates: tuple[Certificate, ...]


def load(data: bytes, passphrase: Secret | None) -> Container:
    """The contents; raises :class:`CertificateLoadError` with the reason."""
    try:
        found = load_pkcs12(data, passphrase.reveal() if passphrase else None)
    except (ValueError, UnsupportedAlgorithm) as error:
        text = str(error).partition("\n")[0][:120]
        wrong = "password" in text.lower() or "mac" in text.lower()
        reason = "the passphrase does not open it" if wrong else f"it cannot be read ({text})"
        raise CertificateLoadError(f"PKCS#12 container: {reason}") from None
    native = found.key
    if native is not None and not isinstance(native, NativePrivateKey):
        raise CertificateLoadError("PKCS#12 container: its private key is of a kind that IKE cannot use")
    inside = ([found.cert] if found.cert else []) + list(found.additional_certs)
    certificates = tuple(_certificate(one.certificate) for one in inside[:MAX_CERTIFICATES])
    return Container(PrivateKey(native) if native is not None else None, certificates)


def _certificate(native: x509.Certificate) -> Certificate:
    try:
        return Certificate.parse(native.public_bytes(Encoding.DER))
    except MalformedCertificateError as error:
        raise CertificateLoadError(f"PKCS#12 container: {error}") from None
