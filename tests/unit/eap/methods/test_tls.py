"""EAP-TLS (RFC 5216, RFC 9190)."""

import pytest
from simulation.authority import Issuer
from simulation.eap_sides import YEARS, own, peer, peer_tls, root, server, server_tls, talk, trust

from cygnet.base.errors import CygnetError
from cygnet.eap.errors import EapConfigError
from cygnet.eap.methods.tls import PeerTls, ServerTls
from cygnet.eap.packets import TLS, Code, EapPacket, parse_packet
from cygnet.eap.tls.options import TlsVersion

BOTH = pytest.mark.parametrize("version", TlsVersion, ids=lambda version: version.name)


def sides(version, peers=None, servers=None):
    limits = {"version_min": version, "version_max": version}
    return (
        peer([TLS], tls=peer_tls(**limits, **(peers or {}))),
        server([TLS], tls=server_tls(**limits, **(servers or {}))),
    )


@BOTH
def test_both_prove_their_certificates(version):
    result = talk(*sides(version))
    assert result.agreed
    assert result.server.proof is not None and result.peer.proof is not None
    assert result.server.proof.identity == b"carol"
    assert len(result.server.proof.msk) == len(result.server.proof.emsk) == 64
    assert result.peer.proof.certificates != result.server.proof.certificates != ()


def test_flow_of_tls12_is_that_of_rfc5216():
    result = talk(*sides(TlsVersion.TLS_1_2, {"fragment_size": 4000}, {"fragment_size": 4000}))
    # 2.1.1: identity, start, ClientHello, ServerHello…, Certificate… Finished, Finished, empty, Success
    assert [len(packet) > 100 for packet in result.packets] == [
        False, False, False, True, True, True, False, False, False,
    ]  # fmt: skip
    assert parse_packet(result.packets[7]).data == b"\x00"


def test_flow_of_tls13_is_that_of_rfc9190():
    result = talk(*sides(TlsVersion.TLS_1_3, {"fragment_size": 4000}, {"fragment_size": 4000}))
    # 2.1.1: the server's last request has the octet 0x00 inside, encrypted, which is acknowledged
    assert len(result.packets) == 9
    assert parse_packet(result.packets[7]).data == b"\x00"


@BOTH
@pytest.mark.parametrize("size", [100, 300, 1400])
def test_fragments(version, size):
    fragments = {"fragment_size": size, "max_messages": 100}
    result = talk(*sides(version, fragments, fragments))
    assert result.agreed
    assert max(map(len, result.packets)) <= size


@BOTH
def test_certificates_too_great_for_the_limit_end_it(version):
    big = own("aaa.test", Issuer("Big", root(), padding=20000, age_days=YEARS), padding=20000)
    result = talk(*sides(version, None, {"own": big}))
    assert "more than 32 packets" in result.peer.reason
    more = {"max_messages": 100}
    assert talk(*sides(version, more, {"own": big, **more})).agreed


@BOTH
def test_wrong_server_name_is_told_on_both_sides(version):
    result = talk(*sides(version, {"verify": trust("bbb.test")}))
    assert "is not for 'bbb.test'" in result.peer.reason
    assert result.server.reason == "EAP-TLS: the other side refuses TLS: bad certificate"
    assert result.packets[-1][0] == Code.FAILURE


@BOTH
def test_client_certificate_of_somebody_else_is_told_on_both_sides(version):
    result = talk(*sides(version, None, {"verify": trust("dave.test")}))
    assert "is not for 'dave.test'" in result.server.reason
    assert result.peer.reason == "EAP-TLS: the other side refuses TLS: bad certificate"


@BOTH
def test_expired_client_certificate(version):
    result = talk(*sides(version, {"own": own("carol.test", age_days=(-30, -3))}))
    assert "expired 3 days ago" in result.server.reason
    assert "bad certificate" in result.peer.reason


@BOTH
def test_success_in_the_middle_is_not_believed(version):
    def meddle(number, octets):
        return EapPacket(Code.SUCCESS, octets[1]).build() if number == 4 else octets

    result = talk(*sides(version), meddle)
    assert result.peer.reason == "the server says success in the middle of EAP-TLS"


