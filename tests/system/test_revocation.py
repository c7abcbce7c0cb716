"""Peers whose certificates are revoked, or of which that is not known, with servers of others' making."""

import shutil
import time
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization

from lab.certificates import Holder, authority, leaf
from lab.hosts import until
from lab.revocation import crl, serve_http, serve_ldap, serve_ocsp
from lab.topology import PAIRS, Lab
from lab.tunnels import End, bring_up, configure

pytestmark = [pytest.mark.root]
TO_US = [pair for pair in PAIRS if pair.values[0].endswith("-cygnet")]
CA = authority("ecdsa")
MOON, SUN = leaf(CA, "moon.lab"), leaf(CA, "sun.lab")
needs_slapd = pytest.mark.skipif(not Path("/usr/sbin/slapd").exists(), reason="no slapd (Debian: slapd)")
needs_openssl = pytest.mark.skipif(shutil.which("openssl") is None, reason="no openssl")


def prepare(lab: Lab, kinds: str) -> tuple[End, End]:
    moon, sun = lab.pair(kinds)
    configure(moon, sun, "ecdsa")
    return moon, sun


def authority_section(end: End, setup: str = "", **keywords: str) -> None:
    """Adds a ca section for our CA, and keywords of config setup."""
    text = end.host.read("/etc/ipsec.conf")
    lines = "".join(
        f"    {key}={value}\n" for key, value in ({"cacert": "ca0.pem", "auto": "add"} | keywords).items()
    )
    text = text.replace("config setup\n", f"config setup\n{setup}")
    end.host.write("/etc/ipsec.conf", f"{text}\nca lab\n{lines}")


def assert_refused_as_revoked(moon: End, sun: End, *words: str) -> None:
    sun.host.start()
    moon.host.start()
    moon.host.ipsec("up", "net-net", status=None)
    for word in words:
        sun.host.says(word)
    assert sun.host.established() == 0
    moon.host.says("AUTHENTICATION_FAILED")


@pytest.mark.parametrize("kinds", TO_US)
def test_crl_from_a_web_server_revokes_and_is_cached(lab: Lab, kinds: str) -> None:
    moon, sun = prepare(lab, kinds)
    uri = serve_http(sun.host, "ca.crl", crl(CA, MOON))
    authority_section(sun, "    cachecrls=yes\n", crluri=uri)
    assert_refused_as_revoked(
        moon, sun, f"fetching crl from '{uri}'", 'CN=moon.lab" was revoked on', "keyCompromise"
    )
    (cached,) = sun.host.file("/etc/ipsec.d/crls").iterdir()
    assert cached.suffix == ".crl"
    assert cached.read_bytes() == sun.host.file("/etc/www/ca.crl").read_bytes()


@pytest.mark.parametrize("kinds", TO_US)
def test_strict_policy_is_content_with_a_crl_that_does_not_list_the_peer(lab: Lab, kinds: str) -> None:
    moon, sun = prepare(lab, kinds)
    uri = serve_http(sun.host, "ca.crl", crl(CA))
    authority_section(sun, "    strictcrlpolicy=yes\n", crluri=uri)
    bring_up(moon, sun)


@pytest.mark.parametrize("strict", ["yes", "ifuri"])
def test_strict_policy_refuses_where_nobody_answers(lab: Lab, strict: str) -> None:
    moon, sun = prepare(lab, "cygnet-cygnet")
    authority_section(sun, f"    strictcrlpolicy={strict}\n", crluri="http://127.0.0.1:1/ca.crl")
    assert_refused_as_revoked(
        moon, sun, f"strictcrlpolicy={strict} requires GOOD", "http://127.0.0.1:1/ca.crl", "refused"
    )


def test_ifuri_is_content_where_there_is_nowhere_to_ask(lab: Lab) -> None:
    moon, sun = prepare(lab, "cygnet-cygnet")
    authority_section(sun, "    strictcrlpolicy=ifuri\n")
    bring_up(moon, sun)


def test_silent_server_delays_no_longer_than_configured(lab: Lab) -> None:
    moon, sun = prepare(lab, "cygnet-cygnet")
    sun.host.settings("plugins { revocation { timeout = 1s } }")
    listener = "import socket, time; s = socket.create_server(('127.0.0.1', 8082)); time.sleep(60)"
    sun.host.spawn("python3", "-c", listener, log="silent.log")
    authority_section(sun, crluri="http://127.0.0.1:8082/ca.crl", ocspuri="http://127.0.0.1:8082/")
    sun.host.start()
    moon.host.start()
    begun = time.monotonic()
    moon.host.ipsec("up", "net-net")
    assert time.monotonic() - begun < 3
    sun.host.says("no answer within 1 seconds")
    sun.host.says("status of certificate")


@needs_slapd
def test_crl_from_a_directory_server_revokes(lab: Lab) -> None:
    moon, sun = prepare(lab, "cygnet-cygnet")
    uri = serve_ldap(sun.host, crl(CA, MOON))
    authority_section(sun, crluri=f'"{uri}"')
    assert_refused_as_revoked(moon, sun, f"fetching crl from '{uri}'", 'CN=moon.lab" was revoked on')


def test_crl_of_the_folder_is_read_again(lab: Lab) -> None:
    moon, sun = prepare(lab, "cygnet-cygnet")
    bring_up(moon, sun)
    moon.host.ipsec("down", "net-net")
    sun.host.write("/etc/ipsec.d/crls/ca.crl", crl(CA, MOON))
    sun.host.ipsec("rereadall")
    moon.host.ipsec("up", "net-net", status=None)
    assert sun.host.established() == 0
    sun.host.says('CN=moon.lab" was revoked on')


