"""Authentication by signatures: the classic methods and RFC 7427 (RFC 7296, 2.15, 3.8)."""

from collections.abc import Iterator

from cygnet.base.groups import Group, Level
from cygnet.base.identities import Identity
from cygnet.cert.certificates import Certificate, MalformedCertificateError
from cygnet.cert.trust import Check, Verdict
from cygnet.charon.config.records import AuthClass
from cygnet.charon.encoding.errors import AuthenticationFailedError
from cygnet.charon.encoding.payloads import Authentication
from cygnet.charon.sa.association import Association
from cygnet.charon.sa.authorisation import Facts
from cygnet.charon.sa.errors import NoPrivateKeyError
from cygnet.charon.sa.ports import OwnKey
from cygnet.crypto.signatures import (
    build_authentication_data,
    parse_authentication_data,
    schemes_for,
)

MAX_TRIED = 4


def prove(sa: Association, octets: bytes, local: Identity, own: OwnKey) -> Authentication:
    """Our AUTH payload, with the best scheme that the peer knows; raises a ``LocalError``."""
    settings, key = sa.ports.settings, own.key
    hashes = sa.negotiation.peer_hashes
    schemes = schemes_for(key.kind, key.bits, hashes, settings.rsa_pss)
    if not schemes:
        known = "none" if hashes is None else ", ".join(map(str, sorted(hashes)))
        raise NoPrivateKeyError(
            f"no signature scheme of our {key.public_key} key is known to the peer (its hashes: {known})"
        )
    scheme = schemes[0]
    data = build_authentication_data(scheme, key.sign(scheme, octets))
    sa.log(Group.IKE, f"authentication of '{local}' (myself) with {scheme} successful")
    return Authentication(scheme.method, data)


def verify(
    sa: Association, payload: Authentication, octets: bytes, remote: Identity, pinned: tuple[bytes, ...]
) -> Facts:
    """What the peer's AUTH payload proves.

    ``pinned`` are certificates that the configuration trusts as they are. Raises a ``PeerError`` that names
    the certificate and the check that failed.
    """
    scheme, signature = parse_authentication_data(payload.method, payload.data)
    received = _received(sa)
    reason = f"no trusted {scheme.kind} public key found for '{remote}'"
    tried = 0
    for leaf in _leaves(sa, received, remote, pinned):
        if leaf.public_key.kind is not scheme.kind:
            continue
        if tried >= MAX_TRIED:
            break
        tried += 1
        verdict = _trust(sa, leaf, received, pinned)
        if not verdict.ok:
            sa.log(Group.CFG, verdict.reason)
            reason = f"no trusted {scheme.kind} public key found for '{remote}': {verdict.reason}"
            continue
        leaf.public_key.verify(scheme, octets, signature)
        sa.peer_certificates = tuple(one.der for one in verdict.chain)
        sa.log(Group.IKE, f"authentication of '{remote}' with {scheme} successful")
        return Facts(remote, AuthClass.PUBKEY, scheme.name, verdict.chain, verdict.checks)
    if not tried and received:
        reason += f": certificate {received[0]} does not speak for that identity"
    raise AuthenticationFailedError(reason)


def _received(sa: Association) -> list[Certificate]:
    """The peer's certificates, leaf first; unreadable ones are left out."""
    found: list[Certificate] = []
    for der in sa.negotiation.certificates:
        try:
            certificate = Certificate.parse(der)
        except MalformedCertificateError as error:
            sa.log(Group.IKE, f"ignoring a certificate of the peer: {error}")
            continue
        kind = "issuer" if found else "end entity"
        sa.log(Group.IKE, f"received {kind} cert {certificate}")
        found.append(certificate)
    return found


def _leaves(
    sa: Association, received: list[Certificate], remote: Identity, pinned: tuple[bytes, ...]
) -> Iterator[Certificate]:
    """Certificates that speak for the peer: the one it sent, else those we have."""
    if received:
        if received[0].matches(remote):
            yield received[0]
        return
    yield from (one for one in map(Certificate.parse, pinned) if one.matches(remote))
    yield from sa.ports.credentials.certificates_of(remote)


def _trust(
    sa: Association, leaf: Certificate, received: list[Certificate], pinned: tuple[bytes, ...]
) -> Verdict:
    sa.log(Group.CFG, f"  using certificate {leaf}")
    if leaf.der in pinned:
        return Verdict(True, (leaf,), (Check("pinned", True, f"certificate {leaf} is configured itself"),))
    verdict = sa.ports.credentials.verify(leaf, tuple(received[1:]))
    if verdict.ok and len(verdict.chain) > 1:
        for issuer in verdict.chain[1:-1]:
            sa.log(Group.CFG, f"  using untrusted intermediate certificate {issuer}")
        sa.log(Group.CFG, f"  using trusted ca certificate {verdict.chain[-1]}")
    for check in verdict.checks:
        sa.log(Group.CFG, f"  {check.name}: {check.text}", Level.DETAIL)
    return verdict
