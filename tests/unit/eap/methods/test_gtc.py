"""EAP-GTC (RFC 3748, 5.6)."""

import pytest
from simulation.eap_sides import PASSWORD, Passwords, peer, server, talk

from cygnet.base.errors import CygnetError
from cygnet.base.secret import Secret
from cygnet.eap.methods.gtc import MAX_PASSWORD, PeerGtc, ServerGtc
from cygnet.eap.outcomes import Proof
from cygnet.eap.packets import GTC, Code, EapPacket
from cygnet.eap.ports import UserSecret


def test_password_goes_in_clear():
    result = talk(peer([GTC]), server([GTC]))
    assert result.packets[3][5:] == PASSWORD.reveal()
    assert result.server.proof == result.peer.proof == Proof(b"carol", GTC)


def test_wrong_password():
    result = talk(peer([GTC], secret=UserSecret(Secret(b"no"))), server([GTC]))
    assert result.server.reason == "EAP-GTC: no such user or wrong password for 'carol'"
    assert result.peer.reason == "the server refused our EAP-GTC"


def test_peer_gives_the_password_once():
    method = PeerGtc(b"carol", PASSWORD)
    with pytest.raises(CygnetError, match="before EAP-GTC has begun"):
        method.conclude()
    prompt = EapPacket(Code.REQUEST, 1, GTC, b"Again\x07?")
    method.process(prompt)
    with pytest.raises(CygnetError, match=r'asks again: "Again\?\?"'):
        method.process(prompt)


@pytest.mark.parametrize("size", [0, MAX_PASSWORD + 1])
def test_passwords_of_strange_sizes_are_not_tried(size):
    class NeverAsked(Passwords):
        def accepts(self, user, password):
            raise AssertionError

    with pytest.raises(CygnetError, match=f"a password of {size} octets"):
        ServerGtc(b"carol", NeverAsked()).process(EapPacket(Code.RESPONSE, 1, GTC, bytes(size)))
