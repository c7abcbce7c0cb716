"""Our own trust chain inside OpenSSL's handshake: the verdicts an operator reads."""

import datetime as dt
import re

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID
from simulation.authority import Issuer, dn, native_key
from simulation.eap_sides import YEARS, own, peer, peer_tls, root, server, server_tls, talk, trust

from cygnet.eap.errors import EapError
from cygnet.eap.packets import TLS
from cygnet.eap.tls.options import OwnCertificate, TlsVersion
from cygnet.eap.tls.verification import MAX_DEPTH

BOTH = pytest.mark.parametrize("version", TlsVersion, ids=lambda version: version.name)


def verdicts(certificate, version=TlsVersion.TLS_1_3, **changes):
    """What peer and server say when the server shows ``certificate``."""
    tls = peer_tls(version_min=version, version_max=version, **changes)
    result = talk(peer([TLS], tls=tls), server([TLS], tls=server_tls(own=certificate)))
    return result.peer.reason, result.server.reason


def special(*extensions, key=None, **times):
    """A certificate for aaa.test with extensions of its own."""
    key = key or native_key("ec256", "special")
    first, last = times.get("first", dt.datetime(2020, 1, 1)), dt.datetime(2040, 1, 1)
    builder = x509.CertificateBuilder(
        dn("Root"), dn("aaa.test"), key.public_key(), x509.random_serial_number(), first, last
    ).add_extension(x509.SubjectAlternativeName([x509.DNSName("aaa.test")]), False)
    for extension in extensions:
        builder = builder.add_extension(extension, False)
    made = builder.sign(root().key, hashes.SHA256())
    return OwnCertificate((made.public_bytes(Encoding.DER),), key)


@BOTH
@pytest.mark.parametrize(
    ("age", "words"),
    [((-30, -3), "expired 3 days ago"), ((5, 9), "is not valid yet, only in 5 days")],
)
def test_dates_are_judged_by_our_clock(version, age, words):
    mine, theirs = verdicts(own("aaa.test", age_days=age), version)
    assert words in mine
    assert theirs == "EAP-TLS: the other side refuses TLS: bad certificate"


@BOTH
def test_chain_over_an_intermediate_ca(version):
    below = Issuer("Below", root(), age_days=YEARS)
    assert verdicts(own("aaa.test", below), version) == ("", "")


def test_unknown_ca():
    stranger = Issuer("Stranger", age_days=YEARS)
    mine, theirs = verdicts(own("aaa.test", stranger))
    assert "CN=Stranger" in mine and "bad certificate" in theirs


def test_root_that_signed_nothing_of_it():
    forged = own("aaa.test", Issuer("Forged", age_days=YEARS))
    mine, _ = verdicts(OwnCertificate((forged.chain[0], root().certificate.der), forged.key))
    assert "no issuer certificate found" in mine


def test_certificate_for_clients_only_is_refused_by_openssl():
    usage = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH])
    mine, theirs = verdicts(special(usage))
    assert mine == "EAP-TLS: certificate refused: its extended key usage does not allow this end of TLS"
    assert "the other side refuses TLS" in theirs


def test_certificate_for_servers_is_taken():
    assert verdicts(special(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]))) == ("", "")


def test_short_key_is_refused():
    key = rsa.generate_private_key(65537, 1024)
    _, theirs = verdicts(special(key=key))
    assert "TLS cannot be set up: TLS: ee key too small" in theirs


def test_certificate_older_than_openssl_is_told_to_believe_it_is():
    assert verdicts(special(first=dt.datetime(1950, 1, 1))) == ("", "")


def test_chain_that_is_too_long():
    issuers = [root()]
    for number in range(MAX_DEPTH + 2):
        issuers.append(Issuer(f"CA {number}", issuers[-1], age_days=YEARS))
    made = own("aaa.test", issuers[-1])
    below = (issuer.certificate.der for issuer in reversed(issuers[1:]))
    mine, _ = verdicts(OwnCertificate((made.chain[0], *below), made.key))
    assert mine == f"EAP-TLS: certificate refused: its chain is longer than {MAX_DEPTH}"


def test_certificate_that_openssl_reads_and_we_do_not():
    tls = {"version_max": TlsVersion.TLS_1_2, "fragment_size": 4000}

    def meddle(number, octets):
        # The second date is notAfter, which OpenSSL has not looked at yet when it asks us.
        return re.sub(rb"(\dZ\x17\r)\d{11}", rb"\g<1>99999999999", octets) if number == 4 else octets

    result = talk(peer([TLS], tls=peer_tls(**tls)), server([TLS], tls=server_tls(**tls)), meddle)
    assert result.peer.reason.startswith("EAP-TLS: malformed certificate")
    assert "the other side refuses TLS" in result.server.reason


def test_nonsense_that_openssl_finds_is_named_in_its_words():
    tls = {"version_max": TlsVersion.TLS_1_2, "fragment_size": 4000}

    def meddle(number, octets):
        return re.sub(rb"\d{11}(?=\dZ)", b"99999999999", octets) if number == 4 else octets

    result = talk(peer([TLS], tls=peer_tls(**tls)), server([TLS], tls=server_tls(**tls)), meddle)
    wanted = "EAP-TLS: certificate refused: OpenSSL says error in cert not before field"
    assert result.peer.reason == wanted


def test_bug_in_the_check_is_no_verdict():
    def buggy(chain):
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        verdicts(own("aaa.test"), verify=buggy)
    assert verdicts(own("aaa.test")) == ("", "")


def test_check_is_asked_once_with_the_leaf_first():
    asked = []

    def check(chain):
        asked.append(chain)
        trust("aaa.test")(chain)

    below = Issuer("Below", root(), age_days=YEARS)
    shown = own("aaa.test", below)
    assert verdicts(shown, verify=check) == ("", "")
    assert asked == [shown.chain]


def test_words_of_the_check_reach_the_operator():
    def check(chain):
        raise EapError("not on a Friday")

    assert verdicts(own("aaa.test"), verify=check)[0] == "EAP-TLS: not on a Friday"
