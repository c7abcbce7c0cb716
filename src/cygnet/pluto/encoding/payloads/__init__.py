"""All payloads; the one place that lists them."""

from cygnet.pluto.encoding.payloads.certificate import CertificateEncoding, CertificatePayload
from cygnet.pluto.encoding.payloads.certificate_request import CertificateRequest
from cygnet.pluto.encoding.payloads.configuration import AttributeType, Configuration, ConfigurationType
from cygnet.pluto.encoding.payloads.delete import Delete
from cygnet.pluto.encoding.payloads.fragment import Fragment
from cygnet.pluto.encoding.payloads.hash import HashPayload
from cygnet.pluto.encoding.payloads.identification import Identification, IdentificationType
from cygnet.pluto.encoding.payloads.key_exchange import KeyExchange
from cygnet.pluto.encoding.payloads.nat_detection import NatDetection, NatDetectionDraft
from cygnet.pluto.encoding.payloads.nat_original_address import NatOriginalAddress, NatOriginalAddressDraft
from cygnet.pluto.encoding.payloads.nonce import Nonce
from cygnet.pluto.encoding.payloads.notification import Notification
from cygnet.pluto.encoding.payloads.payload import Payload, PayloadType
from cygnet.pluto.encoding.payloads.security_association import (
    ProposalPayload,
    SecurityAssociation,
    TransformPayload,
)
from cygnet.pluto.encoding.payloads.signature import SignaturePayload
from cygnet.pluto.encoding.payloads.unknown import Unknown
from cygnet.pluto.encoding.payloads.vendor_id import VendorId

PAYLOADS: tuple[type[Payload], ...] = (
    SecurityAssociation,
    KeyExchange,
    Identification,
    CertificatePayload,
    CertificateRequest,
    HashPayload,
    SignaturePayload,
    Nonce,
    Notification,
    Delete,
    VendorId,
    Configuration,
    NatDetection,
    NatOriginalAddress,
    NatDetectionDraft,
    NatOriginalAddressDraft,
    Fragment,
)

__all__ = [
    "PAYLOADS",
    "AttributeType",
    "CertificateEncoding",
    "CertificatePayload",
    "CertificateRequest",
    "Configuration",
    "ConfigurationType",
    "Delete",
    "Fragment",
    "HashPayload",
    "Identification",
    "IdentificationType",
    "KeyExchange",
    "NatDetection",
    "NatDetectionDraft",
    "NatOriginalAddress",
    "NatOriginalAddressDraft",
    "Nonce",
    "Notification",
    "Payload",
    "PayloadType",
    "ProposalPayload",
    "SecurityAssociation",
    "SignaturePayload",
    "TransformPayload",
    "Unknown",
    "VendorId",
]
