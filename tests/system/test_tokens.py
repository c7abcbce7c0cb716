"""Keys on a SoftHSM token: ``ipsec pki`` signs with them, whack decrypts."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa

MODULE = Path("/usr/lib/softhsm/libsofthsm2.so")
pytestmark = pytest.mark.skipif(not MODULE.exists(), reason="no SoftHSM (Debian: softhsm2)")
KEYS = {
    "rsa": lambda: rsa.generate_private_key(65537, 2048),
    "ecdsa": lambda: ec.generate_private_key(ec.SECP384R1()),
}
PIN = "4321"
ASK = """
import sys
import cygnet.ipsec.pki.keys as keys
from cygnet.ipsec.pki.main import main
keys.getpass = lambda prompt: {pin!r}
sys.exit(main(sys.argv[1:]))
"""


DECRYPT = """
import sys
from cygnet.ctl.whack import SmartCard
from cygnet.pluto.control.smart_cards import SmartCardHandler
from cygnet.pluto.protocol import Stores
from cygnet.runtime.bus.bus import Bus

class Reply:
    def line(self, code, text):
        print(int(code), text)

handler = SmartCardHandler(Stores(Bus(), {}).credentials.private_keys)
handler(SmartCard(True, sys.stdin.read(), "hex", "text", "%smartcard:45"), Reply())
"""


class Card:
    """A new token with one key, id 45."""

    def __init__(self, folder: Path, kind: str) -> None:
        self.folder = folder
        (folder / "tokens").mkdir()
        (folder / "softhsm2.conf").write_text(
            f"directories.tokendir = {folder}/tokens\nobjectstore.backend = file\n"
        )
        modules = f"modules {{ hsm {{ path = {MODULE} }} }}"
        (folder / "strongswan.conf").write_text(f"libstrongswan {{ plugins {{ pkcs11 {{ {modules} }} }} }}\n")
        self.environment = {
            **os.environ, "SOFTHSM2_CONF": str(folder / "softhsm2.conf"), "CYGNET_CONFDIR": str(folder),
        }  # fmt: skip
        self.key = KEYS[kind]()
        self.util("--init-token", "--free", "--label", "lab", "--so-pin", "1234", "--pin", PIN)
        none = serialization.NoEncryption()
        pkcs8 = self.key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, none)
        (folder / "key.pem").write_bytes(pkcs8)
        self.util("--token", "lab", "--pin", PIN, "--import", "key.pem", "--id", "45", "--label", "own")

    def util(self, *words: str) -> None:
        subprocess.run(
            ["softhsm2-util", *words],
            cwd=self.folder,
            env=self.environment,
            check=True,
            capture_output=True,
            timeout=60,
        )

    def pki(self, *words: str, pin: str = PIN, status: int = 0) -> bytes:
        command = [sys.executable, "-c", ASK.format(pin=pin), *words]
        done = subprocess.run(command, cwd=self.folder, env=self.environment, capture_output=True, timeout=60)
        assert done.returncode == status, done.stderr.decode()
        return done.stderr if status else done.stdout


@pytest.mark.parametrize(
    ("kind", "words"),
    [("rsa", ()), ("rsa", ("--digest", "sha512")), ("rsa", ("--rsa-padding", "pss")), ("ecdsa", ())],
)
def test_key_on_a_token_signs(tmp_path: Path, kind: str, words: tuple[str, ...]) -> None:
    card = Card(tmp_path, kind)
    made = x509.load_der_x509_certificate(
        card.pki("--self", "--keyid", "45", "--dn", "CN=card", "--ca", *words)
    )
    assert made.public_key() == card.key.public_key()
    made.verify_directly_issued_by(made)
    (tmp_path / "ca.crt").write_bytes(made.public_bytes(serialization.Encoding.DER))
    crl = card.pki("--signcrl", "--cacert", "ca.crt", "--cakeyid", "45", "--serial", "07", *words)
    assert x509.load_der_x509_crl(crl).is_signature_valid(made.public_key())
    request = card.pki("--req", "--keyid", "45", "--dn", "CN=x", *words)
    assert x509.load_der_x509_csr(request).is_signature_valid
    assert b"privkey:" in card.pki("--print", "--keyid", "45")


def test_what_is_not_on_the_token_is_named(tmp_path: Path) -> None:
    card = Card(tmp_path, "ecdsa")
    error = card.pki("--pub", "--keyid", "46", status=1)
    assert b"no private key with id 46 on any token of hsm" in error
    error = card.pki("--pub", "--keyid", "45", pin="0000", status=1)
    assert b"login to token 'lab" in error
    assert b"0000" not in error
    assert b"does not leave it" not in error


def test_card_decrypts_for_whack(tmp_path: Path) -> None:
    card = Card(tmp_path, "rsa")
    (tmp_path / "ipsec.secrets").write_text(f': PIN %smartcard:45 "{PIN}"\n')
    (tmp_path / "ipsec.secrets").chmod(0o600)
    done = subprocess.run(
        [sys.executable, "-c", DECRYPT], env=card.environment, capture_output=True, text=True, timeout=60,
        input=card.key.public_key().encrypt(b"hidden", padding.PKCS1v15()).hex(),
    )  # fmt: skip
    assert done.stdout == "0 hidden\n", done.stderr
