"""The names of a certificate as they are encoded, since comparing must not depend on encoding them anew."""

_SEQUENCE, _VERSION = 0x30, 0xA0


def names_of(tbs: bytes) -> tuple[bytes, bytes]:
    """DER of issuer and subject in a TBSCertificate (RFC 5280, 4.1); raises ``ValueError``."""
    _, start, _ = _element(tbs, 0)
    tag, _, end = _element(tbs, start)
    if tag == _VERSION:
        _, _, end = _element(tbs, end)
    _, _, end = _element(tbs, end)  # signature algorithm, behind the serial number
    issuer_end = _element(tbs, end)[2]
    validity_end = _element(tbs, issuer_end)[2]
    subject_end = _element(tbs, validity_end)[2]
    issuer, subject = tbs[end:issuer_end], tbs[validity_end:subject_end]
    if issuer[:1] != subject[:1] or issuer[0] != _SEQUENCE:
        raise ValueError("a distinguished name is a SEQUENCE")
    return issuer, subject


def _element(der: bytes, at: int) -> tuple[int, int, int]:
    """Tag, and where the content of the element at ``at`` begins and ends."""
    if len(der) < at + 2:
        raise ValueError("DER ends too early")
    length, start = der[at + 1], at + 2
    if length & 0x80:
        octets = length & 0x7F
        length, start = int.from_bytes(der[start : start + octets], "big"), start + octets
    if len(der) < start + length:
        raise ValueError("DER ends too early")
    return der[at], start, start + length
