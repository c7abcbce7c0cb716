"""``ipsec pki`` and strongSwan's ``pki``: each reads and verifies what the other has made."""

import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import pytest

from cygnet.cert.attribute_certificates import AttributeCertificate, groups_of
from cygnet.cert.certificates import Certificate, load_certificates

CACHE = Path(os.environ.get("CYGNET_CACHE", "/var/cache/cygnet")) / os.environ.get(
    "CYGNET_PEER_SUITE", "forky"
)
pytestmark = [
    pytest.mark.root,
    pytest.mark.peer,
    pytest.mark.skipif(not (CACHE / "usr/bin/pki").exists(), reason=f"no strongSwan in {CACHE}"),
    pytest.mark.skipif(os.geteuid() != 0, reason="needs root for chroot"),
]
# Without --policy-explicit and --policy-inhibit: strongSwan 6.1 writes PolicyConstraints with explicit tags,
# where RFC 5280, A.2 has implicit ones, and every other reader refuses them.
KINDS = ("rsa", "ecdsa", "ed25519", "ed448")
ROOT_OPTIONS = (
    "--ca", "--pathlen", "1", "--nc-permitted", "dns:lab", "--nc-permitted", "10.0.0.0/8",
    "--nc-excluded", "email:evil.lab", "--cert-policy", "1.2.3", "--cps-uri", "http://cps.lab/",
    "--policy-mapping", "1.2.3:1.2.4", "--policy-any", "0",
    "--addrblock", "10.0.0.0/8", "--addrblock", "192.0.2.1-192.0.2.9", "--addrblock", "fec0::/16",
)  # fmt: skip
LEAF_OPTIONS = (
    "--san", "moon.lab", "--san", "10.1.2.3", "--flag", "serverAuth", "--flag", "ikeIntermediate",
    "--crl", "http://crl.lab/ca.crl", "--crlissuer", "C=CH, CN=signer", "--crl", "ldap://dir.lab/o=Lab",
    "--ocsp", "http://ocsp.lab/", "--cert-policy", "1.2.4",
)  # fmt: skip


@dataclass
class Tools:
    """Both tools in one folder, which both see."""

    folder: Path

    def ours(self, *arguments: str, status: int = 0) -> bytes:
        command = [sys.executable, "-m", "cygnet.ipsec", "pki", *arguments]
        done = subprocess.run(command, cwd=self.folder, capture_output=True, timeout=60)
        assert done.returncode == status, done.stderr.decode()
        return done.stdout + (done.stderr if status else b"")

    def theirs(self, *arguments: str, status: int = 0) -> bytes:
        inside = "/" + str(self.folder.relative_to(CACHE))
        script = f'cd {inside} && exec pki "$@"'
        command = ["chroot", str(CACHE), "sh", "-c", script, "pki", *arguments]
        done = subprocess.run(command, capture_output=True, timeout=60)
        assert done.returncode == status, done.stderr.decode()
        return done.stdout

    def write(self, name: str, octets: bytes) -> str:
        (self.folder / name).write_bytes(octets)
        return name


@pytest.fixture
def tools():
    folder = Path(tempfile.mkdtemp(prefix="pki-", dir=CACHE / "tmp"))
    yield Tools(folder)
    shutil.rmtree(folder)


def make(tools: Tools, by: str, kind: str) -> tuple[str, str, str]:
    """A CA and a certificate below it, by one of the tools: CA, its key, certificate."""
    pki = getattr(tools, by)
    ca_key = tools.write(f"{by}-ca.key", pki("--gen", "--type", kind, "--outform", "pem"))
    root = pki("--self", "--in", ca_key, "--dn", "C=CH, O=Lab, CN=CA", "--outform", "pem", *ROOT_OPTIONS)
    ca = tools.write(f"{by}-ca.crt", root)
    key = tools.write(f"{by}.key", pki("--gen", "--type", kind))
    leaf = pki("--issue", "--in", key, "--type", "priv", "--cacert", ca, "--cakey", ca_key,
               "--dn", "C=CH, CN=moon", *LEAF_OPTIONS)  # fmt: skip
    return ca, ca_key, tools.write(f"{by}.crt", leaf)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("maker", "reader"), [("ours", "theirs"), ("theirs", "ours")])
