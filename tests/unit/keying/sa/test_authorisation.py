"""Facts against constraints, check by check."""

from dataclasses import replace

import pytest

from cygnet.base.identities import NULL, Identity, IdType
from cygnet.eap.packets import GTC, MD5, MSCHAPV2
from cygnet.keying.config.records import AuthClass, AuthConfig
from cygnet.keying.sa.authorisation import Facts, comply, failures

ALICE = Identity.parse("alice@lab.test")
FACTS = Facts(ALICE, AuthClass.PSK)


def verdict(constraints: AuthConfig, facts: Facts = FACTS) -> tuple[str, ...]:
    return failures(comply(facts, constraints))


def test_what_complies_has_no_failures_but_checks() -> None:
    constraints = AuthConfig(AuthClass.PSK, Identity.parse("*@lab.test"))
    assert verdict(constraints) == ()
    assert [check.name for check in comply(FACTS, constraints)] == ["identity", "method"]


def test_wrong_identity_and_wrong_method_are_both_told() -> None:
    texts = verdict(AuthConfig(AuthClass.PUBKEY, Identity.parse("bob@lab.test")))
    assert texts == (
        "identity 'bob@lab.test' required, peer is 'alice@lab.test'",
        "requires public key authentication, but peer used pre-shared key authentication",
    )


def test_anybody_by_any_method_complies() -> None:
    assert verdict(AuthConfig(AuthClass.ANY)) == ()
    assert verdict(AuthConfig(AuthClass.ANY, Identity.parse("%any"))) == ()


@pytest.mark.parametrize("wanted", [AuthClass.ANY, AuthClass.PSK, AuthClass.PUBKEY, AuthClass.EAP])
def test_no_proof_complies_with_nothing_but_the_wish_for_none(wanted: AuthClass) -> None:
    nobody = Facts(NULL, AuthClass.NULL)
    assert verdict(AuthConfig(wanted), nobody) == (f"requires {wanted}, but peer used NULL authentication",)
    assert verdict(AuthConfig(AuthClass.NULL, ALICE), nobody) == ()


def test_proof_by_nobody_is_none() -> None:
    texts = verdict(AuthConfig(AuthClass.PSK), Facts(NULL, AuthClass.PSK))
    assert texts == ("nobody (ID_NULL) cannot prove an identity by pre-shared key authentication",)


@pytest.mark.parametrize(
    ("constraints", "word"),
    [
        (AuthConfig(certificates=(b"other",)), "is not the one configured"),
        (AuthConfig(authorities=(Identity.parse("CN=Root"),)), 'not authenticated by CA "CN=Root"'),
        (AuthConfig(signature_schemes=("ED25519",)), "signature scheme RSA_EMSA_PKCS1_SHA1 not acceptable"),
    ],
)
def test_certificate_constraints_name_what_is_missing(constraints: AuthConfig, word: str) -> None:
    facts = Facts(ALICE, AuthClass.PUBKEY, "RSA_EMSA_PKCS1_SHA1")
    (text,) = verdict(replace(constraints, identity=ALICE), facts)
    assert word in text


EAP = Facts(ALICE, AuthClass.EAP, eap_method=MD5, eap_identity=Identity.parse("carol"))


@pytest.mark.parametrize(
    ("wanted", "texts"),
    [
        (AuthConfig(AuthClass.EAP, eap_identity=Identity.parse("%any")), ()),
        (AuthConfig(AuthClass.EAP, eap_identity=Identity.parse("carol")), ()),
        (AuthConfig(AuthClass.EAP), ("EAP identity 'alice@lab.test' required, peer is 'carol'",)),
        (AuthConfig(AuthClass.EAP, eap_identity=Identity.parse("dave")),
         ("EAP identity 'dave' required, peer is 'carol'",)),
        (AuthConfig(AuthClass.EAP, eap_identity=Identity.parse("%any"), eap_methods=(MSCHAPV2, GTC)),
         ("EAP method EAP_MSCHAPV2 or EAP_GTC required, peer used EAP_MD5",)),
    ],
)  # fmt: skip
def test_user_and_method_of_eap_are_checked(wanted: AuthConfig, texts: tuple[str, ...]) -> None:
    assert verdict(wanted, EAP) == texts


def test_ike_identity_that_looks_like_a_pattern_is_none() -> None:
    facts = replace(EAP, identity=Identity(IdType.FQDN, b"*"))
    assert verdict(AuthConfig(AuthClass.EAP), facts) == ("EAP identity '*' required, peer is 'carol'",)
