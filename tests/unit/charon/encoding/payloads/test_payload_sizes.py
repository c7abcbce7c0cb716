"""The small payloads: what each reads, and the sizes that it refuses."""

import pytest

from cygnet.base.errors import MalformedError
from cygnet.charon.encoding.payloads import (
    Authentication,
    CertificatePayload,
    KeyExchange,
    Nonce,
    VendorId,
)


@pytest.mark.parametrize(("payload", "octets"), [
    (KeyExchange(31, b"xyz"), b"\x00\x1f\x00\x00xyz"),
    (KeyExchange(65000, b""), b"\xfd\xe8\x00\x00"),
    (CertificatePayload(4, b"der"), b"\x04der"),
    (Authentication(14, b"sig"), b"\x0e\x00\x00\x00sig"),
    (Nonce(bytes(range(32))), bytes(range(32))),
    (VendorId(b"vendor"), b"vendor"),
    (VendorId(b""), b""),
])  # fmt: skip
def test_octets_are_those_of_the_rfc(payload, octets):
    assert payload.build() == octets
    assert type(payload).parse(octets) == payload


@pytest.mark.parametrize(("kind", "least"), [(KeyExchange, 4), (CertificatePayload, 1), (Authentication, 4)])
def test_less_than_the_fixed_part_is_malformed(kind, least):
    kind.parse(bytes(least))
    for size in range(least):
        with pytest.raises(MalformedError):
            kind.parse(bytes(size))


@pytest.mark.parametrize("size", [0, 15, 257, 5000])
def test_nonce_of_bad_size_is_malformed(size):
    with pytest.raises(MalformedError, match=f"nonce of {size}"):
        Nonce.parse(bytes(size))


@pytest.mark.parametrize("size", [16, 256])
def test_nonce_of_extreme_size_is_taken(size):
    assert Nonce.parse(bytes(size)) == Nonce(bytes(size))
