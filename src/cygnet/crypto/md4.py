"""MD4 (RFC 1320): broken, and kept for one thing only, the NT password hash of MSCHAPv2 (RFC 2759, 8.3).

OpenSSL has it only in a provider that is rarely loaded, and ``cryptography`` not at all. A password is a few
dozen octets, so the speed of this one does not matter.
"""

from struct import pack, unpack

_WORD = 0xFFFFFFFF
_START: tuple[int, ...] = (0x67452301, 0xEFCDAB89, 0x98BADCFE, 0x10325476)


def md4(data: bytes) -> bytes:
    """The digest of 16 octets."""
    padded = data + b"\x80" + bytes(-(len(data) + 9) % 64) + pack("<Q", len(data) * 8 & (1 << 64) - 1)
    state = _START
    for at in range(0, len(padded), 64):
        state = _block(state, unpack("<16I", padded[at : at + 64]))
    return pack("<4I", *state)


def _f(x: int, y: int, z: int) -> int:
    return (x & y) | (~x & z)


def _g(x: int, y: int, z: int) -> int:
    return (x & y) | (x & z) | (y & z)


def _h(x: int, y: int, z: int) -> int:
    return x ^ y ^ z


_ROUNDS = (
    (_f, 0x00000000, (3, 7, 11, 19), tuple(range(16))),
    (_g, 0x5A827999, (3, 5, 9, 13), (0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15)),
    (_h, 0x6ED9EBA1, (3, 9, 11, 15), (0, 8, 4, 12, 2, 10, 6, 14, 1, 9, 5, 13, 3, 11, 7, 15)),
)


def _block(state: tuple[int, ...], words: tuple[int, ...]) -> tuple[int, ...]:
    a, b, c, d = state
    for mix, constant, shifts, order in _ROUNDS:
        for step, index in enumerate(order):
            total = (a + mix(b, c, d) + words[index] + constant) & _WORD
            shift = shifts[step % 4]
            a, b, c, d = d, (total << shift | total >> 32 - shift) & _WORD, b, c
    return tuple((old + new) & _WORD for old, new in zip(state, (a, b, c, d), strict=True))
