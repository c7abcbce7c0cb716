"""The server's conversation, packet by packet."""

import pytest

from cygnet.eap.errors import EapError
from cygnet.eap.outcomes import Proof
from cygnet.eap.packets import GTC, IDENTITY, MD5, NAK, TLS, Code, EapPacket, parse_packet
from cygnet.eap.server import MAX_IDENTITY, MAX_REQUESTS, ServerConversation


class Riddle:
    """Asks until it hears ``yes``."""

    def begin(self):
        return b"?"

    def process(self, response):
        if response.data == b"no":
            raise EapError("wrong answer")
        return Proof(b"polly", GTC) if response.data == b"yes" else b"again?"


def conversation(types=(GTC, MD5), identity=None):
    def offer(who):
        return {} if who == b"nobody" else dict.fromkeys(types, Riddle)

    return ServerConversation(offer, bytes, identity)


def response(turn, type, data=b"", shift=0):
    return EapPacket(Code.RESPONSE, (turn.packet[1] + shift) % 256, type, data).build()


def test_identity_then_method_then_success():
    server = conversation()
    turn = server.begin()
    assert parse_packet(turn.packet).type == IDENTITY
    turn = server.process(response(turn, IDENTITY, b"polly"))
    assert parse_packet(turn.packet) == EapPacket(Code.REQUEST, 2, GTC, b"?")
    turn = server.process(response(turn, GTC, b"hm"))
    end = server.process(response(turn, GTC, b"yes"))
    assert (parse_packet(end.packet), end.proof) == (EapPacket(Code.SUCCESS, 3), Proof(b"polly", GTC))


def test_known_identity_is_not_asked_for():
    assert parse_packet(conversation(identity=b"polly").begin().packet).type == GTC


def test_volunteered_identity_may_have_any_identifier():
    turn = conversation().volunteered(EapPacket(Code.RESPONSE, 99, IDENTITY, b"polly").build())
    assert parse_packet(turn.packet) == EapPacket(Code.REQUEST, 100, GTC, b"?")


def test_nak_moves_on_to_a_method_that_both_want():
    server = conversation((GTC, TLS, MD5))
    turn = server.process(response(server.begin(), IDENTITY, b"polly"))
    turn = server.process(response(turn, NAK, bytes([77, MD5.number])))
    assert parse_packet(turn.packet).type == MD5


def test_refused_method_is_not_offered_again():
    server = conversation()
    turn = server.process(response(server.begin(), IDENTITY, b"polly"))
    turn = server.process(response(turn, NAK, bytes([MD5.number])))
    end = server.process(response(turn, NAK, bytes([GTC.number])))
    assert "refuses EAP-MD5 and wants EAP-GTC; allowed here: EAP-MD5" in end.reason


def failing(server, *answers):
    turn = server.begin()
    for answer in answers:
        turn = server.process(answer(turn))
    return turn


def identity(turn):
    return response(turn, IDENTITY, b"polly")


@pytest.mark.parametrize(
    ("answers", "words"),
    [
        ([lambda turn: b"garbage"], "octets expected"),
        ([lambda turn: response(turn, IDENTITY, b"nobody")], "no EAP method is allowed for 'nobody'"),
        ([lambda turn: response(turn, IDENTITY, b"x" * (MAX_IDENTITY + 1))], "identity of 1025 octets"),
        ([lambda turn: response(turn, GTC)], "answers EAP-Identity with EAP-GTC"),
        ([lambda turn: response(turn, IDENTITY, b"x", shift=1)], "response 2 does not answer request 1"),
        ([lambda turn: EapPacket(Code.SUCCESS, 1).build()], "EAP success came"),
        ([identity, lambda turn: response(turn, NAK, b"\x00")], "refuses EAP-GTC and wants no other"),
        ([identity, lambda turn: response(turn, MD5)], "answers EAP-GTC with EAP-MD5"),
        ([identity, lambda turn: response(turn, GTC, b"no")], "wrong answer"),
        (
            [identity, lambda turn: response(turn, GTC), lambda turn: response(turn, NAK, b"\x04")],
            "answers EAP-GTC with EAP-Nak",
        ),
    ],
)
def test_reasons(answers, words):
    server = conversation()
    turn = failing(server, *answers)
    assert words in turn.reason
    assert parse_packet(turn.packet).code is Code.FAILURE
    assert server.process(b"") == turn


def test_failure_has_the_identifier_of_the_last_request():
    assert failing(conversation(), identity, lambda turn: response(turn, GTC, b"no")).packet[1] == 2


def test_peer_that_never_ends_is_left():
    server = conversation()
    turn = server.process(identity(server.begin()))
    for _ in range(MAX_REQUESTS - 2):
        turn = server.process(response(turn, GTC))
        assert not turn.over
    assert "more than" in server.process(response(turn, GTC)).reason


def test_identifiers_wrap():
    server = conversation()
    turn = server.volunteered(EapPacket(Code.RESPONSE, 255, IDENTITY, b"polly").build())
    assert turn.packet[1] == 0
    assert not server.process(response(turn, GTC)).over


def test_renumbered_request_is_answered_by_its_new_number():
    server = conversation()
    server.begin()
    server.renumber(50)
    assert not server.process(EapPacket(Code.RESPONSE, 50, IDENTITY, b"polly").build()).over
