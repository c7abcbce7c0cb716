"""Certificate Request payload (RFC 7296, 3.7)."""

from typing import Annotated, ClassVar

from cygnet.base.records import record
from cygnet.charon.encoding.payloads.payload import Payload, PayloadType
from cygnet.wire.fields import rest, u8

KEY_ID_SIZE = 20


@record
class CertificateRequest(Payload):
    """Certification authorities that the sender trusts."""

    payload_type: ClassVar[PayloadType] = PayloadType.CERTREQ
    notation: ClassVar[str] = "CERTREQ"

    encoding: Annotated[int, u8]
    data: Annotated[bytes, rest]

    @classmethod
    def of(cls, encoding: int, key_ids: tuple[bytes, ...]) -> "CertificateRequest":
        """A request for the authorities with these key ids."""
        return cls(encoding, b"".join(key_ids))

    def key_ids(self) -> tuple[bytes, ...]:
        """The SHA-1 hashes of the authorities' public keys; an incomplete last one is left out."""
        whole = len(self.data) - len(self.data) % KEY_ID_SIZE
        return tuple(self.data[at : at + KEY_ID_SIZE] for at in range(0, whole, KEY_ID_SIZE))
