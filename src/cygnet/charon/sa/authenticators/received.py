"""What a peer sent in CERT payloads, read and fetched when a signature is to be verified (RFC 7296, 3.6)."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import TypeVar

from cygnet.base.errors import PeerError
from cygnet.base.groups import Group
from cygnet.cert.attribute_certificates import AttributeCertificate
from cygnet.cert.certificates import Certificate
from cygnet.cert.hash_url import HashAndUrl
from cygnet.cert.ocsp import OcspResponse
from cygnet.cert.revocation import FetchError
from cygnet.charon.sa.association import Association

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Received:
    """Certificates, the peer's own first; OCSP responses and attribute certificates about them."""

    certificates: tuple[Certificate, ...] = ()
    responses: tuple[OcspResponse, ...] = ()
    attributes: tuple[AttributeCertificate, ...] = ()


def received(sa: Association) -> Received:
    """All that can be read; the rest is left out and told. What is elsewhere is fetched once."""
    handshake = sa.negotiation
    if any(isinstance(one, HashAndUrl) for one in handshake.certificates):
        handshake.certificates = list(_fetched(sa, handshake.certificates))
    octets = (one for one in handshake.certificates if isinstance(one, bytes))
    certificates = tuple(_read(sa, octets, Certificate.parse, "a certificate"))
    for place, certificate in enumerate(certificates):
        sa.log(Group.IKE, f"received {'issuer' if place else 'end entity'} cert {certificate}")
    responses = tuple(_read(sa, handshake.ocsp_responses, OcspResponse.parse, "an OCSP response"))
    attributes = tuple(
        _read(sa, handshake.attributes, AttributeCertificate.parse, "an attribute certificate")
    )
    for one in attributes:
        sa.log(Group.IKE, f"received {one}")
    return Received(certificates, responses, attributes)


def _read(
    sa: Association, several: Iterable[bytes], parse: Callable[[bytes], T], what: str
) -> Iterator[T]:
    for octets in several:
        try:
            yield parse(octets)
        except PeerError as error:
            sa.log(Group.IKE, f"ignoring {what} of the peer: {error}")


def _fetched(sa: Association, announced: list[bytes | HashAndUrl]) -> Iterator[bytes]:
    """In their order. Nothing stands for a peer's own certificate that could not be had."""
    lookup = sa.ports.credentials.lookup()
    for number, one in enumerate(announced):
        if isinstance(one, bytes):
            yield one
            continue
        sa.log(Group.CFG, f"  fetching certificate from '{one.url}' ...")
        try:
            found = lookup(one)
        except (PeerError, FetchError) as error:
            problem = f"fetching certificate from '{one.url}' failed: {error}"
            sa.log(Group.CFG, f"  {problem}")
            if not number:
                sa.negotiation.lookup_problem = problem
                return
            continue
        for certificate in found:
            sa.log(Group.CFG, f"  fetched certificate {certificate}")
            yield certificate.der
