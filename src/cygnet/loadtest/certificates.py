"""Certificates for initiators, made on the fly by an authority of the operator's, all for one key pair."""

import datetime
from collections.abc import Callable
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.x509.oid import NameOID

from cygnet.base.errors import LocalError
from cygnet.base.identities import Identity, IdType
from cygnet.cert.certificates import Certificate
from cygnet.crypto.signatures import PrivateKey
from cygnet.keying.sa.credentials import OwnKey

LIFETIME = datetime.timedelta(days=1)
EARLIER = datetime.timedelta(hours=1)
"""Certificates begin in the past: clocks differ."""
KEY_TYPES: dict[str, Callable[[], Any]] = {
    "rsa": lambda: rsa.generate_private_key(65537, 2048),
    "ecdsa": lambda: ec.generate_private_key(ec.SECP256R1()),
    "ed25519": ed25519.Ed25519PrivateKey.generate,
}


class Issuer:
    """Issues certificates for one fresh key of ``key_type``; ``now`` is POSIX seconds."""

    def __init__(self, authority: Certificate, key: PrivateKey, key_type: str, now: float) -> None:
        """Raises :class:`LocalError` when the key is not the authority's."""
        self._issuer = x509.load_der_x509_certificate(authority.der)
        if self._issuer.public_key() != key.native.public_key():
            raise LocalError(f"the CA key does not belong to the CA certificate {authority}")
        self._signer: Any = key.native
        self._native = KEY_TYPES[key_type]()
        self._key = PrivateKey(self._native)
        moment = datetime.datetime.fromtimestamp(now, datetime.UTC)
        self._from, self._to = moment - EARLIER, moment + LIFETIME

    def issue(self, identity: Identity) -> OwnKey:
        """The key with a certificate that speaks for ``identity``; raises :class:`LocalError`."""
        builder = (
            x509.CertificateBuilder()
            .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, str(identity)[:64])]))
            .issuer_name(self._issuer.subject)
            .public_key(self._native.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(self._from)
            .not_valid_after(self._to)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(x509.SubjectAlternativeName([_general_name(identity)]), critical=False)
        )
        edwards = isinstance(self._signer, ed25519.Ed25519PrivateKey)
        made = builder.sign(self._signer, None if edwards else hashes.SHA256())
        return OwnKey(self._key, Certificate.parse(made.public_bytes(serialization.Encoding.DER)))


def _general_name(identity: Identity) -> x509.GeneralName:
    if identity.type == IdType.FQDN:
        return x509.DNSName(identity.data.decode())
    if identity.type == IdType.RFC822:
        return x509.RFC822Name(identity.data.decode())
    raise LocalError(f"no certificate can be made for '{identity}'; use a name or user@domain for --identity")
