"""IKEv1 captures: what others send is read, decrypted where the key is known, and understood."""

from dataclasses import dataclass

import pytest

from cygnet.crypto.proposals import Transform
from cygnet.crypto.tables import encryption
from cygnet.pluto.encoding import phase1_offers
from cygnet.pluto.encoding.message import parse_message, read_payloads
from cygnet.pluto.encoding.payloads import (
    Configuration,
    HashPayload,
    KeyExchange,
    NatDetection,
    SecurityAssociation,
    VendorId,
)
from cygnet.pluto.encoding.vendor_ids import Feature, best_natt, recognise
from cygnet.pluto.sa.keymat import Publics, first_iv, phase2_iv

XAUTH = "wireshark/ikev1-bug-12620.pcapng.gz"
NAT = "tcpdump/isakmp4500.pcap"
AGGRESSIVE = "zeek-spicy-ipsec/ipsec-ikev1-isakmp-aggressive-mode.pcap"
MAIN = "zeek-spicy-ipsec/ipsec.cap"
KEY = bytes.fromhex("c26a81baec6070d289f0b4f13c2fb182e3d5406d11c29ebc2fc179502541325b")
HASH_4 = bytes.fromhex("40043b640f4373250d5ac3a1fb63153cacab954cca6366021f4ab9d436265052")


@dataclass(frozen=True)
class Keys:
    """As much of an ISAKMP SA's keys as the capture's publisher gives."""

    cipher: object
    hash_name: str = "sha256"
    block_size: int = 16


def clear(data):
    parsed = parse_message(data)
    return None if parsed.encrypted else read_payloads(parsed, parsed.body)


def opened(messages):
    """The encrypted messages of a capture whose aggressive mode ends in the clear."""
    publics = Publics(*(clear(data).first(KeyExchange).data for data in messages[:2]))
    row = encryption(Transform(1, 12, 256).number)
    keys = Keys(row.mode(KEY, b""))
    start, blocks = first_iv(keys, publics), {}
    for parsed in map(parse_message, messages):
        if parsed.encrypted:
            number = parsed.header.message_id
            iv = blocks.get(number) or phase2_iv(keys, start, number)
            blocks[number] = parsed.body[-16:]
            yield read_payloads(parsed, keys.cipher.decrypt(iv, parsed.body))


def test_xauth_and_mode_config_are_decrypted_with_chained_ivs(ike_messages):
    """Appendix B: without an encrypted message in phase 1 its IV is what phase 2's come from."""
    messages = list(opened(ike_messages(XAUTH)))
    assert messages[0].first(HashPayload) == HashPayload(HASH_4)
    assert [one.describe(False).partition("[ ")[2] for one in messages[:-1]] == [
        "HASH N(INITIAL_CONTACT) ]", "HASH CPRQ(X_USER X_PWD) ]", "HASH CPRP(X_USER X_PWD) ]",
        "HASH CPS(X_STATUS) ]", "HASH CPA(X_STATUS) ]",
        "HASH CPRQ(ADDR MASK DNS NBNS U_BANNER U_DEFDOM U_SPLITDNS U_SPLITINC U_LOCALLAN VER) ]",
    ]  # fmt: skip
    assert len(messages[-1].first(Configuration).first(1).value) == 4
    reply = messages[2].first(Configuration)
    assert reply.first(16521).value and reply.identifier == messages[1].first(Configuration).identifier


@pytest.mark.parametrize("name", [XAUTH, NAT, AGGRESSIVE, MAIN])
def test_offers_of_others_are_understood(ike_messages, name):
    messages = [one for one in map(clear, ike_messages(name)) if one]
    offers = [phase1_offers.read(sa) for one in messages for sa in one.all(SecurityAssociation)]
    assert offers and all(terms for terms, _ in offers)


def test_answer_is_one_of_the_offers(ike_messages):
    offered, answered = (clear(data).first(SecurityAssociation) for data in ike_messages(NAT)[:2])
    offers = [phase1_offers.algorithms_of(one) for one in offered.proposals[0].transforms]
    assert phase1_offers.algorithms_of(answered.proposals[0].transforms[0]) in offers


@pytest.mark.parametrize("name", [NAT, AGGRESSIVE, MAIN])
def test_peers_speak_nat_traversal(ike_messages, name):
    messages = [one for one in map(clear, ike_messages(name)) if one]
    rows = (recognise(one.data) for message in messages for one in message.all(VendorId))
    features = {row.feature for row in rows if row}
    assert best_natt(features) in (Feature.NATT_RFC, Feature.NATT_03, Feature.NATT_02)
    assert any(message.all(NatDetection) for message in messages)
