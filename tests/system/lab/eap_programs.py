"""Other people's EAP: wpa_supplicant's eapol_test as a peer, and which of these programs are here."""

import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from cygnet.eap.tls.options import OwnCertificate
from lab import freeradius
from lab.radius import SECRET

EAPOL_TEST = shutil.which("eapol_test")


def eap_programs_missing() -> str:
    """Empty when both programs are here, else the reason."""
    programs = {"eapol_test": EAPOL_TEST, "freeradius": freeradius.PROGRAM}
    missing = " and ".join(name for name, path in programs.items() if not path)
    return f"no {missing} (scripts/provide installs them as root on Debian)" if missing else ""


def write_pem(folder: Path, name: str, own: OwnCertificate, anchor: bytes) -> None:
    """Writes NAME.pem, NAME-key.pem and ca.pem for programs that read files."""
    (folder / "ca.pem").write_bytes(_pem(anchor))
    (folder / f"{name}.pem").write_bytes(b"".join(map(_pem, own.chain)))
    key = own.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    (folder / f"{name}-key.pem").write_bytes(key)


def _pem(der: bytes) -> bytes:
    return x509.load_der_x509_certificate(der).public_bytes(Encoding.PEM)


@dataclass(frozen=True)
class Eapol:
    """What eapol_test said."""

    success: bool
    keys_agree: bool
    output: str


def eapol_test(folder: Path, port: int, settings: dict[str, str], keys: bool) -> Eapol:
    """Runs eapol_test against the RADIUS server on ``port``; it compares the MSK itself if ``keys``."""
    lines = "".join(f"  {name}={value}\n" for name, value in settings.items())
    text = f"network={{\n  key_mgmt=IEEE8021X\n  eapol_flags=0\n{lines}}}\n"
    (folder / "eapol.conf").write_text(text)
    assert EAPOL_TEST
    command = [EAPOL_TEST, "-c", str(folder / "eapol.conf"), "-a", "127.0.0.1", "-p", str(port)]
    command += ["-s", SECRET.decode(), "-t", "10", *([] if keys else ["-n"])]
    done = subprocess.run(command, capture_output=True, text=True, errors="replace", timeout=30, check=False)
    agree = "MPPE keys OK: 1  mismatch: 0" in done.stdout
    return Eapol(done.returncode == 0, agree, done.stdout + done.stderr)
