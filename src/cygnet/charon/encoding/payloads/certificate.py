"""Certificate payload (RFC 7296, 3.6)."""

from enum import IntEnum
from typing import Annotated, ClassVar

from cygnet.base.records import record
from cygnet.charon.encoding.payloads.payload import Payload, PayloadType
from cygnet.wire.fields import rest, u8


class CertificateEncoding(IntEnum):
    """The encodings that this suite knows by name (RFC 7296, 3.6; RFC 4806; RFC 7670)."""

    PKCS7 = 1
    X509_SIGNATURE = 4
    CRL = 7
    X509_ATTRIBUTE = 10
    HASH_AND_URL = 12
    HASH_AND_URL_BUNDLE = 13
    OCSP = 14
    RAW_PUBLIC_KEY = 15


@record
class CertificatePayload(Payload):
    """One certificate, or another thing that helps with authentication."""

    payload_type: ClassVar[PayloadType] = PayloadType.CERT
    notation: ClassVar[str] = "CERT"

    encoding: Annotated[int, u8]
    data: Annotated[bytes, rest]
