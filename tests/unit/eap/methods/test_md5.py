"""EAP-MD5 (RFC 3748, 5.4)."""

import hashlib

import pytest
from simulation.eap_sides import PASSWORD, Passwords, counting, peer, server, talk

from cygnet.base.errors import CygnetError
from cygnet.base.secret import Secret
from cygnet.eap.methods.md5 import PeerMd5, ServerMd5
from cygnet.eap.outcomes import Proof
from cygnet.eap.packets import MD5, Code, EapPacket
from cygnet.eap.ports import UserSecret

CHALLENGE = bytes(range(16))


def request(data, identifier=5):
    return EapPacket(Code.REQUEST, identifier, MD5, data)


def test_answer_is_the_digest_of_identifier_password_and_challenge():
    answer = PeerMd5(b"carol", Secret(b"secret")).process(request(b"\x10" + CHALLENGE + b"aaa"))
    assert answer == b"\x10" + hashlib.md5(b"\x05secret" + CHALLENGE).digest() + b"carol"


def test_challenge_carries_the_name_of_the_server():
    assert ServerMd5(b"carol", b"aaa", Passwords(), lambda size: CHALLENGE[:size]).begin() == (
        b"\x10" + CHALLENGE + b"aaa"
    )


def test_both_sides():
    assert talk(peer([MD5]), server([MD5])).server.proof == Proof(b"carol", MD5)


@pytest.mark.parametrize("data", [b"", b"\x00name", b"\x10short"])
def test_peer_refuses_a_malformed_challenge(data):
    with pytest.raises(CygnetError, match="EAP-MD5"):
        PeerMd5(b"carol", PASSWORD).process(request(data))


def test_success_before_the_challenge_is_none():
    with pytest.raises(CygnetError, match="before EAP-MD5 has begun"):
        PeerMd5(b"carol", PASSWORD).conclude()


@pytest.mark.parametrize(
    ("users", "words"),
    [
        ({}, "no EAP secret is known for 'carol'"),
        ({b"carol": UserSecret(nt_hash=Secret(bytes(16)))}, "only an NT hash is known"),
        ({b"carol": UserSecret(Secret(b"other"))}, "wrong password for 'carol'"),
    ],
)
def test_server_refuses(users, words):
    result = talk(peer([MD5]), server([MD5], users=Passwords(users)))
    assert words in result.server.reason
    assert result.peer.reason == "the server refused our EAP-MD5"


@pytest.mark.parametrize("data", [b"", b"\x11short", b"\x00"])
def test_server_refuses_a_malformed_response(data):
    method = ServerMd5(b"carol", b"aaa", Passwords(), counting())
    method.begin()
    with pytest.raises(CygnetError):
        method.process(EapPacket(Code.RESPONSE, 5, MD5, data))
