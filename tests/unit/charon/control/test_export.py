"""The export commands: certificates as PEM, or why there is none."""

from dataclasses import replace
from datetime import UTC, datetime
from ipaddress import ip_address

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ed25519
from cryptography.x509.oid import NameOID

from cygnet.base.addresses import Host
from cygnet.base.identities import Identity
from cygnet.cert.certificates import Certificate, load_certificates
from cygnet.charon.control.export import ExportHandler
from cygnet.charon.sa.snapshot import IkeSnapshot
from cygnet.ctl.stroke import Done, Export

HOST = Host(ip_address("192.0.2.1"), 500)
SA = IkeSnapshot("net", 1, "ESTABLISHED", True, HOST, HOST, None, None, b"", b"", "", 0, None, None, "")


def certificate(name: str) -> Certificate:
    key = ed25519.Ed25519PrivateKey.generate()
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    built = (
        x509.CertificateBuilder().subject_name(subject).issuer_name(subject).public_key(key.public_key())
        .serial_number(1).not_valid_before(datetime(2029, 1, 1, tzinfo=UTC))
        .not_valid_after(datetime(2031, 1, 1, tzinfo=UTC)).sign(key, None)
    )  # fmt: skip
    return Certificate.parse(built.public_bytes(serialization.Encoding.DER))


SUN, ROOT = certificate("sun"), certificate("root")


class Daemon:
    """Knows the sun's certificate, and these IKE_SAs."""

    def __init__(self, *sas: IkeSnapshot) -> None:
        self.sas = sas

    def find(self, identity: Identity) -> list[Certificate]:
        return [SUN] if SUN.matches(identity) else []

    def snapshots(self) -> tuple[IkeSnapshot, ...]:
        return self.sas


@pytest.mark.parametrize(
    ("request_", "found"),
    [
        (Export("x509", "CN=sun"), (SUN,)),
        (Export("conncert", "net"), (SUN,)),
        (Export("connchain", "net"), (SUN, ROOT)),
    ],
)
def test_exported_certificates_can_be_read_again(request_: Export, found: tuple, reply) -> None:
    daemon = Daemon(replace(SA, peer_certificates=(SUN.der, ROOT.der)))
    assert ExportHandler(daemon, daemon)(request_, reply) == Done()
    assert reply.lines[0] == "-----BEGIN CERTIFICATE-----"
    assert max(map(len, reply.lines)) == 64
    assert load_certificates("\n".join(reply.lines).encode()) == found


def test_established_ike_sa_is_asked_before_a_newer_one(reply) -> None:
    newer = replace(SA, unique_id=2, state="CONNECTING", peer_certificates=(ROOT.der,))
    daemon = Daemon(replace(SA, peer_certificates=(SUN.der,)), newer)
    ExportHandler(daemon, daemon)(Export("conncert", "net"), reply)
    assert load_certificates("\n".join(reply.lines).encode()) == (SUN,)


@pytest.mark.parametrize(
    ("request_", "code", "reason"),
    [
        (Export("x509", "CN=moon"), 1, "no certificate for 'CN=moon' found"),
        (Export("conncert", "nosuch"), 1, "no IKE_SA 'nosuch' found"),
        (Export("connchain", "net"), 1, "the peer of 'net' has shown no certificate"),
        (Export("key", "net"), 2, "there is no export of 'key'"),
    ],
)
def test_what_is_not_there_is_named(request_: Export, code: int, reason: str, reply) -> None:
    daemon = Daemon(SA)
    assert ExportHandler(daemon, daemon)(request_, reply) == Done(code, reason)
    assert reply.lines == [reason]
