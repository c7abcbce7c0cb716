"""Algorithms and keys as attributes of an SA; names of the kernel's crypto come from ``crypto.tables``."""

from cygnet.crypto import tables
from cygnet.kernel.backends.netlink import attribute
from cygnet.kernel.backends.xfrm.constants import Attr
from cygnet.kernel.backends.xfrm.sa_layout import pack_algorithm, pack_sized_algorithm
from cygnet.kernel.port import Algorithm, IpProtocol, KernelError, SaSpec

COMPRESSIONS = {2: "deflate", 3: "lzs"}
"""IPComp transforms (RFC 7296, 3.10.1); Linux has only deflate."""
_NULL = "ecb(cipher_null)"


def cipher_attributes(spec: SaSpec) -> bytes:
    """The attributes of an SA's encryption and integrity; raises :class:`KernelError` for an unknown one."""
    if spec.id.protocol is IpProtocol.AH:
        return _integrity(spec.integrity)
    row = tables.encryption(spec.encryption.number) if spec.encryption else None
    if spec.encryption is None:
        return attribute(Attr.ALG_CRYPT, pack_algorithm(_NULL, b"")) + _integrity(spec.integrity)
    if row is None or not row.kernel:
        raise KernelError(f"the kernel has no encryption algorithm with number {spec.encryption.number}")
    key = spec.encryption.key.reveal()
    if row.aead:
        return attribute(Attr.ALG_AEAD, pack_sized_algorithm(row.kernel, key, row.icv * 8))
    return attribute(Attr.ALG_CRYPT, pack_algorithm(row.kernel, key)) + _integrity(spec.integrity)


def compression_attribute(transform: int) -> bytes:
    """The attribute of an IPComp SA; raises :class:`KernelError` for a transform without a name."""
    name = COMPRESSIONS.get(transform)
    if name is None:
        raise KernelError(f"the kernel has no IPComp transform with number {transform}")
    return attribute(Attr.ALG_COMP, pack_algorithm(name, b""))


def names(spec: SaSpec) -> tuple[str, ...]:
    """The kernel's names of all algorithms in an SA, for messages."""
    found = []
    if spec.encryption is not None:
        cipher = tables.encryption(spec.encryption.number)
        found.append(cipher.kernel if cipher else str(spec.encryption.number))
    if spec.integrity is not None and spec.integrity.number:
        mac = tables.integrity(spec.integrity.number)
        found.append(mac.kernel if mac else str(spec.integrity.number))
    return tuple(found)


def _integrity(algorithm: Algorithm | None) -> bytes:
    if algorithm is None or not algorithm.number:
        return b""
    row = tables.integrity(algorithm.number)
    if row is None or not row.kernel:
        raise KernelError(f"the kernel has no integrity algorithm with number {algorithm.number}")
    bits = algorithm.icv_bits or row.icv * 8
    return attribute(Attr.ALG_AUTH_TRUNC, pack_sized_algorithm(row.kernel, algorithm.key.reveal(), bits))
