"""Authentication by signatures: the classic methods and RFC 7427 (RFC 7296, 2.15, 3.8)."""

from collections.abc import Iterator
from dataclasses import replace

from cygnet.base.groups import Group, Level
from cygnet.base.identities import Identity
from cygnet.cert.certificates import Certificate
from cygnet.cert.trust import Check, Verdict
from cygnet.charon.encoding.errors import AuthenticationFailedError
from cygnet.charon.encoding.payloads import Authentication
from cygnet.charon.sa.association import Association
from cygnet.charon.sa.authenticators import raw_keys
from cygnet.charon.sa.authenticators.received import Received, received
from cygnet.charon.sa.errors import NoPrivateKeyError
from cygnet.crypto.signatures import (
    SignatureScheme,
    build_authentication_data,
    parse_authentication_data,
    schemes_for,
)
from cygnet.keying.config.records import AuthClass, AuthConfig
from cygnet.keying.sa.authorisation import Facts
from cygnet.keying.sa.credentials import OwnKey

MAX_TRIED = 4


def prove(
    sa: Association, octets: bytes, local: Identity, own: OwnKey, allowed: tuple[str, ...]
) -> Authentication:
    """Our AUTH payload, with the best scheme that the peer knows; raises a ``LocalError``.

    ``allowed`` are the schemes that the connection names, empty for all. A peer without RFC 7427 leaves no
    choice, so they do not count there.
    """
    settings, key = sa.ports.settings, own.key
    hashes = sa.negotiation.peer_hashes
    schemes = schemes_for(key.kind, key.bits, hashes, settings.rsa_pss)
    if allowed and hashes is not None:
        schemes = tuple(scheme for scheme in schemes if scheme.name in allowed)
    if not schemes:
        known = "none" if hashes is None else ", ".join(map(str, sorted(hashes)))
        named = f" of {', '.join(allowed)}" if allowed else ""
        what = f"no signature scheme{named} of our {key.public_key} key"
        raise NoPrivateKeyError(f"{what} is known to the peer (its hashes: {known})")
    scheme = _accepted(sa, schemes)[0]
    data = build_authentication_data(scheme, key.sign(scheme, octets))
    sa.log(Group.IKE, f"authentication of '{local}' (myself) with {scheme} successful")
    return Authentication(scheme.method, data)


def _accepted(sa: Association, schemes: tuple[SignatureScheme, ...]) -> tuple[SignatureScheme, ...]:
    """Those that the peer has announced (RFC 9593); all where it has said nothing, or none of these."""
    announced = {(one.method, one.algorithm) for one in sa.negotiation.announced}
    fitting = tuple(one for one in schemes if (one.method, one.identifier) in announced)
    if announced and not fitting:
        sa.log(Group.IKE, f"the peer has announced no signature scheme that is ours, using {schemes[0]}")
    return fitting or schemes


def verify(
    sa: Association, payload: Authentication, octets: bytes, remote: Identity, constraints: AuthConfig
) -> Facts:
    """What the peer's AUTH payload proves.

    The certificates and raw keys of ``constraints`` are trusted as they are. Raises a ``PeerError`` that
    names the certificate or key and the check that failed.
    """
    scheme, signature = parse_authentication_data(payload.method, payload.data)
    proven = raw_keys.verify(sa, constraints, (scheme, octets, signature), remote)
    if proven is not None:
        return proven
    sent, pinned = received(sa), constraints.certificates
    reason = f"no trusted {scheme.kind} public key found for '{remote}'"
    tried = 0
    for leaf in _leaves(sa, sent.certificates, remote, pinned):
        if leaf.public_key.kind is not scheme.kind:
            continue
        if tried >= MAX_TRIED:
            break
        tried += 1
        verdict = _trust(sa, leaf, sent, pinned)
        if not verdict.ok:
            sa.log(Group.CFG, verdict.reason)
            reason = f"no trusted {scheme.kind} public key found for '{remote}': {verdict.reason}"
            continue
        leaf.public_key.verify(scheme, octets, signature)
        sa.log(Group.IKE, f"authentication of '{remote}' with {scheme} successful")
        facts = Facts(remote, AuthClass.PUBKEY, scheme.name, verdict.chain, verdict.checks, verdict)
        return replace(facts, public_key=leaf.public_key)
    if not tried and sent.certificates:
        reason += f": certificate {sent.certificates[0]} does not speak for that identity"
    elif not tried and sa.negotiation.lookup_problem:
        reason += f": {sa.negotiation.lookup_problem}"
    elif not tried and sa.negotiation.raw_keys:
        reason += f": it sent {raw_keys.sent(sa)}, and no raw public key is configured"
    raise AuthenticationFailedError(reason)


def _leaves(
    sa: Association, sent: tuple[Certificate, ...], remote: Identity, pinned: tuple[bytes, ...]
) -> Iterator[Certificate]:
    """Certificates that speak for the peer: the one it sent, else those we have."""
    if sent:
        if sent[0].matches(remote):
            yield sent[0]
        return
    yield from (one for one in map(Certificate.parse, pinned) if one.matches(remote))
    yield from sa.ports.credentials.certificates_of(remote)


def _trust(
    sa: Association, leaf: Certificate, sent: Received, pinned: tuple[bytes, ...]
) -> Verdict:
    sa.log(Group.CFG, f"  using certificate {leaf}")
    if leaf.der in pinned:
        return Verdict(True, (leaf,), (Check("pinned", True, f"certificate {leaf} is configured itself"),))
    store = sa.ports.credentials
    verdict = store.verify(leaf, sent.certificates[1:], sent.responses, sent.attributes)
    if verdict.ok and len(verdict.chain) > 1:
        for issuer in verdict.chain[1:-1]:
            sa.log(Group.CFG, f"  using untrusted intermediate certificate {issuer}")
        sa.log(Group.CFG, f"  using trusted ca certificate {verdict.chain[-1]}")
    for check in verdict.checks:
        sa.log(Group.CFG, f"  {check.name}: {check.text}", Level.DETAIL)
    return verdict
