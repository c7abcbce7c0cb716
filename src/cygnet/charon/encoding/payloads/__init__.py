"""All payloads; the one place that lists them."""

from cygnet.charon.encoding.payloads.authentication import Authentication, AuthenticationMethod
from cygnet.charon.encoding.payloads.certificate import CertificateEncoding, CertificatePayload
from cygnet.charon.encoding.payloads.certificate_request import CertificateRequest
from cygnet.charon.encoding.payloads.configuration import (
    Attribute,
    AttributeType,
    Configuration,
    ConfigurationType,
)
from cygnet.charon.encoding.payloads.delete import Delete
from cygnet.charon.encoding.payloads.eap import Eap
from cygnet.charon.encoding.payloads.encrypted import Encrypted, EncryptedFragment
from cygnet.charon.encoding.payloads.identification import (
    Identification,
    IdentificationInitiator,
    IdentificationResponder,
)
from cygnet.charon.encoding.payloads.key_exchange import KeyExchange
from cygnet.charon.encoding.payloads.nonce import Nonce
from cygnet.charon.encoding.payloads.notification import Notify
from cygnet.charon.encoding.payloads.payload import Payload, PayloadType
from cygnet.charon.encoding.payloads.security_association import SecurityAssociation
from cygnet.charon.encoding.payloads.traffic_selectors import (
    TrafficSelectors,
    TrafficSelectorsInitiator,
    TrafficSelectorsResponder,
)
from cygnet.charon.encoding.payloads.unknown import Unknown
from cygnet.charon.encoding.payloads.vendor_id import VendorId

PAYLOADS: tuple[type[Payload], ...] = (
    SecurityAssociation,
    KeyExchange,
    IdentificationInitiator,
    IdentificationResponder,
    CertificatePayload,
    CertificateRequest,
    Authentication,
    Nonce,
    Notify,
    Delete,
    VendorId,
    TrafficSelectorsInitiator,
    TrafficSelectorsResponder,
    Encrypted,
    Configuration,
    Eap,
    EncryptedFragment,
)

__all__ = [
    "PAYLOADS",
    "Attribute",
    "AttributeType",
    "Authentication",
    "AuthenticationMethod",
    "CertificateEncoding",
    "CertificatePayload",
    "CertificateRequest",
    "Configuration",
    "ConfigurationType",
    "Delete",
    "Eap",
    "Encrypted",
    "EncryptedFragment",
    "Identification",
    "IdentificationInitiator",
    "IdentificationResponder",
    "KeyExchange",
    "Nonce",
    "Notify",
    "Payload",
    "PayloadType",
    "SecurityAssociation",
    "TrafficSelectors",
    "TrafficSelectorsInitiator",
    "TrafficSelectorsResponder",
    "Unknown",
    "VendorId",
]
