"""EAP-MSCHAPv2 (draft-kamath-pppext-eap-mschapv2)."""

import pytest
from simulation.eap_sides import PASSWORD, Passwords, counting, peer, server, talk

from cygnet.base.errors import CygnetError
from cygnet.base.secret import Secret
from cygnet.eap.methods.mschapv2 import PeerMschapv2, ServerMschapv2
from cygnet.eap.methods.mschapv2_packets import Frame, Operation, build_challenge, parse_frame
from cygnet.eap.mschap import nt_hash
from cygnet.eap.packets import MSCHAPV2, Code, EapPacket
from cygnet.eap.ports import UserSecret

SIGNED = b"S=" + b"0" * 40


def request(operation, data=b"", id=7):
    return EapPacket(Code.REQUEST, 1, MSCHAPV2, Frame(operation, id, data).build())


def response(operation, data=b"", id=0):
    return EapPacket(Code.RESPONSE, 1, MSCHAPV2, Frame(operation, id, data).build())


def challenge():
    return request(Operation.CHALLENGE, build_challenge(bytes(16), b"aaa"))


def new_peer():
    return PeerMschapv2(b"carol", UserSecret(PASSWORD), counting())


def test_both_sides_have_the_same_msk():
    result = talk(peer([MSCHAPV2]), server([MSCHAPV2]))
    assert result.agreed
    assert result.peer.proof is not None
    assert len(result.peer.proof.msk) == 64


def test_nt_hash_is_as_good_as_the_password():
    hashed = UserSecret(nt_hash=nt_hash(PASSWORD))
    users = Passwords({b"carol": hashed})
    assert talk(peer([MSCHAPV2], secret=hashed), server([MSCHAPV2])).agreed
    assert talk(peer([MSCHAPV2]), server([MSCHAPV2], users=users)).agreed


def test_domain_belongs_to_the_name_and_not_to_the_digest():
    users = Passwords({b"LAB\\carol": UserSecret(PASSWORD)})
    result = talk(peer([MSCHAPV2], b"LAB\\carol"), server([MSCHAPV2], users=users))
    assert result.agreed
    assert result.server.proof is not None
    assert result.server.proof.identity == b"LAB\\carol"


def test_proven_is_the_name_in_the_response_whatever_the_identity_said():
    result = talk(peer([MSCHAPV2]), server([MSCHAPV2], identity=b"root"))
    assert result.server.proof is not None
    assert result.server.proof.identity == b"carol"


@pytest.mark.parametrize(
    ("identity", "secret", "words"),
    [
        (b"carol", Secret(b"no"), "wrong password for 'carol'"),
        (b"dave", PASSWORD, "no EAP secret is known for 'dave'"),
    ],
)
def test_server_refuses_and_both_say_why(identity, secret, words):
    result = talk(peer([MSCHAPV2], identity, secret=UserSecret(secret)), server([MSCHAPV2]))
    assert result.server.reason == f"EAP-MSCHAPv2: {words}"
    assert "wrong user name or password (E=691)" in result.peer.reason


def test_server_without_the_password_is_not_believed():
    method = new_peer()
    method.process(challenge())
    with pytest.raises(CygnetError, match="server does not know the password"):
        method.process(request(Operation.SUCCESS, SIGNED))
    with pytest.raises(CygnetError, match="has not proven the password"):
        method.conclude()


@pytest.mark.parametrize(
    "before", [[], [challenge]], ids=["success before the challenge", "a second challenge"]
)
def test_peer_keeps_the_order(before):
    method = new_peer()
    for step in before:
        method.process(step())
    wrong = request(Operation.SUCCESS, SIGNED) if not before else challenge()
    with pytest.raises(CygnetError, match="out of turn"):
        method.process(wrong)


def test_peer_acknowledges_a_failure_and_ends():
    method = new_peer()
    assert method.process(request(Operation.FAILURE, b"E=649")) == b"\x04"
    assert "may not dial in" in method.failure
    with pytest.raises(CygnetError, match="may not dial in"):
        method.conclude()
    with pytest.raises(CygnetError, match="may not dial in"):
        method.process(challenge())


def accepted_server():
    """A server that has accepted a peer, which has not acknowledged it yet."""
    server, peer = ServerMschapv2(b"aaa", Passwords(), counting()), new_peer()
    answer = peer.process(EapPacket(Code.REQUEST, 1, MSCHAPV2, server.begin()))
    assert parse_frame(server.process(EapPacket(Code.RESPONSE, 1, MSCHAPV2, answer))).operation is (
        Operation.SUCCESS
    )
    return server


@pytest.mark.parametrize(
    ("operation", "words"),
    [
        (Operation.FAILURE, "does not believe that we know the password"),
        (Operation.RESPONSE, "response came instead of an acknowledgement"),
    ],
)
def test_success_must_be_acknowledged(operation, words):
    with pytest.raises(CygnetError, match=words):
        accepted_server().process(response(operation))


@pytest.mark.parametrize("frame", [response(Operation.SUCCESS), response(Operation.RESPONSE, id=99)])
def test_server_wants_the_response_to_its_challenge(frame):
    method = ServerMschapv2(b"aaa", Passwords(), counting())
    method.begin()
    with pytest.raises(CygnetError, match="does not answer challenge"):
        method.process(frame)


def test_replayed_response_fails_on_another_challenge():
    first = talk(peer([MSCHAPV2]), server([MSCHAPV2]))
    other = server([MSCHAPV2], rng=counting(77))
    turn = other.process(b"\x02" + other.begin().packet[1:2] + first.packets[1][2:])
    replay = b"\x02" + turn.packet[1:2] + first.packets[3][2:5] + b"\x02" + turn.packet[6:7]
    turn = other.process(replay + first.packets[3][7:])
    turn = other.process(bytes([2, turn.packet[1], 0, 6, 26, 4]))
    assert turn.reason == "EAP-MSCHAPv2: wrong password for 'carol'"
