"""Signatures over certificates, CRLs, OCSP responses and attribute certificates."""

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, padding
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

from cygnet.crypto.errors import SignatureError
from cygnet.crypto.signatures import PublicKey, scheme_of_algorithm_identifier

WEAK_HASHES = {"md5": "MD5", "sha1": "SHA-1"}

PARSE_ERRORS = (
    ValueError,
    TypeError,
    OverflowError,
    Warning,
    UnsupportedAlgorithm,
    x509.DuplicateExtension,
    x509.InvalidVersion,
    x509.UnsupportedGeneralNameType,
)
"""What ``cryptography`` raises for octets that are not what they should be."""


def certificate_is_signed_by(certificate: x509.Certificate, key: PublicKey) -> bool:
    """Whether a certificate's signature verifies with ``key``."""
    try:
        _verify(certificate, certificate.tbs_certificate_bytes, key)
    except (InvalidSignature, *PARSE_ERRORS):
        return False
    return True


def crl_is_signed_by(crl: x509.CertificateRevocationList, key: PublicKey) -> bool:
    """Whether a CRL's signature verifies with ``key``."""
    try:
        _verify(crl, crl.tbs_certlist_bytes, key)
    except (InvalidSignature, *PARSE_ERRORS):
        return False
    return True


def is_signed_by(data: bytes, algorithm: bytes, signature: bytes, key: PublicKey) -> bool:
    """Whether ``signature`` is that of ``key`` over ``data`` with this DER AlgorithmIdentifier."""
    try:
        key.verify(scheme_of_algorithm_identifier(algorithm), data, signature)
    except SignatureError:
        return False
    return True


def _verify(signed: x509.Certificate | x509.CertificateRevocationList, data: bytes, key: PublicKey) -> None:
    """Raises ``InvalidSignature``, or what is caught as a parse error."""
    parameters, digest = signed.signature_algorithm_parameters, signed.signature_hash_algorithm
    native, signature = key.native, signed.signature
    if isinstance(native, RSAPublicKey):
        if not isinstance(parameters, (padding.PKCS1v15, padding.PSS)) or digest is None:
            raise InvalidSignature
        native.verify(signature, data, parameters, digest)
    elif isinstance(native, ec.EllipticCurvePublicKey):
        # there are no parameters for ECDSA with SHA-1, which whoever asked for it may want nevertheless
        if digest is None or isinstance(parameters, (padding.PKCS1v15, padding.PSS)):
            raise InvalidSignature
        native.verify(signature, data, ec.ECDSA(digest))
    else:
        if parameters is not None or digest is not None:
            raise InvalidSignature
        native.verify(signature, data)
