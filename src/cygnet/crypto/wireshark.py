"""Keys as rows of Wireshark's tables: ``ikev2_decryption_table``, ``ikev1_decryption_table``, ``esp_sa``.

A row is a line of comma-separated fields; names of algorithms are Wireshark's own and stand in quotes. It
lacks some of ours: an integrity algorithm it does not know becomes one of the same length that it does not
check, and an SA that it has no names for has no row, since one unknown name spoils the whole file.
"""

from collections.abc import Mapping

from cygnet.base.addresses import Address
from cygnet.base.secret import Secret
from cygnet.crypto import tables
from cygnet.crypto.key_log import EspSecrets, IkeSecrets
from cygnet.crypto.transforms import Transform

Names = Mapping[tuple[int, int], str]
"""Of integrity algorithms: by the transform's number and the bits of its code."""


def ikev2_row(secrets: IkeSecrets) -> str | None:
    """A row of ``ikev2_decryption_table``; ``None`` where Wireshark has no name for the algorithms."""
    cipher = _IKE_CIPHERS.get(secrets.encryption.number, "").format(bits=secrets.encryption.key_bits)
    integrity = _integrity(secrets.integrity, _IKE_INTEGRITY)
    if not cipher or not integrity:
        return None
    fields = (
        secrets.spi_i.hex(), secrets.spi_r.hex(),
        _hex(secrets.sk_ei), _hex(secrets.sk_er), f'"{cipher}"',
        _hex(secrets.sk_ai), _hex(secrets.sk_ar), f'"{integrity}"',
    )  # fmt: skip
    return ",".join(fields)


def ikev1_row(cookie_i: bytes, key: Secret) -> str:
    """A row of ``ikev1_decryption_table``."""
    return f"{cookie_i.hex()},{_hex(key)}"


def esp_row(secrets: EspSecrets) -> str | None:
    """A row of ``esp_sa``; ``None`` where Wireshark has no name for the algorithms."""
    cipher = _ESP_CIPHERS.get(secrets.encryption.number)
    integrity = _integrity(secrets.integrity, _ESP_INTEGRITY, secrets.icv_bits)
    if not cipher or not integrity:
        return None
    fields = (
        _family(secrets.source), str(secrets.source), str(secrets.destination), f"0x{secrets.spi:08x}",
        cipher, _prefixed(secrets.encryption_key), integrity, _prefixed(secrets.integrity_key),
    )  # fmt: skip
    return ",".join(f'"{field}"' for field in fields)


def _integrity(transform: Transform | None, names: Names, icv_bits: int = 0) -> str | None:
    row = tables.integrity(transform.number) if transform else None
    if row is None:
        return names[_NONE]
    bits = icv_bits or row.icv * 8
    return names.get((row.number, bits), names.get((_ANY, bits)))


def _family(address: Address) -> str:
    return f"IPv{address.version}"


def _hex(secret: Secret) -> str:
    return secret.reveal().hex()


def _prefixed(secret: Secret) -> str:
    return f"0x{_hex(secret)}" if len(secret) else ""


_IKE_CIPHERS = {
    3: "3DES [RFC2451]",
    12: "AES-CBC-{bits} [RFC3602]",
    13: "AES-CTR-{bits} [RFC5930]",
    14: "AES-CCM-{bits} with 8 octet ICV [RFC5282]",
    15: "AES-CCM-{bits} with 12 octet ICV [RFC5282]",
    16: "AES-CCM-{bits} with 16 octet ICV [RFC5282]",
    18: "AES-GCM-{bits} with 8 octet ICV [RFC5282]",
    19: "AES-GCM-{bits} with 12 octet ICV [RFC5282]",
    20: "AES-GCM-{bits} with 16 octet ICV [RFC5282]",
}
"""By the transform's number (RFC 7296, 3.3.2)."""

_NONE = 0, 0
_ANY = -1
_IKE_INTEGRITY: Names = {
    _NONE: "NONE [RFC4306]",
    (1, 96): "HMAC_MD5_96 [RFC2403]",
    (2, 96): "HMAC_SHA1_96 [RFC2404]",
    (6, 128): "HMAC_MD5_128 [RFC4595]",
    (7, 160): "HMAC_SHA1_160 [RFC4595]",
    (12, 128): "HMAC_SHA2_256_128 [RFC4868]",
    (13, 192): "HMAC_SHA2_384_192 [RFC4868]",
    (14, 256): "HMAC_SHA2_512_256 [RFC4868]",
    **{
        (_ANY, bits): f"ANY {bits}-bits of Authentication [No Checking]"
        for bits in (64, 96, 128, 160, 192, 256)
    },
}

_ESP_CIPHERS = {
    3: "TripleDES-CBC [RFC2451]",
    11: "NULL",
    12: "AES-CBC [RFC3602]",
    13: "AES-CTR [RFC3686]",
    18: "AES-GCM with 8 octet ICV [RFC4106]",
    19: "AES-GCM with 12 octet ICV [RFC4106]",
    20: "AES-GCM with 16 octet ICV [RFC4106]",
}
_ESP_INTEGRITY: Names = {
    _NONE: "NULL",
    (1, 96): "HMAC-MD5-96 [RFC2403]",
    (2, 96): "HMAC-SHA-1-96 [RFC2404]",
    (12, 96): "HMAC-SHA-256-96 [draft-ietf-ipsec-ciph-sha-256-00]",
    (12, 128): "HMAC-SHA-256-128 [RFC4868]",
    (13, 192): "HMAC-SHA-384-192 [RFC4868]",
    (14, 256): "HMAC-SHA-512-256 [RFC4868]",
    **{(_ANY, bits): f"ANY {bits} bit authentication [no checking]" for bits in (64, 96, 128, 192, 256)},
}
