"""IKEv2 captures: what is known of them is read from them, and what is broken breaks nothing."""

from dataclasses import dataclass

import pytest

from cygnet.base.errors import PeerError
from cygnet.charon.encoding.exchanges import check
from cygnet.charon.encoding.fragments import Reassembler
from cygnet.charon.encoding.message import Message, build_clear, open_message, parse_message
from cygnet.charon.encoding.notify import NotifyType
from cygnet.charon.encoding.payloads import (
    Authentication,
    Delete,
    Identification,
    KeyExchange,
    Notify,
    SecurityAssociation,
    TrafficSelectors,
)
from cygnet.crypto.ciphers import sealer
from cygnet.crypto.errors import IntegrityError
from cygnet.crypto.proposals import Transform


@dataclass(frozen=True)
class Keys:
    """Transforms and SK_ei, SK_er, SK_ai, SK_ar, as the capture's publisher gives them."""

    encryption: Transform
    integrity: Transform | None
    ei: str
    er: str
    ai: str = ""
    ar: str = ""

    def of(self, message):
        pair = (self.ei, self.ai) if message.initiator else (self.er, self.ar)
        return sealer(self.encryption, self.integrity, *map(bytes.fromhex, pair))


DES3 = "wireshark/ikev2-decrypt-3des-sha1_160.pcap"
CCM = "wireshark/ikev2-decrypt-aes128ccm12.pcap"
CBC = "wireshark/ikev2-decrypt-aes256cbc.pcapng"
GCM = "wireshark/ikev2-decrypt-aes256gcm16.pcap"
WEST, EAST = "libreswan-libpluto/parentI2.pcap", "libreswan-libpluto/parentR2.pcap"
BAD_ICV = "tcpdump/ikev2pI2.pcap"
CHACHA = "rfc7634/rfc7634-appendix-b.snoop"

PLUTO = Keys(
    Transform(1, 12, 128), Transform(3, 2),
    "3f44bf47cafd8150591deb088199fcbf", "bedb67ec7dc3d00cccac42e70cd63bde",
    "4ea8e662b07cdd430f6944c6723e4b82d5722418", "515b0bd22e6d76b34fdb760aa7bfad80b109b75d",
)  # fmt: skip
CHACHA_KEY = "808182838485868788898a8b8c8d8e8f909192939495969798999a9b9c9d9e9fa0a1a2a3"
KEYS = {
    DES3: Keys(
        Transform(1, 3), Transform(3, 7),
        "2e0e194070fc658c2bfbfdbf8b956be4b2eaa33d02a43cca",
        "219f3080e631774b8d5836d3a675b099b1e271c9bdcf6e15",
        "c96f5bad08aebbff60509c7495f11c183818b916", "e742ac415cdfdd709c9de92769a169e0a5224f79",
    ),
    CCM: Keys(
        Transform(1, 15, 128), None,
        "be83fe15f6a9976941870830fe26c014b863b3", "79e0f4476861a76e64329e787b1c4ff38d732f",
    ),
    CBC: Keys(
        Transform(1, 12, 256), Transform(3, 12),
        "9096ddd2933620e8f48122c53a3f562cb0222c1cf97ce41fcc874ea2582a89ac",
        "6718c6b2bbef2f234eac4c13832f885d87b574afd2af0111161e99b5dc61b4d4",
        "12d532c3e83c757906af548dfe1ccf223ca5507af77898454e2d55c8ace57a17",
        "30c4ead18c93024b58a86c1e3db60f550221801026853170b4cb0248d3a95329",
    ),
    GCM: Keys(
        Transform(1, 20, 256), None,
        "647075bf167447a1c8683e8dbe4794b4cfe73799cc6bec34905441159ce13705c8dfb3a9",
        "15c9eae6f94631d63068bf44bb69999abc07b3d15e915fd8f0ed99ad481efd75deb02a5e",
    ),
    WEST: PLUTO,
    EAST: PLUTO,
    BAD_ICV: PLUTO,
    CHACHA: Keys(Transform(1, 28), None, CHACHA_KEY, CHACHA_KEY),
}  # fmt: skip

