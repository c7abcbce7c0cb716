"""Certificate payload (RFC 2408, 3.9)."""

from dataclasses import dataclass
from enum import IntEnum
from typing import Annotated, ClassVar

from cygnet.pluto.encoding.payloads.payload import Payload, PayloadType
from cygnet.wire.fields import rest, u8


class CertificateEncoding(IntEnum):
    """Certificate types (RFC 2408, 3.9)."""

    PKCS7 = 1
    PGP = 2
    DNS_SIGNED_KEY = 3
    X509_SIGNATURE = 4
    X509_KEY_EXCHANGE = 5
    KERBEROS = 6
    CRL = 7
    ARL = 8
    SPKI = 9
    X509_ATTRIBUTE = 10


@dataclass(frozen=True, slots=True)
class CertificatePayload(Payload):
    """One certificate, or another thing that helps with authentication."""

    payload_type: ClassVar[PayloadType] = PayloadType.CERT
    notation: ClassVar[str] = "CERT"

    encoding: Annotated[int, u8]
    data: Annotated[bytes, rest]
