"""What an operator is told to change, for every failure that is met in the field."""

from dataclasses import replace
from ipaddress import ip_address

import pytest

from cygnet.base.identities import Identity
from cygnet.base.selectors import TrafficSelector
from cygnet.charon.control.advice import ADVICE, explain
from cygnet.crypto.proposals import Proposal
from cygnet.crypto.tables import ENCRYPTION, TransformType
from cygnet.crypto.transforms import Protocol, Transform
from cygnet.keying.config.records import (
    AddressSpec,
    AuthClass,
    AuthConfig,
    ChildConfig,
    IkeConfig,
    PeerConfig,
)

NET_A, NET_B = (TrafficSelector.of("10.1.0.0/16"),), (TrafficSelector.of("10.2.0.0/16"),)
CHILD = ChildConfig("net", NET_A, NET_B)
PSK = PeerConfig(
    "net",
    IkeConfig(AddressSpec(("192.0.2.1",)), AddressSpec(("192.0.2.2",))),
    (AuthConfig(AuthClass.PSK, Identity.parse("moon.lab")),),
    (AuthConfig(AuthClass.PSK, Identity.parse("sun.lab")),),
    (CHILD,),
)
KEY = replace(PSK, local=(AuthConfig(AuthClass.PUBKEY, Identity.parse("moon.lab")),))
PPK = replace(PSK, ppk_id=Identity.parse("ppk.lab"), ppk_required=True)
USER = AuthConfig(AuthClass.EAP, Identity.parse("moon.lab"), eap_identity=Identity.parse("carol"))
EAP = replace(PSK, local=(USER,))
HERE = ip_address("192.0.2.1")


@pytest.mark.parametrize(
    ("reason", "peer", "words"),
    [
        ("received AUTHENTICATION_FAILED notify error", EAP, ["eap_identity=", "leftauth=", "rightauth="]),
        ("EAP-MSCHAPv2 needs an EAP secret for 'carol'", EAP, ['carol : EAP "..."', "ipsec rereadsecrets"]),
        ("the server refused our EAP-MD5", EAP, ["eap_identity=", "ipsec.secrets", "peer's log"]),
        ("the server wants EAP-MD5, allowed here: EAP-GTC", EAP, ["leftauth=eap-", "rightauth=eap-"]),
        ("received AUTHENTICATION_FAILED notify error", PSK,
         ["leftid=moon.lab", "rightid=sun.lab", "PSK", "ipsec.secrets", "peer's log"]),
        ("received AUTHENTICATION_FAILED notify error", KEY, ["leftid=moon.lab", "cacerts", "peer's log"]),
        ("tried 1 shared key for 'moon.lab' - 'sun.lab', but MAC mismatched", PSK, ["PSK", "differs"]),
        ("no shared key found for 'moon.lab' - 'sun.lab'", PSK,
         ['moon.lab sun.lab : PSK "..."', "rereadsecrets"]),
        ("received AUTHENTICATION_FAILED notify error", PPK,
         ["the PPK of 'ppk.lab'", "ppk_required=", "PSK"]),
        ("PPK required but no PPK_ID configured", PPK, ["ppk_id="]),
        ("PPK required but no PPK found for 'ppk.lab'", PPK, ["ppk.lab : PPK 0s...", "rereadsecrets"]),
        ("PPK required but peer does not support PPK", PPK, ["'ppk.lab'", "ppk_required=no"]),
        ("no private key found for 'moon.lab'", KEY, ["leftcert=", "ipsec.secrets", "rereadsecrets"]),
        ("no trusted ECDSA public key found for 'sun.lab': no issuer certificate found for \"CN=sun\"", KEY,
         ["ipsec.d/cacerts", "rereadcacerts"]),
        ("constraint check failed: identity 'sun.lab' required, peer is 'x'", PSK, ["rightid=sun.lab"]),
        ("received NO_PROPOSAL_CHOSEN notify error", PSK, ["ike=", "192.0.2.1", "right="]),
        ("received NO_PROPOSAL_CHOSEN notify, no CHILD_SA built", PSK, ["esp="]),
        ("received TS_UNACCEPTABLE notify, no CHILD_SA built", PSK,
         ["leftsubnet=", "rightsubnet="]),
        ("received INVALID_KE_PAYLOAD notify error, it requests method 14", PSK, ["ike="]),
        ("peer not responding", PSK, ["192.0.2.2[500]", "UDP 500 and 4500", "right="]),
        ("unable to resolve nosuch.lab, the remote end (right=)", PSK, ["right=", "DNS"]),
        ("received NO_ADDITIONAL_SAS notify, no CHILD_SA built", PSK, ["no further CHILD_SA"]),
    ],
)  # fmt: skip
def test_reason_is_followed_by_what_to_look_at(reason: str, peer: PeerConfig, words: list[str]) -> None:
    text = explain(reason, peer, CHILD, lambda destination: HERE)
    assert text.startswith(f"{reason}: ")
    for word in words:
        assert word in text, word


def test_every_row_has_its_example() -> None:
    examples = test_reason_is_followed_by_what_to_look_at.pytestmark[0].args[1]
    for words, _ in ADVICE:
        assert any(all(word in reason for word in words.split(" & ")) for reason, _, _ in examples), words


def test_missing_route_is_found_out() -> None:
    text = explain("peer not responding", PSK, CHILD, lambda destination: None)
    assert "no route to 192.0.2.2" in text


def test_name_of_a_host_is_not_asked_for_a_route() -> None:
    peer = replace(PSK, ike=IkeConfig(remote=AddressSpec(("sun.lab",))))
    assert "sun.lab[500]" in explain("peer not responding", peer, None, lambda destination: None)


def test_long_proposals_are_cut() -> None:
    every = tuple(Transform(TransformType.ENCR, row.number) for row in ENCRYPTION)
    peer = replace(PSK, ike=replace(PSK.ike, proposals=(Proposal(Protocol.IKE, every),)))
    text = explain("received NO_PROPOSAL_CHOSEN notify error", peer, CHILD, lambda destination: HERE)
    assert "...), or it has no connection" in text
    assert len(text) < 330


def test_unknown_reason_stays_as_it_is() -> None:
    assert explain("the IKE_SA is gone", PSK, CHILD, lambda destination: HERE) == "the IKE_SA is gone"
