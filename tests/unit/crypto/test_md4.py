"""MD4 by the test suite of RFC 1320, A.5, and by OpenSSL."""

import pytest

from cygnet.crypto.md4 import md4

DIGITS = b"0123456789"
UPPER, LOWER = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ", b"abcdefghijklmnopqrstuvwxyz"


@pytest.mark.parametrize(
    ("text", "digest"),
    [
        (b"", "31d6cfe0d16ae931b73c59d7e0c089c0"),
        (b"a", "bde52cb31de33e46245e05fbdbd6fb24"),
        (b"abc", "a448017aaf21d8525fc10ae87aa6729d"),
        (b"message digest", "d9130a8164549fe818874806e1c7014b"),
        (LOWER, "d79e1c308aa5bbcdeea8ed63df412da9"),
        (UPPER + LOWER + DIGITS, "043f8582f241db351ce627e153e7f0e4"),
        (b"1234567890" * 8, "e33b4ddc9c38f2199c3e7b164fcc0536"),
    ],
)
def test_rfc1320(text, digest):
    assert md4(text).hex() == digest


@pytest.mark.parametrize(
    ("size", "digest"),
    [
        (55, "92f32bb82c95ad10e8f87ae58ab06807"),
        (56, "374d5f08103b7092c83b4626ebceffab"),
        (63, "2870452596e98fffd48332289b3472b9"),
        (64, "b1abf956a5ae6f3221e5fe85e300fbb0"),
        (119, "b55ae15e41e55643b0c3daad5e05c905"),
    ],
)
def test_padding_at_the_edges_of_blocks(size, digest):
    # By "openssl dgst -md4 -provider legacy".
    assert md4(b"x" * size).hex() == digest
