"""From negotiated transforms and keys to a :class:`Sealer`, the thing that protects packets."""

from cygnet.crypto import tables
from cygnet.crypto.block_modes import EncryptThenMac
from cygnet.crypto.errors import IntegrityError, UnsupportedAlgorithmError
from cygnet.crypto.interfaces import Sealer
from cygnet.crypto.tables import Encryption, Integrity
from cygnet.crypto.transforms import Transform

__all__ = ["IntegrityError", "Sealer", "key_sizes", "sealer"]


def key_sizes(encryption: Transform | None, integrity: Transform | None) -> tuple[int, int]:
    """Octets of SK_e (salt or nonce included) and of SK_a; the latter is 0 for an AEAD (RFC 5282, 7).

    Without encryption (AH) the former is 0.
    """
    if encryption is None:
        code = tables.integrity(integrity.number) if integrity else None
        if code is None:
            raise UnsupportedAlgorithmError(f"integrity algorithm {integrity} is not supported")
        return 0, code.key
    return _sizes(*_rows(encryption, integrity), encryption)


def sealer(
    encryption: Transform,
    integrity: Transform | None,
    encryption_key: bytes,
    integrity_key: bytes = b"",
    icv_size: int = 0,
) -> Sealer:
    """A sealer for one direction.

    ``encryption_key`` ends with the salt (RFC 5282, 7.1; RFC 3686, 5.1). ``icv_size`` is how many octets
    the integrity algorithm's code is cut to, 0 for its own length. Raises
    :class:`UnsupportedAlgorithmError` for transforms that the tables lack and ``ValueError`` for keys of
    another length than :func:`key_sizes` says.
    """
    row, mac = _rows(encryption, integrity)
    if (len(encryption_key), len(integrity_key)) != _sizes(row, mac, encryption):
        raise ValueError(f"wrong key length for {encryption} and {integrity}")
    split = len(encryption_key) - row.salt
    key, salt = encryption_key[:split], encryption_key[split:]
    if row.seal:
        return row.seal(key, salt, row.icv)
    if row.mode is None or mac is None:
        raise UnsupportedAlgorithmError(f"{encryption} cannot be used with integrity {integrity}")
    icv = icv_size or mac.icv
    sizes = (row.iv, icv, row.block)
    return EncryptThenMac(row.mode(key, salt), mac.mac(integrity_key, icv), sizes, row.counter_mode)


def _rows(encryption: Transform, integrity: Transform | None) -> tuple[Encryption, Integrity | None]:
    row = tables.encryption(encryption.number)
    if row is None:
        raise UnsupportedAlgorithmError(f"encryption algorithm {encryption} is not supported")
    if row.aead:
        return row, None
    mac = tables.integrity(integrity.number) if integrity else None
    if mac is None:
        raise UnsupportedAlgorithmError(f"{encryption} needs an integrity algorithm, not {integrity}")
    return row, mac


def _sizes(row: Encryption, mac: Integrity | None, transform: Transform) -> tuple[int, int]:
    return _key_bits(row, transform) // 8 + row.salt, mac.key if mac else 0


def _key_bits(row: Encryption, transform: Transform) -> int:
    """The key length in bits: that of the attribute, or the fixed one (RFC 7296, 3.3.5)."""
    bits = transform.key_bits or (row.key_bits[0] if row.fixed_key else 0)
    if bits not in row.key_bits:
        raise UnsupportedAlgorithmError(f"{row.name} has no keys of {bits} bits")
    return bits
