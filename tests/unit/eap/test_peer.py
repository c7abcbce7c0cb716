"""The peer's conversation, packet by packet."""

import pytest

from cygnet.eap.errors import EapError
from cygnet.eap.outcomes import Proof
from cygnet.eap.packets import GTC, IDENTITY, MD5, NAK, NOTIFICATION, Code, EapPacket, EapType, parse_packet
from cygnet.eap.peer import MAX_REQUESTS, PeerConversation


class Parrot:
    """A method that answers with what it is asked, and is content after ``wanted`` requests."""

    def __init__(self, wanted: int = 1) -> None:
        self.failure = ""
        self._left = wanted

    def process(self, request):
        if request.data == b"raise":
            raise EapError("polly is not amused")
        self._left -= 1
        return b"re:" + request.data

    def conclude(self):
        if self._left > 0:
            raise EapError("polly wants more")
        return Proof(b"polly", GTC)


def conversation(**methods):
    return PeerConversation(b"polly", methods.get("methods", {GTC: Parrot}))


def request(identifier, type, data=b""):
    return EapPacket(Code.REQUEST, identifier, type, data).build()


SUCCESS, FAILURE = EapPacket(Code.SUCCESS, 5).build(), EapPacket(Code.FAILURE, 5).build()


def test_identity_then_method_then_success():
    peer = conversation()
    assert parse_packet(peer.process(request(1, IDENTITY)).packet) == EapPacket(
        Code.RESPONSE, 1, IDENTITY, b"polly"
    )
    assert parse_packet(peer.process(request(2, GTC, b"hi")).packet).data == b"re:hi"
    turn = peer.process(SUCCESS)
    assert (turn.packet, turn.proof) == (b"", Proof(b"polly", GTC))


def test_method_that_is_not_allowed_gets_a_nak():
    nak = parse_packet(conversation().process(request(1, MD5)).packet)
    assert (nak.type, nak.data) == (NAK, bytes([GTC.number]))


def test_vendor_method_gets_an_expanded_nak():
    nak = parse_packet(conversation().process(request(1, EapType(1, 311))).packet)
    assert (nak.type, nak.expanded, nak.data.hex()) == (NAK, True, "fe00000000000006")


def test_same_request_again_gets_the_same_answer_and_no_second_step():
    peer = conversation(methods={GTC: lambda: Parrot(2)})
    first = peer.process(request(2, GTC, b"a"))
    assert peer.process(request(2, GTC, b"a")) == first
    assert "wants more" in peer.process(SUCCESS).reason


def test_notification_is_answered_and_told_at_the_end():
    peer = conversation()
    peer.process(request(1, GTC))
    answer = parse_packet(peer.process(request(2, NOTIFICATION, b"account\nlocked")).packet)
    assert answer == EapPacket(Code.RESPONSE, 2, NOTIFICATION)
    assert (
        peer.process(FAILURE).reason == 'the server refused our EAP-GTC; the server said "account?locked"'
    )


def test_only_the_last_notifications_are_kept():
    peer = conversation()
    for number in range(9):
        peer.process(request(number, NOTIFICATION, b"n%d" % number))
    reason = peer.process(FAILURE).reason
    assert "n8" in reason and "n5" in reason and "n4" not in reason


@pytest.mark.parametrize(
    ("packets", "words"),
    [
        ([SUCCESS], "before anything was proven"),
        ([FAILURE], "refused the EAP identity 'polly'"),
        ([request(1, MD5), FAILURE], "wants EAP-MD5, allowed here: EAP-GTC"),
        ([request(1, GTC), request(2, MD5)], "asks for EAP-MD5 in the middle of EAP-GTC"),
        ([request(1, GTC), request(2, IDENTITY)], "asks for EAP-Identity in the middle"),
        ([request(1, NAK)], "which only a peer may"),
        ([EapPacket(Code.RESPONSE, 1, GTC).build()], "a response came"),
        ([request(1, GTC, b"raise")], "not amused"),
        ([b"\x01"], "4 octets expected"),
    ],
)
def test_reasons(packets, words):
    peer = conversation()
    turns = [peer.process(packet) for packet in packets]
    assert [turn.over for turn in turns] == [False] * (len(packets) - 1) + [True]
    assert words in turns[-1].reason and not turns[-1].packet


def test_nothing_goes_on_after_a_failure():
    peer = conversation()
    reason = peer.process(b"").reason
    assert peer.process(request(1, IDENTITY)).reason == reason


def test_server_that_never_ends_is_left():
    peer = conversation()
    for number in range(MAX_REQUESTS):
        assert not peer.process(request(number % 256, IDENTITY, number.to_bytes(2, "big"))).over
    assert "more than" in peer.process(request(0, IDENTITY)).reason


def test_failure_of_the_method_is_told():
    peer = conversation()
    assert peer.failure == ""
    peer.process(request(1, GTC))
    assert peer.failure == ""