@needs_openssl
@pytest.mark.parametrize("kinds", TO_US)
@pytest.mark.parametrize("revoked", [False, True], ids=["good", "revoked"])
def test_openssl_ocsp_responder_is_believed(lab: Lab, kinds: str, revoked: bool) -> None:
    moon, sun = prepare(lab, kinds)
    uri = serve_ocsp(sun.host, CA, SUN if revoked else MOON, MOON if revoked else None)
    authority_section(sun, "    strictcrlpolicy=yes\n", ocspuri=uri)
    if revoked:
        words = (f"requesting ocsp status from '{uri}'", 'CN=moon.lab" was revoked on', "keyCompromise")
        assert_refused_as_revoked(moon, sun, *words)
    else:
        bring_up(moon, sun)


@pytest.mark.parametrize("kinds", TO_US)
def test_certificates_that_are_not_revoked_stay_usable_after_expiry_of_the_crl(lab: Lab, kinds: str) -> None:
    moon, sun = prepare(lab, kinds)
    uri = serve_http(sun.host, "ca.crl", crl(CA, lifetime=timedelta(hours=1)))
    authority_section(sun, crluri=uri)
    bring_up(moon, sun)
    sun.host.says("is stale since")


MODULE = Path("/usr/lib/softhsm/libsofthsm2.so")


@pytest.mark.skipif(not MODULE.exists(), reason="no SoftHSM (Debian: softhsm2)")
@pytest.mark.parametrize("kind", ["rsa", "ecdsa"])
def test_key_on_a_token_authenticates(lab: Lab, kind: str) -> None:
    moon, sun = lab.pair("cygnet-cygnet")
    configure(moon, sun, kind)
    load_token(moon, leaf(authority(kind), "moon.lab"))
    moon.host.settings(f"plugins {{ pkcs11 {{ modules {{ hsm {{ path = {MODULE} }} }} }} }}")
    text = moon.host.read("/etc/ipsec.conf").replace("leftcert=own.pem", "leftcert=%smartcard:45")
    moon.host.write("/etc/ipsec.conf", text)
    moon.host.write("/etc/ipsec.secrets", ": PIN %smartcard:45 4321\n", 0o600)
    moon.host.file("/etc/ipsec.d/private/own.key").unlink()
    moon.host.file("/etc/ipsec.d/certs/own.pem").unlink()
    bring_up(moon, sun)
    until(lambda: "loaded" in moon.host.log() and "%smartcard:45" in moon.host.log(), "the token in the log")


def load_token(end: End, holder: Holder) -> None:
    """Puts key and certificate onto a new SoftHSM token of the host."""
    end.host.write(
        "/etc/softhsm/softhsm2.conf",
        "directories.tokendir = /etc/softhsm/tokens\nobjectstore.backend = file\n",
    )
    end.host.run("mkdir", "-p", "/etc/softhsm/tokens")
    util = ("softhsm2-util", "--token", "lab", "--pin", "4321")
    end.host.run(
        "softhsm2-util", "--init-token", "--free", "--label", "lab", "--so-pin", "1234", "--pin", "4321"
    )
    pkcs8 = holder.key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    end.host.write("/etc/softhsm/key.pem", pkcs8)
    end.host.run(*util, "--import", "/etc/softhsm/key.pem", "--id", "45", "--label", "own")
    end.host.write("/etc/softhsm/cert.der", holder.certificate.public_bytes(serialization.Encoding.DER))
    script = (
        "import pkcs11\n"
        f"token = pkcs11.lib({str(MODULE)!r}).get_token(token_label='lab')\n"
        "with token.open(rw=True, user_pin='4321') as session:\n"
        "    a = pkcs11.Attribute\n"
        "    from pkcs11.util.x509 import decode_x509_certificate\n"
        "    value = decode_x509_certificate(open('/etc/softhsm/cert.der', 'rb').read())\n"
        "    session.create_object({**value, a.TOKEN: True, a.ID: b'E'})\n"
    )
    end.host.run("python3", "-c", script)


@pytest.mark.parametrize("kinds", TO_US)
@pytest.mark.parametrize(("group", "up"), [("sales", True), ("finance", False)])
def test_attribute_certificate_makes_a_member(lab: Lab, kinds: str, group: str, up: bool) -> None:
    moon, sun = prepare(lab, kinds)
    sun.host.write("/etc/aa.key", CA.key_pem, 0o600)
    sun.host.write("/etc/ipsec.d/aacerts/aa.pem", CA.pem)
    sun.host.write("/etc/moon.pem", MOON.pem)
    words = ("--issuercert", "/etc/ipsec.d/aacerts/aa.pem", "--issuerkey", "/etc/aa.key", "--outform", "pem")
    made = sun.host.run("ipsec", "pki", "--acert", "--in", "/etc/moon.pem", "--group", "sales", *words)
    sun.host.write("/etc/ipsec.d/acerts/moon.pem", made.stdout)
    text = sun.host.read("/etc/ipsec.conf")
    section = f"conn net-net\n    rightgroups={group}\n"
    sun.host.write("/etc/ipsec.conf", text.replace("conn net-net\n", section))
    if up:
        bring_up(moon, sun)
    else:
        assert_refused_as_revoked(moon, sun, "group membership to 'finance' required, the peer is in: sales")
