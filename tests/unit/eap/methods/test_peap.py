"""Inside a PEAPv0 tunnel."""

import pytest
from simulation.eap_sides import PASSWORD, peer, server

from cygnet.base.errors import CygnetError
from cygnet.eap.methods.peap import (
    MAX_TLVS,
    PeapPeer,
    PeapServer,
    build_result,
    is_extensions,
    parse_result,
    with_header,
)
from cygnet.eap.packets import IDENTITY, MD5, Code, EapPacket
from cygnet.eap.ports import UserSecret


def test_result_has_its_header():
    packet = build_result(Code.REQUEST, 7, 1)
    assert packet == bytes.fromhex("0107000b 21 8003 0002 0001")
    assert is_extensions(packet, Code.REQUEST) and not is_extensions(packet, Code.RESPONSE)


def test_other_tlvs_are_ignored_unless_mandatory():
    # A Cryptobinding TLV (12) is not mandatory.
    assert parse_result(bytes.fromhex("000c0002ffff 800300020001")) == 1
    assert parse_result(b"") == 0
    with pytest.raises(CygnetError, match="mandatory TLV 12"):
        parse_result(bytes.fromhex("800c0002ffff"))


@pytest.mark.parametrize("data", ["80", "8003000200", "80030004000100"])
def test_malformed_tlvs(data):
    with pytest.raises(CygnetError):
        parse_result(bytes.fromhex(data))


def test_tlvs_have_a_limit():
    assert parse_result(bytes.fromhex("00070000") * MAX_TLVS + bytes.fromhex("800300020001")) == 0


def test_header_is_given_back():
    assert with_header(Code.RESPONSE, 9, b"\x01carol") == bytes.fromhex("0209000a01") + b"carol"


def test_identifier_is_that_of_the_packet_outside():
    inner_peer, inner_server = PeapPeer(peer([MD5])), PeapServer(server([MD5]))
    answer = inner_peer.receive(inner_server.begin(40), 40)
    answer = inner_peer.receive(inner_server.receive(answer, 77), 77)
    result = inner_server.receive(answer, 78)
    assert isinstance(result, bytes) and result[1] == 78
    proof = inner_server.receive(inner_peer.receive(result, 78), 79)
    assert proof == inner_peer.conclude()


@pytest.mark.parametrize("request_", [b"\x01", EapPacket(Code.REQUEST, 0, IDENTITY).build()])
def test_request_with_a_header_is_understood_too(request_):
    assert PeapPeer(peer([MD5])).receive(request_, 1) == b"\x01carol"


def test_result_before_anything_was_proven():
    inner = PeapPeer(peer([MD5]))
    with pytest.raises(CygnetError, match="before anything was proven"):
        inner.receive(build_result(Code.REQUEST, 1, 1), 1)
    with pytest.raises(CygnetError, match="outside of the tunnel, but not in it"):
        inner.conclude()


def test_nonsense_inside_names_the_tunnel():
    inner = PeapPeer(peer([MD5]))
    with pytest.raises(CygnetError, match="inside PEAP: EAP-MD5 challenge"):
        inner.receive(b"\x04\x10short", 1)


def test_refusal_is_acknowledged():
    inner = PeapPeer(peer([MD5]))
    assert inner.receive(build_result(Code.REQUEST, 1, 2), 1) == build_result(Code.RESPONSE, 1, 2)
    assert inner.failure == "the server refused us"


def at_result(secret=PASSWORD):
    """A server that has sent its result."""
    inner_peer = PeapPeer(peer([MD5], secret=UserSecret(secret)))
    inner_server = PeapServer(server([MD5]))
    answer = inner_peer.receive(inner_server.begin(1), 1)
    answer = inner_peer.receive(inner_server.receive(answer, 2), 2)
    inner_server.receive(answer, 3)
    return inner_server


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (b"", "does not answer our result"),
        (b"\x01carol", "does not answer our result"),
        (build_result(Code.RESPONSE, 3, 2), "does not accept the result"),
    ],
)
def test_success_must_be_acknowledged(answer, words):
    with pytest.raises(CygnetError, match=words):
        at_result().receive(answer, 4)


def test_silence_inside():
    inner = PeapServer(server([MD5]))
    inner.begin(1)
    with pytest.raises(CygnetError, match="says nothing inside"):
        inner.receive(b"", 2)
