"""Certificates by hash and URL (RFC 7296, 3.6)."""

from hashlib import sha1

import pytest
from simulation.pki import leaf_of

from cygnet.cert import der
from cygnet.cert.errors import MalformedCertificateError
from cygnet.cert.hash_url import MAX_URL, HashAndUrl, announce

LEAF = leaf_of(None).certificate
PLACE = announce(LEAF, "http://certs.lab/")


def of(octets: bytes) -> HashAndUrl:
    return HashAndUrl(sha1(octets, usedforsecurity=False).digest(), "http://x/", bundle=True)


def test_payload_survives_writing_and_reading() -> None:
    assert HashAndUrl.parse(PLACE.build()) == PLACE
    assert PLACE.url == "http://certs.lab/" + PLACE.digest.hex()


@pytest.mark.parametrize(
    "data",
    [b"", bytes(20), bytes(20) + b"ftp://x/", bytes(20) + b"file:///etc/passwd", bytes(20) + b"http://\xff/",
     bytes(20) + b"http://x/\n", bytes(20) + b"http://" + b"a" * MAX_URL],
    ids=range(7),
)  # fmt: skip
def test_payload_that_leads_nowhere_is_refused(data: bytes) -> None:
    with pytest.raises(MalformedCertificateError):
        HashAndUrl.parse(data)


def test_what_was_fetched_must_have_the_hash() -> None:
    assert PLACE.open(LEAF.der) == (LEAF,)
    with pytest.raises(MalformedCertificateError, match=f"announced was {PLACE.digest.hex()}"):
        PLACE.open(LEAF.der + b"\0")


def test_bundle_gives_its_certificates() -> None:
    bundle = der.sequence(der.encode(0xA0, LEAF.der), der.encode(0xA1, b"a crl"), der.encode(0xA0, LEAF.der))
    assert of(bundle).open(bundle) == (LEAF, LEAF)


@pytest.mark.parametrize(
    "octets", [b"", b"\x30\1", der.sequence(*[der.encode(0xA0, LEAF.der)] * 33)], ids=range(3)
)
def test_bundle_that_is_none_is_refused(octets: bytes) -> None:
    with pytest.raises(MalformedCertificateError):
        of(octets).open(octets)