INIT = "IKE_SA_INIT request 0 [ SA KE No N(NATD_S_IP) N(NATD_D_IP)"
REPLY = "IKE_SA_INIT response 0 [ SA KE No N(NATD_S_IP) N(NATD_D_IP) N(MULT_AUTH) ]"
AUTH = "IKE_AUTH request 1 [ IDi N(INIT_CONTACT) IDr AUTH SA TSi TSr N(MULT_AUTH) N(EAP_ONLY) ]"
AUTHED = "IKE_AUTH response 1 [ IDr AUTH SA TSi TSr N(AUTH_LFT) ]"
LINES = {
    DES3: [f"{INIT} ]", REPLY, AUTH, AUTHED, "INFORMATIONAL request 2 [ D ]", "INFORMATIONAL response 2 [ ]"],
    CCM: [f"{INIT} N(HASH_ALG) ]", REPLY, AUTH, AUTHED,
          "INFORMATIONAL request 2 [ D ]", "INFORMATIONAL response 2 [ ]"],
    CBC: [f"{INIT} N(HASH_ALG) ]", REPLY, AUTH, AUTHED],
    GCM: [f"{INIT} N(HASH_ALG) ]", REPLY, AUTH, AUTHED,
          "INFORMATIONAL request 0 [ D ]", "INFORMATIONAL response 0 [ ]"],
    WEST: ["IKE_SA_INIT request 0 [ SA KE No V ]", "IKE_AUTH request 1 [ IDi AUTH SA TSi TSr ]"],
    EAST: ["IKE_SA_INIT response 0 [ SA KE No V ]", "IKE_AUTH response 1 [ IDr AUTH SA TSi TSr ]"],
    CHACHA: ["INFORMATIONAL request 9 [ N(SET_WINSIZE) ]"],
}  # fmt: skip

MALFORMED = [
    "libreswan-klips/isakmp-crash1.pcap",
    "tcpdump/ikev2-id-short.pcap",
    "tcpdump/ikev2pI2-segfault.pcapng",
    "tcpdump/isakmp-delete-segfault.pcap",
    "tcpdump/isakmp-pointer-loop.pcap",
    "tcpdump/isakmpv1-attr-oobr.pcap",
    "zeek-spicy-ipsec/ipsec-ikev1-zero-length.pcap",
]
IKEV1 = [
    "tcpdump/isakmp4500.pcap",
    "wireshark/ikev1-bug-12620.pcapng.gz",
    "zeek-spicy-ipsec/ipsec-ikev1-isakmp-aggressive-mode.pcap",
    "zeek-spicy-ipsec/ipsec.cap",
]
REDIRECT = "scapy/ikev2_notify_redirect.pcap"
WEAK = "suricata-verify/ikev2-weak-dh_IKEv2_SA_INIT_2-8-weak.pcap"
COOKIES = "tcpdump/ikev2four.pcap"
FRAGMENTED = "zeek-plugin-ikev2/ikev2.pcap"
NDPI = "ndpi/esp.pcapng"
WITHOUT_KEYS = [REDIRECT, WEAK, COOKIES, FRAGMENTED, NDPI]


@pytest.fixture
def opened(ike_messages):
    """Every message of a capture, opened with its keys."""

    def messages(name) -> list[Message]:
        found = []
        for data in ike_messages(name):
            parsed = parse_message(data)
            whole = parsed.encrypted is None
            found.append(parsed.message if whole else open_message(parsed, KEYS[name].of(parsed.message)))
        return found

    return messages


def firsts(messages, kind):
    return [payload for message in messages if (payload := message.first(kind)) is not None]


@pytest.mark.parametrize("name", LINES)
def test_capture_with_keys_opens(opened, name):
    assert [message.describe() for message in opened(name)] == LINES[name]


@pytest.mark.parametrize("name", LINES)
def test_messages_with_keys_fit_their_exchanges(opened, name):
    for message in opened(name):
        check(message, protected=message.exchange != 34)


@pytest.mark.parametrize(("name", "index", "data"), [
    (DES3, 0, "02f7a0d5f1fdc8ea81039818c65bb9bd09af9b8917319b887ff9ba3046c344c7"),
    (CCM, 1, "c2104394299e1ffe7908ea720ad5d13717a0d454e4fa0a2128ea689411f479c4"),
    (CBC, 0, "e1a8d550064201a7ec024a85758d0673c61c5c510ac13bcd225d6327f50da3d3"),
    (GCM, 1, "9ab71f14ab553cad873a1aa70b99df155dee77cdcf3694b3b7527acbb9712ded"),
])  # fmt: skip
def test_shared_key_authentication_data_is_as_published(opened, name, index, data):
    assert firsts(opened(name), Authentication)[index] == Authentication(2, bytes.fromhex(data))


@pytest.mark.parametrize(("name", "algorithms"), [
    (DES3, "IKE:3DES_CBC/HMAC_SHA1_160/PRF_HMAC_SHA2_256/MODP_2048"),
    (CCM, "IKE:AES_CCM_12_128/PRF_HMAC_SHA2_256/ECP_256"),
    (CBC, "IKE:AES_CBC_256/HMAC_SHA2_256_128/PRF_HMAC_SHA2_256/ECP_256"),
    (GCM, "IKE:AES_GCM_16_256/PRF_HMAC_SHA2_256/ECP_256"),
])  # fmt: skip
def test_proposal_chosen_is_as_published(opened, name, algorithms):
    (chosen,) = opened(name)[1].first(SecurityAssociation).proposals
    assert str(chosen) == algorithms


def test_child_without_encryption_is_offered(opened):
    offered = opened(CBC)[2].first(SecurityAssociation).proposals[0]
    assert [transform.number for transform in offered.of_type(1)] == [21]


