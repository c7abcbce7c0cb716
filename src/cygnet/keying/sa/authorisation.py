"""Facts against constraints: the single place where a finished authentication becomes a permission."""

from collections.abc import Iterator

from cygnet.base.identities import Identity
from cygnet.base.records import record
from cygnet.cert.certificates import Certificate
from cygnet.cert.revocation import Status
from cygnet.cert.trust import Check, Verdict
from cygnet.crypto.signatures import PublicKey
from cygnet.eap.packets import EapType
from cygnet.keying.config.eap_names import eap_name
from cygnet.keying.config.records import AuthClass, AuthConfig, Revocation


@record
class Facts:
    """What one finished authentication round proved.

    ``scheme`` names the signature scheme, ``chain`` is the certificate chain, leaf first; both are empty for
    a pre-shared key. ``public_key`` is what the signature was verified with: the leaf's, or a raw key.
    ``checks`` are those that the chain passed, ``verdict`` is all that was found out about it, ``None`` for a
    certificate that is configured itself. ``eap_method`` is what EAP used,
    ``eap_identity`` the user that a peer of ours proved to be.
    """

    identity: Identity
    auth: AuthClass
    scheme: str = ""
    chain: tuple[Certificate, ...] = ()
    checks: tuple[Check, ...] = ()
    verdict: Verdict | None = None
    eap_method: EapType | None = None
    eap_identity: Identity | None = None
    public_key: PublicKey | None = None


def comply(facts: Facts, constraints: AuthConfig) -> tuple[Check, ...]:
    """Every check of what was proved against what the connection demands, each with its verdict."""
    return (*facts.checks, *_checks(facts, constraints))


def failures(checks: tuple[Check, ...]) -> tuple[str, ...]:
    """The texts of the checks that failed."""
    return tuple(check.text for check in checks if not check.ok)


def _checks(facts: Facts, constraints: AuthConfig) -> Iterator[Check]:
    wanted = None if constraints.auth is AuthClass.NULL else constraints.identity
    if wanted is not None and not wanted.is_any:
        ok = bool(facts.identity.match(wanted))
        yield Check("identity", ok, f"identity '{wanted}' required, peer is '{facts.identity}'")
    if constraints.auth is not AuthClass.ANY or facts.auth is AuthClass.NULL:
        ok = facts.auth is constraints.auth
        yield Check("method", ok, f"requires {constraints.auth}, but peer used {facts.auth}")
    if facts.identity.is_null and facts.auth is not AuthClass.NULL:
        yield Check("identity", False, f"nobody (ID_NULL) cannot prove an identity by {facts.auth}")
    if facts.auth is AuthClass.PUBKEY:
        yield from _certificate_checks(facts, constraints)
    if facts.auth is AuthClass.EAP:
        yield from _eap_checks(facts, constraints)
    yield from _membership_checks(facts, constraints)


def _certificate_checks(facts: Facts, constraints: AuthConfig) -> Iterator[Check]:
    leaf = facts.chain[0] if facts.chain else None
    if constraints.certificates or constraints.public_keys:
        yield _pinned(facts, constraints, leaf)
    if constraints.authorities:
        names = " or ".join(f'"{one}"' for one in constraints.authorities)
        issuers = facts.chain[1:]
        ok = any(issuer.subject.match(one) for issuer in issuers for one in constraints.authorities)
        yield Check("authority", ok, f"peer not authenticated by CA {names}")
    if constraints.signature_schemes:
        ok = facts.scheme in constraints.signature_schemes
        text = ", ".join(constraints.signature_schemes)
        yield Check("scheme", ok, f"signature scheme {facts.scheme} not acceptable, configured are {text}")
    key = facts.public_key
    if constraints.min_key_bits and key is not None:
        ok = key.bits >= constraints.min_key_bits
        yield Check("key strength", ok, f"{key} are fewer than {constraints.min_key_bits} bits")
    if constraints.revocation is not Revocation.NO:
        yield _revocation(facts, constraints.revocation)


def _pinned(facts: Facts, constraints: AuthConfig, leaf: Certificate | None) -> Check:
    """What the connection names itself: a certificate, or a raw key."""
    if leaf is not None:
        ok = leaf.der in constraints.certificates or leaf.public_key.spki in constraints.public_keys
        return Check("certificate", ok, f"peer certificate {leaf} is not the one configured")
    key = facts.public_key
    ok = key is not None and key.spki in constraints.public_keys
    return Check("public key", ok, f"raw public key {key} of the peer is not the one configured")


def _eap_checks(facts: Facts, constraints: AuthConfig) -> Iterator[Check]:
    """The method, and the user: without ``eap_identity`` the one of IDi, which alone proves nothing."""
    if constraints.eap_methods and facts.eap_method is not None:
        ok = facts.eap_method in constraints.eap_methods
        names = " or ".join(map(eap_name, constraints.eap_methods))
        yield Check("EAP method", ok, f"EAP method {names} required, peer used {eap_name(facts.eap_method)}")
    user, wanted = facts.eap_identity, constraints.eap_identity
    if user is None:
        return
    if wanted is None:
        ok = str(user) == str(facts.identity)
        wanted = facts.identity
    else:
        ok = bool(user.match(wanted))
    yield Check("EAP identity", ok, f"EAP identity '{wanted}' required, peer is '{user}'")


def _membership_checks(facts: Facts, constraints: AuthConfig) -> Iterator[Check]:
    """Policies and groups: whoever proved himself without a certificate has none."""
    policies = facts.verdict.policies if facts.verdict else ()
    for wanted in constraints.policies:
        has = ", ".join(policies) or "none"
        text = f"certificate policy {wanted} required, valid for the peer's certificate are: {has}"
        yield Check("policy", wanted in policies, text)
    if constraints.groups:
        groups = facts.verdict.groups if facts.verdict else ()
        ok = any(group in groups for group in constraints.groups)
        names, has = " or ".join(f"'{one}'" for one in constraints.groups), ", ".join(groups) or "none"
        yield Check("group", ok, f"group membership to {names} required, the peer is in: {has}")


def _revocation(facts: Facts, wanted: Revocation) -> Check:
    """``yes``: the status must be good. ``ifuri``: it must, unless there is nowhere to ask (strongSwan)."""
    finding = facts.verdict.revocation if facts.verdict else None
    status = Status.SKIPPED if finding is None else finding.status
    accepted = (Status.GOOD,) if wanted is Revocation.YES else (Status.GOOD, Status.SKIPPED)
    found = finding.checks[-1].text if finding and finding.checks else "nobody was asked"
    names = " or ".join(one.name for one in accepted)
    text = f"revocation status is {status.name}, but strictcrlpolicy={wanted} requires {names}: {found}"
    return Check("revocation", status in accepted, text)
