"""The server inside an EAP-TTLS tunnel."""

import pytest
from simulation.eap_sides import PASSWORD, Passwords, counting, peer_tls, server, server_tls

from cygnet.base.errors import CygnetError
from cygnet.eap.methods.avps import (
    EAP_MESSAGE,
    MS_CHAP2_RESPONSE,
    MS_CHAP_CHALLENGE,
    USER_NAME,
    USER_PASSWORD,
    build_avps,
    parse_avps,
)
from cygnet.eap.methods.ttls_peer import TtlsMschapv2Peer
from cygnet.eap.methods.ttls_server import TtlsServerTunnel, TtlsStyle
from cygnet.eap.outcomes import Proof
from cygnet.eap.packets import GTC, IDENTITY, Code, EapPacket, parse_packet
from cygnet.eap.ports import UserSecret
from cygnet.eap.tls.session import TlsSession


def sessions():
    client, server = TlsSession(peer_tls(), server=False), TlsSession(server_tls(), server=True)
    octets = b""
    while not (client.finished and server.finished):
        client.feed(octets)
        server.feed(client.drain())
        octets = server.drain()
    return client, server


def tunnel(session=None, styles=frozenset(TtlsStyle)):
    return TtlsServerTunnel(styles, Passwords(), lambda: server([GTC]), session or sessions()[1])


def test_peer_speaks_first():
    assert tunnel().begin(1) == b""


def test_zeros_behind_the_password_are_none_of_it():
    avps = build_avps([(USER_NAME, b"carol"), (USER_PASSWORD, PASSWORD.reveal() + bytes(11))])
    proof = tunnel().receive(avps, 2)
    assert isinstance(proof, Proof)
    assert (proof.identity, proof.inner) == (b"carol", "PAP")


def test_volunteered_identity_begins_eap():
    packet = EapPacket(Code.RESPONSE, 0, IDENTITY, b"carol").build()
    answer = tunnel().receive(build_avps([(EAP_MESSAGE, packet)]), 2)
    assert isinstance(answer, bytes)
    assert parse_packet(parse_avps(answer)[EAP_MESSAGE]).type == GTC


def test_password_in_the_middle_of_eap_is_refused():
    inner = tunnel()
    packet = EapPacket(Code.RESPONSE, 0, IDENTITY, b"carol").build()
    inner.receive(build_avps([(EAP_MESSAGE, packet)]), 2)
    with pytest.raises(CygnetError, match="nothing that we can authenticate it by"):
        inner.receive(build_avps([(USER_NAME, b"carol"), (USER_PASSWORD, PASSWORD.reveal())]), 3)


@pytest.mark.parametrize(
    ("avps", "words"),
    [
        ([], "nothing that we can authenticate it by"),
        ([(USER_PASSWORD, b"x")], "did not say its user name"),
        ([(USER_NAME, b"carol"), (USER_PASSWORD, b"x")], "wrong password for 'carol'"),
        ([(USER_NAME, b"carol"), (MS_CHAP2_RESPONSE, b"x")], "MS-CHAP2-Response: 1 octets expected"),
        ([(USER_NAME, b"carol"), (MS_CHAP2_RESPONSE, bytes(50))], "challenge is not that of the tunnel"),
        (
            [(USER_NAME, b"carol"), (MS_CHAP_CHALLENGE, bytes(16)), (MS_CHAP2_RESPONSE, bytes(50))],
            "challenge is not that of the tunnel",
        ),
        ([(EAP_MESSAGE, b"x")], "inside EAP-TTLS: EAP packet"),
    ],
)
def test_refusals(avps, words):
    with pytest.raises(CygnetError, match=words):
        tunnel().receive(build_avps(avps), 2)


def test_mschapv2_of_another_tunnel_is_worth_nothing():
    client, _ = sessions()
    recorded = TtlsMschapv2Peer(b"carol", UserSecret(PASSWORD), counting(), client).begin(1)
    with pytest.raises(CygnetError, match="challenge is not that of the tunnel"):
        tunnel().receive(recorded, 2)


def test_mschapv2_success_must_be_acknowledged():
    client, session = sessions()
    inner, theirs = tunnel(session), TtlsMschapv2Peer(b"carol", UserSecret(PASSWORD), counting(), client)
    assert isinstance(inner.receive(theirs.begin(1), 2), bytes)
    with pytest.raises(CygnetError, match="data came instead of an acknowledgement"):
        inner.receive(b"x", 3)
    assert isinstance(inner.receive(b"", 3), Proof)
