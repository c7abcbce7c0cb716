"""Key exchange methods by number."""

from cygnet.crypto import tables
from cygnet.crypto.errors import InvalidKeError, UnsupportedAlgorithmError
from cygnet.crypto.interfaces import KeMethod, KeyPair

__all__ = ["InvalidKeError", "KeMethod", "KeyPair", "ke_method"]


def ke_method(number: int) -> KeMethod:
    """The method of that number; raises :class:`UnsupportedAlgorithmError`."""
    row = tables.key_exchange(number)
    if row is None:
        raise UnsupportedAlgorithmError(f"key exchange method {number} is not supported")
    return row.method