def test_each_verifies_what_the_other_has_issued(tools: Tools, maker: str, reader: str, kind: str) -> None:
    ca, _, leaf = make(tools, maker, kind)
    said = getattr(tools, reader)("--verify", "--in", leaf, "--cacert", ca)
    assert said.splitlines()[-1] == b"certificate trusted, lifetimes valid"


@pytest.mark.parametrize("maker", ["ours", "theirs"])
def test_both_print_the_same(tools: Tools, maker: str) -> None:
    ca, ca_key, leaf = make(tools, maker, "ecdsa")
    pki = getattr(tools, maker)
    crl = tools.write("a.crl", pki("--signcrl", "--cacert", ca, "--cakey", ca_key, "--reason", "superseded",
                                   "--serial", "0102", "--crluri", "http://d.lab/"))  # fmt: skip
    delta = pki(
        "--signcrl", "--cacert", ca, "--cakey", ca_key, "--basecrl", crl, "--lastcrl", crl, "--cert", leaf
    )
    acert = pki("--acert", "--in", leaf, "--issuercert", ca, "--issuerkey", ca_key, "--group", "sales",
                "--group", "research")  # fmt: skip
    for kind, name in (
        ("x509", ca), ("x509", leaf), ("crl", crl), ("crl", tools.write("d.crl", delta)),
        ("ac", tools.write("a.ac", acert)), ("priv", ca_key),
    ):  # fmt: skip
        words = ("--print", "--type", kind, "--in", name)
        assert utc(tools.ours(*words)) == utc(tools.theirs(*words)), name


def utc(printed: bytes) -> str:
    """Spans of time may differ by a second."""
    return re.sub(r"\(expires in .*?\)", "", printed.decode())


@pytest.mark.parametrize(
    "words",
    [
        ("--keyid",), ("--keyid", "--id", "spk"), ("--keyid", "--id", "spki", "--format", "hex"),
        ("--keyid", "--format", "base64"), ("--pub",), ("--pub", "--outform", "pem"),
        ("--pub", "--outform", "sshkey"), ("--pub", "--outform", "dnskey"),
    ],
    ids=" ".join,
)  # fmt: skip
def test_both_say_the_same_of_a_key(tools: Tools, words: tuple[str, ...]) -> None:
    key = tools.write("a.key", tools.theirs("--gen"))
    assert tools.ours(*words, "--in", key) == tools.theirs(*words, "--in", key)


@pytest.mark.parametrize("form", ["config", "hex", "base64", "bin"])
def test_both_say_the_same_of_a_name(tools: Tools, form: str) -> None:
    _, _, leaf = make(tools, "theirs", "ecdsa")
    words = ("--dn", "--in", leaf, "--format", form)
    assert tools.ours(*words) == tools.theirs(*words)


@pytest.mark.parametrize(("maker", "reader"), [("ours", "theirs"), ("theirs", "ours")])
def test_crl_of_one_makes_the_other_refuse(tools: Tools, maker: str, reader: str) -> None:
    pki, other = getattr(tools, maker), getattr(tools, reader)
    ca_key = tools.write("ca.key", pki("--gen", "--type", "ecdsa"))
    ca = tools.write("ca.crt", pki("--self", "--in", ca_key, "--dn", "CN=CA", "--ca"))
    key = tools.write("a.key", pki("--gen", "--type", "ecdsa"))
    made = pki("--issue", "--in", key, "--type", "priv", "--cacert", ca, "--cakey", ca_key, "--dn", "CN=a")
    leaf = tools.write("a.crt", made)
    empty = tools.write("0.crl", pki("--signcrl", "--cacert", ca, "--cakey", ca_key))
    full = tools.write("1.crl", pki("--signcrl", "--cacert", ca, "--cakey", ca_key, "--lastcrl", empty,
                                    "--reason", "key-compromise", "--cert", leaf))  # fmt: skip
    good = other("--verify", "--in", leaf, "--cacert", ca, "--crl", empty)
    assert good.splitlines()[-1] == b"certificate trusted, lifetimes valid, certificate not revoked"
    other("--verify", "--in", leaf, "--cacert", ca, "--crl", full, status=1)


