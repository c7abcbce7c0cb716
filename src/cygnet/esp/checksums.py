"""The Internet checksum (RFC 1071), whole and by difference (RFC 1624)."""

_TRANSPORT = {6: (16, 18, False), 17: (6, 8, True), 33: (6, 8, False), 58: (2, 4, False), 136: (6, 8, False)}
"""Protocols whose checksum covers a pseudo header: its place, the least length, whether 0 means none."""


def checksum(data: bytes | memoryview) -> bytes:
    """The checksum of whole data."""
    # 2^16 is 1 modulo 2^16 - 1, so the one's complement sum of 16-bit words is the number's remainder.
    number = int.from_bytes(data, "big")
    if len(data) % 2:
        number <<= 8
    total = number % 0xFFFF or (0xFFFF if number else 0)
    return (0xFFFF - total).to_bytes(2, "big")


def readdressed(body: bytes, protocol: int, old: bytes, new: bytes) -> bytes:
    """A transport header's octets with the checksum that suits other addresses (RFC 3948, 3.1.2, 1).

    ``old`` and ``new`` are both addresses as packed; what was damaged stays wrong.
    """
    place = _TRANSPORT.get(protocol)
    if place is None or old == new:
        return body
    at, least, may_lack = place
    if len(body) < least:
        return body
    present = int.from_bytes(body[at : at + 2], "big")
    if not present and may_lack:
        return body
    # RFC 1624, equation 3: HC' = ~(~HC + ~m + m'), all modulo 2^16 - 1; never 0, which UDP reads as none.
    total = (0xFFFF - present - int.from_bytes(old, "big") + int.from_bytes(new, "big")) % 0xFFFF
    return body[:at] + (0xFFFF - total).to_bytes(2, "big") + body[at + 2 :]


def pseudo_header(header: bytes | bytearray, length: int, protocol: int) -> bytes:
    """What a transport checksum covers besides the transport's octets (RFC 9293, 3.1; RFC 8200, 8.1).

    ``header`` begins with an IP header, without a routing header before its last destination. 16 bits
    are enough for ``length``.
    """
    addresses = header[12:20] if header[0] >> 4 == 4 else header[8:40]
    return bytes(addresses) + bytes((0, protocol)) + length.to_bytes(2, "big")
