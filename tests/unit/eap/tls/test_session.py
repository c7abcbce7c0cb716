"""TLS over memory: handshakes, what they refuse, and in what words."""

import contextlib
import hashlib
import hmac

import pytest
from OpenSSL import SSL
from simulation.authority import native_key
from simulation.eap_sides import own, peer_tls, root, server_tls, trust

from cygnet.eap.errors import EapConfigError
from cygnet.eap.packets import PEAP, TLS, TTLS
from cygnet.eap.tls.keys import implicit_challenge, session_keys
from cygnet.eap.tls.options import OwnCertificate, TlsOptions, TlsVersion
from cygnet.eap.tls.session import MAX_PLAINTEXT, TlsSession

BOTH = pytest.mark.parametrize("version", TlsVersion, ids=lambda version: version.name)


def limits(version):
    return {"version_min": version, "version_max": version}


def shake(client, server):
    """Carries records to and fro until nobody has any."""
    octets = b"start"
    client.feed(b"")
    while octets:
        octets = client.drain()
        server.feed(octets)
        octets = server.drain()
        client.feed(octets)


def pair(client, server):
    sessions = TlsSession(client, server=False), TlsSession(server, server=True)
    shake(*sessions)
    return sessions


@BOTH
def test_handshake_with_certificates_on_both_sides(version):
    shown, other = own("aaa.test"), own("carol.test")
    client, server = pair(
        peer_tls(own=other, **limits(version)), server_tls(own=shown, **limits(version))
    )
    assert (client.finished, server.finished, client.version) == (True, True, version)
    assert (client.certificates, server.certificates) == (shown.chain, other.chain)
    assert server.is_tls13 == (version == TlsVersion.TLS_1_3)


@BOTH
def test_data_travels_inside(version):
    client, server = pair(peer_tls(**limits(version)), server_tls(**limits(version)))
    client.write(b"hello")
    records = client.drain()
    assert b"hello" not in records
    assert server.feed(records) == b"hello"


@BOTH
@pytest.mark.parametrize("kind", ["rsa", "ec256", "ec384", "ed25519"])
def test_keys_of_all_kinds(version, kind):
    client, server = pair(
        peer_tls(own=own("carol.test", kind=kind), **limits(version)),
        server_tls(own=own("aaa.test", kind=kind), **limits(version)),
    )
    assert client.finished and server.finished


@BOTH
def test_both_sides_export_the_same_keys_and_each_method_its_own(version):
    client, server = pair(peer_tls(**limits(version)), server_tls(**limits(version)))
    keys = {kind: session_keys(client, kind) for kind in (TLS, TTLS, PEAP)}
    assert keys == {kind: session_keys(server, kind) for kind in (TLS, TTLS, PEAP)}
    assert implicit_challenge(client, 17) == implicit_challenge(server, 17)
    different = {TLS, TTLS, PEAP} if version == TlsVersion.TLS_1_3 else {TLS, TTLS}
    assert len({keys[kind] for kind in different}) == len(different)


def test_keys_of_tls12_are_the_prf_of_rfc5216(monkeypatch):
    secrets = {}
    made = SSL.Context.__init__

    def logging(context, method):
        made(context, method)
        context.set_keylog_callback(lambda _, line: secrets.update([line.split()[::2]]))

    monkeypatch.setattr(SSL.Context, "__init__", logging)
    options = {**limits(TlsVersion.TLS_1_2), "ciphers": "ECDHE-ECDSA-AES128-GCM-SHA256"}
    client, server = TlsSession(peer_tls(**options), False), TlsSession(server_tls(**options), True)
    client.feed(b"")
    hello = client.drain()
    server.feed(hello)
    flight = server.drain()
    client.feed(flight)
    server.feed(client.drain())
    client.feed(server.drain())
    # Record header 5, handshake header 4, version 2: then the 32 octets of the random.
    seed = b"client EAP encryption" + hello[11:43] + flight[11:43]
    master = bytes.fromhex(secrets[b"CLIENT_RANDOM"].decode())
    msk, emsk = session_keys(client, TLS)
    assert msk.reveal() + emsk.reveal() == p_sha256(master, seed, 128)


def p_sha256(secret, seed, size):
    """P_hash of RFC 5246, 5."""
    octets, chain = b"", seed
    while len(octets) < size:
        chain = hmac.digest(secret, chain, hashlib.sha256)
        octets += hmac.digest(secret, chain + seed, hashlib.sha256)
    return octets[:size]


