"""DSCP and ECN through a tunnel (RFC 6040; RFC 4301, 5.1.2)."""

_CE = 3
_DROP = -1
_DECAPSULATED = (
    (0, 0, 0, _DROP),
    (1, 1, 1, _CE),
    (2, 1, 2, _CE),
    (_CE, _CE, _CE, _CE),
)
"""Inner ECN field by [inner][outer] (RFC 6040, figure 4). ECN codes: 0 Not-ECT, 1 ECT(1), 2 ECT(0), 3 CE."""


def tos_of(packet: bytes) -> int:
    """The TOS or traffic class octet of an IP packet."""
    if packet[0] >> 4 == 4:
        return packet[1]
    return (packet[0] & 15) << 4 | packet[1] >> 4


def decapsulate(packet: bytes, outer: int, copy_dscp: bool = False) -> bytes | None:
    """The inner packet with ECN, and perhaps the DSCP, of the outer header; ``None``: to be dropped."""
    inner = tos_of(packet)
    ecn = _DECAPSULATED[inner & 3][outer & 3]
    if ecn == _DROP:
        return None
    tos = ((outer if copy_dscp else inner) & ~3) | ecn
    return packet if tos == inner else _with_tos(packet, tos)


def _with_tos(packet: bytes, tos: int) -> bytes:
    if packet[0] >> 4 == 6:
        return bytes((packet[0] & 0xF0 | tos >> 4, (tos & 15) << 4 | packet[1] & 15)) + packet[2:]
    # RFC 1624, equation 3: HC' = ~(~HC + ~m + m')
    total = (~int.from_bytes(packet[10:12], "big") & 0xFFFF) + (~packet[1] & 0xFF) + 0xFF00 + tos
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return packet[:1] + bytes((tos,)) + packet[2:10] + (~total & 0xFFFF).to_bytes(2, "big") + packet[12:]
