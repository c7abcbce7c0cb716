"""EAP-TTLS and PEAP as a whole: a tunnel, and somebody proven in it."""

import pytest
from simulation.eap_sides import PASSWORD, own, peer, peer_tls, server, server_tls, talk, trust

from cygnet.base.secret import Secret
from cygnet.eap.methods.ttls_peer import TtlsPapPeer
from cygnet.eap.methods.ttls_server import TtlsStyle
from cygnet.eap.methods.tunnels import PeerTtls
from cygnet.eap.packets import GTC, MD5, MSCHAPV2, PEAP, TLS, TTLS, Code, EapPacket
from cygnet.eap.peer import PeerConversation
from cygnet.eap.ports import UserSecret
from cygnet.eap.tls.options import TlsVersion

TUNNELS = pytest.mark.parametrize("tunnel", [TTLS, PEAP], ids=str)
VERSIONS = pytest.mark.parametrize("version", TlsVersion, ids=lambda version: version.name)
WRONG = UserSecret(Secret(b"wrong"))


def sides(tunnel, version=TlsVersion.TLS_1_3, peers=None, servers=None):
    limits = {"version_min": version, "version_max": version}
    return (
        peer([tunnel], tls=peer_tls(own=None, **limits), **(peers or {})),
        server([tunnel], b"anonymous", **{"tls": server_tls(verify=None, **limits), **(servers or {})}),
    )


@VERSIONS
@TUNNELS
@pytest.mark.parametrize("inner", [MD5, GTC, MSCHAPV2], ids=str)
def test_user_is_proven_inside(tunnel, version, inner):
    result = talk(*sides(tunnel, version, {"inner": (inner,)}))
    assert result.agreed
    assert result.server.proof is not None
    assert result.server.proof.identity == b"carol"
    assert (result.server.proof.method, result.server.proof.inner) == (tunnel, str(inner))
    assert len(result.server.proof.msk) == len(result.server.proof.emsk) == 64
    assert not any(b"carol" in packet or PASSWORD.reveal() in packet for packet in result.packets)


@VERSIONS
def test_peap_that_asks_with_the_end_of_the_handshake_saves_a_round_trip_in_tls_1_2(version):
    plain, quick = (talk(*sides(PEAP, version, None, {"piggyback": asks})) for asks in (False, True))
    assert plain.agreed and quick.agreed
    saved = len(plain.packets) - len(quick.packets)
    assert saved == (2 if version is TlsVersion.TLS_1_2 else 0)


@VERSIONS
@TUNNELS
@pytest.mark.parametrize("inner", [MD5, GTC, MSCHAPV2], ids=str)
def test_wrong_password_inside_is_told_on_both_sides(tunnel, version, inner):
    result = talk(*sides(tunnel, version, {"inner": (inner,), "secret": WRONG}))
    assert "wrong password for 'carol'" in result.server.reason
    assert f"inside {tunnel}".replace("EAP-PEAP", "PEAP") in result.server.reason
    assert "refused" in result.peer.reason
    assert ("E=691" in result.peer.reason) == (inner == MSCHAPV2)
    assert result.packets[-1][0] == Code.FAILURE


@VERSIONS
@TUNNELS
def test_server_that_is_not_trusted_never_sees_the_user(tunnel, version):
    limits = {"version_min": version, "version_max": version}
    result = talk(
        peer([tunnel], tls=peer_tls(verify=trust("bbb.test"), **limits)),
        server([tunnel], b"anonymous", tls=server_tls(**limits)),
    )
    assert "is not for 'bbb.test'" in result.peer.reason
    assert result.server.reason == f"{tunnel}: the other side refuses TLS: bad certificate"


@TUNNELS
def test_inner_methods_that_do_not_meet(tunnel):
    result = talk(*sides(tunnel, peers={"inner": (GTC,)}, servers={"inner": (MD5,)}))
    assert "the peer refuses EAP-MD5 and wants EAP-GTC; allowed here: EAP-MD5" in result.server.reason
    assert result.peer.reason