def test_refusal_names_the_certificate_the_check_and_the_value(tools: Tools) -> None:
    ca, ca_key, leaf = make(tools, "theirs", "ecdsa")
    revoked = tools.write(
        "1.crl", tools.theirs("--signcrl", "--cacert", ca, "--cakey", ca_key, "--cert", leaf)
    )
    said = tools.ours("--verify", "--in", leaf, "--cacert", ca, "--crl", revoked, status=1).decode()
    assert 'certificate "C=CH, CN=moon" was revoked on ' in said
    assert said.splitlines()[-1] == "certificate untrusted"


@pytest.mark.parametrize(("maker", "issuer"), [("ours", "theirs"), ("theirs", "ours")])
def test_request_of_one_is_issued_by_the_other(tools: Tools, maker: str, issuer: str) -> None:
    ca, ca_key, _ = make(tools, issuer, "ecdsa")
    key = tools.write("r.key", getattr(tools, maker)("--gen", "--type", "ecdsa"))
    words = ("--san", "r.lab", "--flag", "clientAuth", "--profile", "client", "--password", "secret")
    request = getattr(tools, maker)("--req", "--in", key, "--dn", "C=CH, CN=r", *words)
    name = tools.write("r.req", request)
    made = getattr(tools, issuer)(
        "--issue", "--type", "pkcs10", "--in", name, "--cacert", ca, "--cakey", ca_key
    )
    printed = tools.ours("--print", "--in", tools.write("r.crt", made)).decode()
    assert 'subject:  "C=CH, CN=r"' in printed
    assert "altNames:  r.lab" in printed


def test_containers_are_listed_and_opened_alike(tools: Tools) -> None:
    ca, _, _ = make(tools, "theirs", "ecdsa")
    key = tools.write("k.pem", tools.ours("--gen", "--type", "ecdsa", "--outform", "pem"))
    cert = tools.write("c.pem", tools.ours("--self", "--in", key, "--dn", "CN=c", "--outform", "pem"))
    subprocess.run(
        ["openssl", "pkcs12", "-export", "-inkey", key, "-in", cert, "-certfile", ca, "-out", "a.p12",
         "-passout", "pass:"], cwd=tools.folder, check=True, capture_output=True,
    )  # fmt: skip
    assert tools.ours("--pkcs12", "--list", "--in", "a.p12") == tools.theirs(
        "--pkcs12", "--list", "--in", "a.p12"
    )
    for number in ("1", "2", "3"):
        words = ("--pkcs12", "--export", number, "--in", "a.p12")
        assert tools.ours(*words) == tools.theirs(*words)


@pytest.mark.parametrize(
    "command",
    ["acert", "dn", "est", "estca", "gen", "issue", "keyid", "pkcs12", "pkcs7", "print", "pub", "req", "self",
     "signcrl", "verify"],
)  # fmt: skip
def test_options_are_those_of_the_other_tool(tools: Tools, command: str) -> None:
    theirs = options(tools.theirs(f"--{command}", "--help"))
    ours = options(tools.ours(f"--{command}", "--help"))
    assert theirs - ours <= NOT_HERE.get(command, set())


def options(text: bytes) -> set[tuple[str, str]]:
    return set(re.findall(r"^  (--\S+) +\((-.)\)", text.decode(), re.M))


NOT_HERE = {
    "gen": {("--safe-primes", "-p"), ("--shares", "-n"), ("--threshold", "-l")},  # OpenSSL makes neither
    "est": {("--certid", "-X"), ("--keyid", "-x")},  # TLS with a key on a token: not with the module ssl
}


@pytest.mark.parametrize(
    "words", [("--foo",), ("--gen", "--foo"), ("--dn", "--in", "/none"), ("--gen", "--type", "x")]
)
def test_exit_status_of_failures_is_the_same(tools: Tools, words: tuple[str, ...]) -> None:
    tools.theirs(*words, status=1)
    tools.ours(*words, status=1)


@pytest.mark.parametrize("kind", ["rsa", "ecdsa", "ed25519"])
def test_attribute_certificate_of_the_other_tool_is_genuine(tools: Tools, kind: str) -> None:
    ca, ca_key, leaf = make(tools, "theirs", kind)
    words = ("--issuercert", ca, "--issuerkey", ca_key, "--group", "sales")
    made = tools.theirs("--acert", "--in", leaf, *words)
    holder = Certificate.parse((tools.folder / leaf).read_bytes())
    authority = load_certificates((tools.folder / ca).read_bytes())
    groups = groups_of(holder, [AttributeCertificate.parse(made)], authority, time.time() + 1)
    assert groups == ("sales",)
