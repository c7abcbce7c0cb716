"""What is compared: one row per kind of handshake."""

from dataclasses import dataclass

from cygnet.crypto.proposals import Protocol, parse_proposals

X25519 = "aes128gcm16-prfsha256-x25519"


@dataclass(frozen=True)
class Row:
    """``auth`` is psk, rsa or ecdsa (both sides); ``ike`` as in ipsec.conf; ``version`` that of IKE."""

    name: str
    title: str
    auth: str
    ike: str
    esp: str = "aes128gcm16"
    version: int = 2

    @property
    def unsupported(self) -> str:
        """Empty where this build has the algorithms, else what it says."""
        try:
            parse_proposals(f"{self.ike}!", Protocol.IKE)
        except ValueError as error:
            return str(error)
        return ""


ROWS = (
    Row("psk", "PSK, Curve25519", "psk", X25519),
    Row("rsa", "RSA-2048, Curve25519", "rsa", X25519),
    Row("ecdsa", "ECDSA P-256, Curve25519", "ecdsa", X25519),
    Row("modp2048", "PSK, MODP-2048", "psk", "aes128gcm16-prfsha256-modp2048"),
    Row("mlkem768", "PSK, Curve25519 + ML-KEM-768", "psk", "aes256gcm16-prfsha384-x25519-ke1_mlkem768"),
    Row("ikev1", "IKEv1: PSK, Curve25519", "psk", "aes128-sha256-x25519", version=1),
    Row("ikev1-modp2048", "IKEv1: PSK, MODP-2048", "psk", "aes128-sha256-modp2048", version=1),
)
