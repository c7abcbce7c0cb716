"""CERT payloads of ours: certificates, plain or by hash and URL, and what confirms them (RFC 7296, 3.6)."""

from collections.abc import Iterator

from cygnet.base.groups import Group
from cygnet.cert.certificates import Certificate
from cygnet.charon.encoding.payloads import CertificateEncoding, CertificatePayload
from cygnet.charon.sa.association import Association
from cygnet.crypto.signatures import PublicKey

MAX_ATTRIBUTES = 8


def payloads(
    sa: Association, certificate: Certificate, intermediates: tuple[Certificate, ...]
) -> Iterator[CertificatePayload]:
    """First the certificate that our signature belongs to (RFC 7296, 3.6), then its issuers, the rest.

    A peer may take no more than so many payloads; attribute certificates are what it misses least.
    """
    yield _one(sa, certificate, "end entity")
    for issuer in intermediates:
        yield _one(sa, issuer, "issuer")
    yield from _confirmation(sa, certificate)
    for attributes in sa.ports.credentials.attributes_of(certificate)[:MAX_ATTRIBUTES]:
        sa.log(Group.IKE, f"sending {attributes}")
        yield CertificatePayload(CertificateEncoding.X509_ATTRIBUTE, attributes.der)


def raw_key(sa: Association, key: PublicKey) -> CertificatePayload:
    """A key that has no certificate (RFC 7670, 3)."""
    sa.log(Group.IKE, f"sending raw public key {key.key_id.hex(':')} ({key})")
    return CertificatePayload(CertificateEncoding.RAW_PUBLIC_KEY, key.spki)


def _one(sa: Association, certificate: Certificate, kind: str) -> CertificatePayload:
    """By hash and URL if the peer looks such things up and we know where this one is."""
    place = sa.ports.credentials.hash_and_url(certificate) if sa.negotiation.looks_up else None
    if place is None:
        sa.log(Group.IKE, f"sending {kind} cert {certificate}")
        return CertificatePayload(CertificateEncoding.X509_SIGNATURE, certificate.der)
    sa.log(Group.IKE, f"sending hash-and-url \"{place.url}\" of {kind} cert {certificate}")
    encoding = CertificateEncoding.HASH_AND_URL_BUNDLE if place.bundle else CertificateEncoding.HASH_AND_URL
    return CertificatePayload(encoding, place.build())


def _confirmation(sa: Association, certificate: Certificate) -> Iterator[CertificatePayload]:
    """An OCSP response for a peer that asked for one (RFC 4806, 4.2)."""
    if not sa.negotiation.asked_for_ocsp or not sa.ports.settings.sends_ocsp:
        return
    response = sa.ports.credentials.ocsp_answer(certificate)
    if response is None:
        sa.log(Group.IKE, f"there is no good OCSP response for {certificate}, sending none")
        return
    sa.log(Group.IKE, f"sending OCSP response for {certificate}")
    yield CertificatePayload(CertificateEncoding.OCSP, response.der)