@pytest.mark.parametrize("name", [DES3, CCM, GCM])
def test_ike_sa_is_deleted_in_the_end(opened, name):
    request = opened(name)[-2]
    assert request.first(Delete) == Delete(1)
    assert request.initiator is (name != GCM)


@pytest.mark.parametrize(("name", "identity"), [(WEST, "west"), (EAST, "east")])
def test_pluto_names_itself_and_its_networks(opened, name, identity):
    message = opened(name)[-1]
    assert str(message.first(Identification).identity) == identity
    assert message.first(Authentication).method == 1
    networks = [str(selector) for one in message.all(TrafficSelectors) for selector in one.selectors]
    assert networks == ["192.0.1.0/24", "192.0.2.0/24"]


def test_rfc7634_message_sets_the_window(opened):
    (message,) = opened(CHACHA)
    assert message.payloads == (Notify(NotifyType.SET_WINDOW_SIZE, (10).to_bytes(4, "big")),)


def test_bad_integrity_check_value_is_seen(ike_messages):
    parsed = parse_message(ike_messages(BAD_ICV)[1])
    with pytest.raises(IntegrityError):
        open_message(parsed, KEYS[BAD_ICV].of(parsed.message))


def test_truncated_ciphertext_of_a_capture_is_refused(ike_messages):
    data = ike_messages(GCM)[2]
    with pytest.raises(PeerError):
        parse_message(data[:-1])


@pytest.mark.parametrize("name", [DES3, CCM, CBC, GCM, *WITHOUT_KEYS])
def test_clear_message_builds_to_the_same_octets(ike_messages, name):
    for data in ike_messages(name):
        parsed = parse_message(data)
        if parsed.encrypted is None:
            assert build_clear(parsed.message) == data


@pytest.mark.parametrize("name", [WEST, EAST])
def test_critical_bits_of_known_payloads_are_all_that_pluto_sends_otherwise(ike_messages, name):
    data = ike_messages(name)[0]
    changed = build_clear(parse_message(data).message)
    different = [at for at in range(len(data)) if changed[at] != data[at]]
    assert different
    assert all((data[at], changed[at]) == (0x80, 0) for at in different)


def test_redirect_is_answered(ike_messages):
    messages = [parse_message(data).message for data in ike_messages(REDIRECT)]
    assert messages[0].notify(NotifyType.REDIRECT_SUPPORTED)
    assert [one.type for one in messages[1].notifies] == [NotifyType.REDIRECT]
    assert messages[2].notify(NotifyType.REDIRECTED_FROM)
    assert [one.type for one in messages[3].notifies] == [NotifyType.NO_PROPOSAL_CHOSEN]
    for message in messages:
        check(message, protected=False)


def test_unusual_order_of_payloads_is_read(ike_messages):
    (data,) = ike_messages(WEAK)
    message = parse_message(data).message
    assert message.describe() == "IKE_SA_INIT request 0 [ No KE SA ]"
    assert message.first(KeyExchange).method == 2
    check(message, protected=False)


def test_cookie_comes_back_first(ike_messages):
    messages = [parse_message(data).message for data in ike_messages(COOKIES)]
    assert messages[1].describe() == "IKE_SA_INIT response 0 [ N(COOKIE) ]"
    assert messages[2].payloads == (messages[1].notify(NotifyType.COOKIE), *messages[0].payloads)
    pipelined = [one.message_id for one in messages if one.exchange == 36 and not one.response]
    assert pipelined == [2, 3, 4, 5, 6, 7, 8]


def test_fragments_of_a_capture_are_told_from_whole_messages(ike_messages):
    parsed = [parse_message(data) for data in ike_messages(FRAGMENTED)]
    assert parsed[1].message.notify(NotifyType.INVALID_KE_PAYLOAD).data == (15).to_bytes(2, "big")
    assert [one.describe() for one in parsed[4:]] == [
        "IKE_AUTH request 1 [ EF(1/2) ]", "IKE_AUTH request 1 [ EF(2/2) ]", "IKE_AUTH response 1 [ E ]",
    ]  # fmt: skip
    with pytest.raises(IntegrityError):
        Reassembler().add(parsed[4], sealer(Transform(1, 20, 128), None, bytes(20)))


@pytest.mark.parametrize("name", MALFORMED)
def test_malformed_capture_raises_a_peer_error(ike_messages, name):
    messages = ike_messages(name)
    assert messages
    for data in messages:
        with pytest.raises(PeerError):
            parse_message(data)


@pytest.mark.parametrize("name", IKEV1)
def test_ikev1_messages_raise_nothing_but_peer_errors(ike_messages, name):
    messages = ike_messages(name)
    assert messages
    for data in messages:
        try:
            parsed = parse_message(data)
        except PeerError:
            continue
        assert parsed.header.major == 1