@BOTH
def test_client_refuses_and_the_server_hears_of_it(version):
    client, server = pair(peer_tls(verify=trust("bbb.test"), **limits(version)), server_tls())
    assert "is not for 'bbb.test'" in client.failure and not client.finished
    assert server.failure == "the other side refuses TLS: bad certificate"


@BOTH
def test_server_refuses_and_the_client_hears_of_it(version):
    client, server = pair(peer_tls(**limits(version)), server_tls(verify=trust("dave.test")))
    assert "is not for 'dave.test'" in server.failure and not server.finished
    assert client.failure == "the other side refuses TLS: bad certificate"


@BOTH
def test_client_without_a_certificate_is_refused(version):
    client, server = pair(peer_tls(own=None, **limits(version)), server_tls())
    assert "peer did not return a certificate" in server.failure
    assert "the other side refuses TLS" in client.failure


def test_server_that_does_not_ask_gets_no_certificate():
    client, server = pair(peer_tls(), server_tls(verify=None))
    assert (client.finished, server.finished, server.certificates) == (True, True, ())


def test_versions_that_do_not_meet():
    client, server = pair(
        peer_tls(version_max=TlsVersion.TLS_1_2), server_tls(version_min=TlsVersion.TLS_1_3)
    )
    assert "unsupported protocol" in server.failure
    assert client.failure == "the other side refuses TLS: protocol version"


def test_ciphers_that_do_not_meet():
    client, server = pair(
        peer_tls(ciphers="ECDHE-ECDSA-AES128-GCM-SHA256", version_max=TlsVersion.TLS_1_2),
        server_tls(ciphers="ECDHE-ECDSA-AES256-GCM-SHA384"),
    )
    assert "no shared cipher" in server.failure
    assert client.failure.startswith("the other side refuses TLS: handshake failure")


@pytest.mark.parametrize("garbage", [b"\x00" * 50, b"GET / HTTP/1.0\r\n\r\n", b"\x16\x03\x01\xff\xff"])
def test_garbage_is_a_failure_in_words(garbage):
    server = TlsSession(server_tls(verify=None), server=True)
    server.feed(garbage + bytes(20000))
    assert server.failure.startswith("TLS: ")
    assert server.feed(b"more") == b""


def test_more_plaintext_than_the_limit_is_a_failure():
    client, server = pair(peer_tls(), server_tls())
    for _ in range(5):
        client.write(bytes(MAX_PLAINTEXT // 4))
    server.feed(client.drain())
    assert "more than 65536 octets at once" in server.failure


def raw_client(server):
    """A client that is OpenSSL alone, when its handshake with ``server`` is done."""
    client = SSL.Connection(SSL.Context(SSL.TLS_METHOD), None)
    client.set_connect_state()
    for _ in range(4):
        with contextlib.suppress(SSL.Error):
            client.do_handshake()
        with contextlib.suppress(SSL.WantReadError):
            server.feed(client.bio_read(20000))
        if answer := server.drain():
            client.bio_write(answer)
    return client


def test_session_that_is_closed_is_a_failure():
    server = TlsSession(server_tls(verify=None), server=True)
    client = raw_client(server)
    assert server.finished
    client.shutdown()
    server.feed(client.bio_read(1000))
    assert server.failure == "the other side closed the TLS session"


def test_authorities_are_named_to_the_client():
    server = TlsSession(server_tls(authorities=(root().certificate.der,)), server=True)
    names = raw_client(server).get_client_ca_list(as_cryptography=True)
    assert [name.rfc4514_string() for name in names] == ["CN=Root,O=Lab,C=CH"]


def test_cipher_without_certificates_proves_nobody():
    anonymous = "AECDH-AES128-SHA@SECLEVEL=0"
    options = {"ciphers": anonymous, "version_max": TlsVersion.TLS_1_2}
    client, _ = pair(peer_tls(**options), server_tls(verify=None, **options))
    assert client.failure == "TLS: the other side has proven no certificate"
    assert (client.finished, client.feed(b"more")) == (False, b"")


def test_no_session_is_resumed():
    first = peer_tls(), server_tls()
    pair(*first)
    client, server = pair(*first)
    assert client.certificates and server.certificates


@pytest.mark.parametrize(
    "wrong",
    [
        OwnCertificate((b"no certificate",), native_key("ec256", "aaa.test")),
        OwnCertificate(own("aaa.test").chain, native_key("ec256", "somebody else")),
    ],
    ids=["certificate", "key"],
)
def test_what_cannot_be_used_is_our_fault(wrong):
    with pytest.raises(EapConfigError, match="TLS cannot be set up"):
        TlsSession(TlsOptions(None, wrong), server=True)
