"""The peer inside an EAP-TTLS tunnel."""

import pytest
from simulation.eap_sides import PASSWORD, counting, peer, peer_tls, server_tls

from cygnet.base.errors import CygnetError
from cygnet.base.secret import Secret
from cygnet.eap.methods.avps import (
    EAP_MESSAGE,
    MS_CHAP2_RESPONSE,
    MS_CHAP2_SUCCESS,
    MS_CHAP_CHALLENGE,
    MS_CHAP_ERROR,
    REPLY_MESSAGE,
    USER_NAME,
    USER_PASSWORD,
    build_avps,
    parse_avps,
)
from cygnet.eap.methods.ttls_peer import TtlsEapPeer, TtlsMschapv2Peer, TtlsPapPeer
from cygnet.eap.packets import GTC, IDENTITY, Code, EapPacket
from cygnet.eap.ports import UserSecret
from cygnet.eap.tls.session import TlsSession


def session():
    client, server = TlsSession(peer_tls(), server=False), TlsSession(server_tls(), server=True)
    octets = b""
    while not (client.finished and server.finished):
        client.feed(octets)
        server.feed(client.drain())
        octets = server.drain()
    return client


def test_password_is_padded_to_hide_its_length():
    avps = parse_avps(TtlsPapPeer(b"carol", Secret(b"secret")).begin(1))
    assert avps == {USER_NAME: b"carol", USER_PASSWORD: b"secret" + bytes(10)}


def test_more_questions_after_the_password():
    with pytest.raises(CygnetError, match="asks for more than the password"):
        TtlsPapPeer(b"carol", PASSWORD).receive(build_avps([(REPLY_MESSAGE, b"PIN?")]), 2)


def test_identity_is_said_unasked():
    inner = TtlsEapPeer(b"carol", peer([GTC]))
    identity = EapPacket(Code.RESPONSE, 0, IDENTITY, b"carol").build()
    assert parse_avps(inner.begin(1)) == {EAP_MESSAGE: identity}


def test_success_inside_is_taken_and_answered_by_nothing():
    inner = TtlsEapPeer(b"carol", peer([GTC]))
    inner.receive(build_avps([(EAP_MESSAGE, EapPacket(Code.REQUEST, 1, GTC).build())]), 2)
    assert inner.receive(build_avps([(EAP_MESSAGE, EapPacket(Code.SUCCESS, 1).build())]), 3) == b""
    assert inner.conclude().method == GTC


@pytest.mark.parametrize(
    ("avps", "words"),
    [
        ([], "sent no EAP-Message"),
        ([(EAP_MESSAGE, EapPacket(Code.FAILURE, 1).build())], "inside EAP-TTLS: the server refused"),
        ([(EAP_MESSAGE, b"x")], "inside EAP-TTLS: EAP packet"),
    ],
)
def test_eap_that_fails(avps, words):
    with pytest.raises(CygnetError, match=words):
        TtlsEapPeer(b"carol", peer([GTC])).receive(build_avps(avps), 2)


def mschapv2():
    return TtlsMschapv2Peer(b"carol", UserSecret(PASSWORD), counting(), session())


def test_mschapv2_response_is_laid_out_by_rfc2548():
    avps = parse_avps(mschapv2().begin(1))
    assert set(avps) == {USER_NAME, MS_CHAP_CHALLENGE, MS_CHAP2_RESPONSE}
    value = avps[MS_CHAP2_RESPONSE]
    # Ident, flags, peer challenge, eight reserved octets, response
    assert (len(value), value[1], value[18:26]) == (50, 0, bytes(8))
    assert len(avps[MS_CHAP_CHALLENGE]) == 16


@pytest.mark.parametrize(
    ("avps", "words"),
    [
        ([(MS_CHAP_ERROR, b"\x01E=691 R=0")], "wrong user name or password"),
        ([(MS_CHAP2_SUCCESS, b"\x01S=" + b"0" * 40)], "server does not know the password"),
        ([(MS_CHAP2_SUCCESS, b"")], "server does not know the password"),
        ([], "server does not know the password"),
    ],
)
def test_mschapv2_that_fails(avps, words):
    inner = mschapv2()
    inner.begin(1)
    with pytest.raises(CygnetError, match=words):
        inner.receive(build_avps(avps), 2)
    with pytest.raises(CygnetError, match="has not proven the password"):
        inner.conclude()


def test_mschapv2_needs_a_secret():
    with pytest.raises(CygnetError, match="needs a password"):
        TtlsMschapv2Peer(b"carol", UserSecret(), counting(), session())