def test_success_without_the_protected_indication_is_not_believed():
    def meddle(number, octets):
        # The handshake is done for the peer, which waits for the verdict on its certificate.
        return EapPacket(Code.SUCCESS, octets[1]).build() if number == 6 else octets

    big = {"fragment_size": 4000}
    result = talk(*sides(TlsVersion.TLS_1_3, big, big), meddle)
    assert result.peer.reason == "EAP-TLS: the server says success without protecting it (RFC 9190, 2.5)"


class Chatty(ServerTls):
    """A server that has something to say inside."""

    said = b"\x00\x00"

    def inside(self, plaintext, identifier):
        self.session.write(self.said)
        return self.session.drain()


@pytest.mark.parametrize(
    ("version", "said"),
    [(TlsVersion.TLS_1_2, b"\x00"), (TlsVersion.TLS_1_3, b"\x00\x00"), (TlsVersion.TLS_1_3, b"hello")],
)
def test_data_inside_has_no_place(version, said):
    chatty = Chatty(b"carol", server_tls(version_max=version))
    chatty.said = said
    method, data = PeerTls(b"carol", peer_tls()), chatty.begin()
    with pytest.raises(CygnetError, match="octets of data came, which have no place here"):
        for number in range(20):
            data = method.process(EapPacket(Code.REQUEST, number, TLS, data))
            data = chatty.process(EapPacket(Code.RESPONSE, number, TLS, data))


def test_data_of_a_peer_has_no_place():
    class ChattyPeer(PeerTls):
        def inside(self, plaintext, identifier):
            self.session.write(b"hello")

    method, chatty = ServerTls(b"carol", server_tls()), ChattyPeer(b"carol", peer_tls())
    data = method.begin()
    with pytest.raises(CygnetError, match="5 octets of data came"):
        for number in range(20):
            data = chatty.process(EapPacket(Code.REQUEST, number, TLS, data))
            data = method.process(EapPacket(Code.RESPONSE, number, TLS, data))


def test_server_that_goes_on_after_our_alert_is_left():
    method = PeerTls(b"carol", peer_tls())
    method.process(EapPacket(Code.REQUEST, 1, TLS, b"\x20"))
    method.process(EapPacket(Code.REQUEST, 2, TLS, b"\x00"))
    nonsense = EapPacket(Code.REQUEST, 3, TLS, b"\x00\x16\x03\x01\x00\x08\xff\x00\x00\x04help")
    assert method.process(nonsense)[5] == 0x15
    assert method.failure.startswith("EAP-TLS: TLS: ")
    with pytest.raises(CygnetError, match=method.failure):
        method.process(EapPacket(Code.REQUEST, 4, TLS, b"\x00"))


def test_lacks():
    with pytest.raises(EapConfigError, match="needs a certificate of ours"):
        PeerTls(b"carol", peer_tls(own=None))
    with pytest.raises(EapConfigError, match="verify the server's certificate"):
        PeerTls(b"carol", peer_tls(verify=None))
    with pytest.raises(EapConfigError, match="needs a certificate of ours"):
        ServerTls(b"carol", server_tls(own=None))
    with pytest.raises(EapConfigError, match="verify the peer's certificate"):
        ServerTls(b"carol", server_tls(verify=None))


@pytest.mark.parametrize(
    ("garbage", "alert"), [(b"\x16\x03\x01\x00\x08\xff\x00\x00\x04help", True), (b"GET / HTTP/1.0", False)]
)
def test_garbage_ends_it_after_the_alert_if_openssl_has_one(garbage, alert):
    method = ServerTls(b"carol", server_tls())
    method.begin()
    if alert:
        answer = method.process(EapPacket(Code.RESPONSE, 1, TLS, b"\x00" + garbage))
        assert isinstance(answer, bytes) and answer[5] == 0x15
        garbage = b""
    with pytest.raises(CygnetError, match="EAP-TLS: TLS: "):
        method.process(EapPacket(Code.RESPONSE, 2, TLS, b"\x00" + garbage))
