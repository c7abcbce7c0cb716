"""What each initiator is and wants, from the command line and files."""

import datetime
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from cygnet.base.errors import LocalError
from cygnet.base.identities import Identity
from cygnet.base.selectors import TrafficSelector
from cygnet.keying.config.records import AuthClass, AuthConfig
from cygnet.loadtest.options import parse
from cygnet.loadtest.plan import Plan, read_files

NOW = 1_800_000_000.0
PSK = ["--psk", "secret"]


def plan(*argv: str) -> Plan:
    options = parse(["192.0.2.2", *argv])
    return Plan(options, read_files(options), NOW)


def test_number_is_part_of_the_identity() -> None:
    made = plan(*PSK, "--identity", "user%n@example.org")
    assert made.identity(17) == Identity.parse("user17@example.org")
    assert made.connection(17).local[0].identity == made.identity(17)


def test_each_asks_for_its_own_address_of_the_network_round_and_round() -> None:
    made = plan(*PSK, "--local-ts", "10.64.0.0/30")
    asked = [made.connection(number).children[0].local_ts[0] for number in range(5)]
    assert asked == [TrafficSelector.of(f"10.64.0.{n}/32") for n in (0, 1, 2, 3, 0)]


def test_without_networks_it_is_the_host_to_everything() -> None:
    child = plan(*PSK).connection(1).children[0]
    assert child.local_ts[0].dynamic
    assert child.remote_ts == (TrafficSelector.of("0.0.0.0/0"),)


def test_everything_is_of_the_target_s_family() -> None:
    options = parse(["2001:db8::2", *PSK])
    child = Plan(options, read_files(options), NOW).connection(1).children[0]
    assert child.remote_ts == (TrafficSelector.of("::/0"),)


def test_nothing_is_left_to_timers() -> None:
    connection = plan(*PSK).connection(1)
    assert (connection.ike_lifetime_s, connection.dpd_delay_s, connection.reauth) == (0, 0, False)
    assert connection.children[0].lifetime.hard_s == 0


def test_secret_comes_from_a_file_without_its_newline(tmp_path: Path) -> None:
    (tmp_path / "secret").write_bytes(b"from a file\n")
    made = plan("--psk-file", str(tmp_path / "secret"))
    (secret,) = made.credentials().shared_secrets(Identity.parse("a"), None)
    assert secret.reveal() == b"from a file"
    assert made.connection(1).local[0].auth is AuthClass.PSK


def test_authority_gives_each_initiator_a_certificate(tmp_path: Path) -> None:
    write_authority(tmp_path)
    made = plan("--ca", str(tmp_path / "ca.pem"), "--ca-key", str(tmp_path / "ca.key"))
    made.prepare(3)
    identity = made.identity(3)
    own = made.credentials().own_key(AuthConfig(), identity, frozenset())
    assert own is not None
    assert own.certificate is not None
    assert identity is not None
    assert own.certificate.matches(identity)
    assert own.certificate.public_key == own.key.public_key
    verdict = made.credentials().verify(own.certificate, ())
    assert verdict.ok, verdict.reason
    assert made.connection(3).local[0].auth is AuthClass.PUBKEY


def test_key_of_another_authority_is_refused(tmp_path: Path) -> None:
    write_authority(tmp_path)
    write_authority(tmp_path / "other")
    with pytest.raises(LocalError, match="does not belong to the CA certificate"):
        plan("--ca", str(tmp_path / "ca.pem"), "--ca-key", str(tmp_path / "other/ca.key"))


def test_one_certificate_for_all_tells_who_they_are(tmp_path: Path) -> None:
    write_authority(tmp_path)
    made = plan("--cert", str(tmp_path / "ca.pem"), "--key", str(tmp_path / "ca.key"))
    assert made.identity(1) is None
    own = made.credentials().own_key(AuthConfig(), None, frozenset())
    assert own is not None
    assert own.certificate is not None


def test_key_of_another_certificate_is_refused(tmp_path: Path) -> None:
    write_authority(tmp_path)
    write_authority(tmp_path / "other")
    with pytest.raises(LocalError, match="does not belong to the certificate"):
        plan("--cert", str(tmp_path / "ca.pem"), "--key", str(tmp_path / "other/ca.key"))


def test_trouble_with_a_file_names_the_file(tmp_path: Path) -> None:
    with pytest.raises(LocalError, match=r"nosuch: No such file"):
        plan("--psk-file", str(tmp_path / "nosuch"))
    (tmp_path / "junk").write_bytes(b"\n")
    with pytest.raises(LocalError, match=r"junk: the secret is empty"):
        plan("--psk-file", str(tmp_path / "junk"))
    with pytest.raises(LocalError, match=r"junk: "):
        plan(*PSK, "--cacert", str(tmp_path / "junk"))


def test_identity_that_no_certificate_can_carry_is_refused(tmp_path: Path) -> None:
    write_authority(tmp_path)
    made = plan(
        "--ca", str(tmp_path / "ca.pem"), "--ca-key", str(tmp_path / "ca.key"), "--identity", "@#00%n"
    )
    with pytest.raises(LocalError, match="no certificate can be made"):
        made.prepare(1)


def write_authority(folder: Path) -> None:
    folder.mkdir(exist_ok=True)
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"CA {folder.name}")])
    start = datetime.datetime.fromtimestamp(NOW - 86400, datetime.UTC)
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), 1, start, start + datetime.timedelta(days=9))
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    (folder / "ca.pem").write_bytes(certificate.public_bytes(Encoding.PEM))
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    (folder / "ca.key").write_bytes(pem)