@VERSIONS
@TUNNELS
def test_client_certificate_on_top(tunnel, version):
    limits = {"version_min": version, "version_max": version}
    result = talk(
        peer([tunnel], tls=peer_tls(**limits)), server([tunnel], b"anonymous", tls=server_tls(**limits))
    )
    assert result.agreed
    assert result.server.proof is not None and len(result.server.proof.certificates) == 1
    expired = peer_tls(own=own("carol.test", age_days=(-9, -5)), **limits)
    result = talk(peer([tunnel], tls=expired), server([tunnel], b"anonymous", tls=server_tls(**limits)))
    assert "expired 5 days ago" in result.server.reason


@VERSIONS
@TUNNELS
def test_success_before_anything_inside_is_not_believed(tunnel, version):
    whole = len(talk(*sides(tunnel, version)).packets)
    for cut in range(2, whole - 1, 2):

        def meddle(number, octets, cut=cut):
            return EapPacket(Code.SUCCESS, octets[1]).build() if number == cut else octets

        result = talk(*sides(tunnel, version), meddle)
        assert "success" in result.peer.reason


@pytest.mark.parametrize("style", [TtlsStyle.PAP, TtlsStyle.MSCHAPV2])
@VERSIONS
def test_ttls_without_eap_inside(style, version):
    name = {"pap": "PAP", "mschapv2": "MS-CHAP-V2"}[style]
    result = talk(*sides(TTLS, version, {"ttls_style": style}))
    assert result.agreed
    assert result.server.proof is not None
    assert (result.server.proof.identity, result.server.proof.inner) == (b"carol", name)


@pytest.mark.parametrize("style", [TtlsStyle.PAP, TtlsStyle.MSCHAPV2])
@VERSIONS
def test_ttls_without_eap_and_a_wrong_password(style, version):
    result = talk(*sides(TTLS, version, {"ttls_style": style, "secret": WRONG}))
    assert "wrong password for 'carol'" in result.server.reason
    assert result.peer.reason == "the server refused our EAP-TTLS"


@pytest.mark.parametrize("style", TtlsStyle)
def test_ttls_style_that_is_not_allowed(style):
    others = frozenset(TtlsStyle) - {style}
    result = talk(*sides(TTLS, peers={"ttls_style": style}, servers={"ttls_styles": others}))
    assert f"the peer uses {style} inside; allowed here: {', '.join(sorted(others))}" in result.server.reason


@VERSIONS
def test_peer_that_begins_a_packet_after_the_handshake(version):
    class Hesitant(PeerTtls):
        hesitates = True

        def inside(self, plaintext, identifier):
            if not self.hesitates:
                super().inside(plaintext, identifier)
            self.hesitates = False

    tls = {"version_max": version}
    method = Hesitant(peer_tls(**tls), lambda _: TtlsPapPeer(b"carol", PASSWORD))
    theirs = PeerConversation(b"carol", {TTLS: lambda: method})
    assert talk(theirs, server([TTLS], tls=server_tls(**tls))).agreed


@TUNNELS
def test_lacks(tunnel):
    result = talk(peer([tunnel], tls=peer_tls(verify=None)), server([tunnel]))
    assert result.peer.reason == f"{tunnel} needs a way to verify the server's certificate"
    result = talk(peer([tunnel]), server([tunnel], tls=server_tls(own=None)))
    assert result.server.reason == f"{tunnel} needs a certificate of ours and its key"


def test_keys_of_tunnels_are_not_those_of_eap_tls():
    limits = {"version_min": TlsVersion.TLS_1_3}
    keys = set()
    for method in (TLS, TTLS, PEAP):
        result = talk(peer([method], tls=peer_tls(**limits)), server([method], tls=server_tls(**limits)))
        assert result.server.proof is not None
        keys.add(result.server.proof.msk)
    assert len(keys) == 3
