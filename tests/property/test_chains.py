"""Our verdict on chains against that of the verifier of ``cryptography``, where both know the rule.

The verifier is one for the web: it wants a subject alternative name and version 3, and has no word for most
of what IKE needs (see docs/decisions). Where it accepts a chain, so must we; where it refuses one for
validity, basic constraints, path length, key usage, name constraints or a signature, so must we.
"""

import datetime as dt

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509 import verification
from hypothesis import given, settings
from hypothesis import strategies as st
from simulation.pki import CERT_SIGN, DAY, NOW, SIGN_ONLY, Party, Wish, issue

from cygnet.cert.trust import build_chain

KEYS = [ec.generate_private_key(ec.SECP256R1()) for _ in range(4)]
NAMES = ("moon.lab", "sun.lab", "moon.other")


def identifiers(key: ec.EllipticCurvePrivateKey, issuer: ec.EllipticCurvePrivateKey):
    yield x509.SubjectKeyIdentifier.from_public_key(key.public_key()), False
    yield x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer.public_key()), False


@st.composite
def authorities(draw, place: int, issuer: Party | None) -> Party:
    extensions = list(identifiers(KEYS[place], issuer.key if issuer else KEYS[place]))
    if draw(st.integers(0, 3)) == 0:
        permitted = draw(st.sampled_from([["lab"], ["other"], ["lab", "other"]]))
        extensions.append((x509.NameConstraints([x509.DNSName(one) for one in permitted], None), True))
    wish = Wish(
        key=KEYS[place],
        path_length=draw(st.sampled_from([None, None, 0, 1])),
        end=draw(st.sampled_from([DAY, DAY, DAY, dt.timedelta(hours=-1)])) if issuer else DAY,
        usage=draw(st.sampled_from([CERT_SIGN, CERT_SIGN, SIGN_ONLY])) if issuer else CERT_SIGN,
        signed_by=draw(st.sampled_from([None, None, None, KEYS[3]])) if issuer else None,
        extensions=tuple(extensions),
    )
    return issue(f"CA {place}", issuer, wish)


@st.composite
def chains(draw) -> list[Party]:
    """From the root down to the end entity."""
    found = [draw(authorities(0, None))]
    for place in range(1, draw(st.integers(1, 3))):
        found.append(draw(authorities(place, found[-1])))
    names = x509.SubjectAlternativeName([x509.DNSName(draw(st.sampled_from(NAMES)))])
    extensions = ((names, False), *identifiers(KEYS[3], found[-1].key))
    return [
        *found,
        issue("leaf", found[-1], Wish(ca=False, key=KEYS[3], usage=SIGN_ONLY, extensions=extensions)),
    ]


def theirs(chain: list[Party]) -> bool:
    root, *between, leaf = (one.native for one in chain)
    store = verification.Store([root])
    permissive = verification.ExtensionPolicy.permit_all
    web = verification.ExtensionPolicy.webpki_defaults_ca()
    builder = verification.PolicyBuilder().store(store).time(NOW).max_chain_depth(6)
    builder = builder.extension_policies(ca_policy=web, ee_policy=permissive())
    try:
        builder.build_client_verifier().verify(leaf, between)
    except verification.VerificationError:
        return False
    return True


@settings(max_examples=200, deadline=None)
@given(chains())
def test_verdict_agrees_with_the_verifier_of_the_library(chain: list[Party]) -> None:
    anchor, *between, leaf = (one.certificate for one in chain)
    verdict = build_chain(leaf, between, [anchor], NOW.timestamp())
    assert verdict.ok is theirs(chain), verdict.reason
