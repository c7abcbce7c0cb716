"""Public keys as an operator writes them (``rightsigkey``): in a configuration or in a file."""

from base64 import b64decode, b64encode
from collections.abc import Callable

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed448 import Ed448PublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicNumbers

from cygnet.base.errors import PeerError
from cygnet.crypto.keys import MAX_RSA_BITS, KeyLoadError, PublicKey

SSH_ALGORITHMS = (
    "ssh-rsa", "ecdsa-sha2-nistp256", "ecdsa-sha2-nistp384", "ecdsa-sha2-nistp521", "ssh-ed25519",
    "ssh-ed448",
)  # fmt: skip
"""Names of key formats (RFC 4253, 6.6; RFC 5656, 3.1; RFC 8709, 4)."""
MAX_OCTETS = 65536


def is_written_out(text: str) -> bool:
    """Whether this is a key itself rather than the name of a file."""
    return text.lower().startswith(("0x", "0s", "dns:", "ssh:"))


def parse_public_key(text: str) -> PublicKey:
    """A key behind ``0x`` or ``0s`` (base64): SubjectPublicKeyInfo or PKCS #1 in DER.

    With ``ssh:`` in front it is the format of RFC 4253, with ``dns:`` an RSA key as RFC 3110 has it. Raises
    :class:`KeyLoadError`.
    """
    prefix, colon, written = text.partition(":")
    if not colon:
        return _read(_from_der, _octets(text), "SubjectPublicKeyInfo or PKCS #1 in DER")
    if prefix.lower() == "ssh":
        return _read(_from_ssh, _octets(written), f"SSH format of {', '.join(SSH_ALGORITHMS)}")
    return _read(_from_dns, _octets(written), "an RSA key in the format of RFC 3110")


def load_public_key(data: bytes) -> PublicKey:
    """The key in a file: PEM, DER, or a line of OpenSSH; raises :class:`KeyLoadError`."""
    if b"PRIVATE KEY-----" in data:
        raise KeyLoadError("this is a private key, wanted is the public half")
    if b"-----BEGIN CERTIFICATE" in data:
        raise KeyLoadError("this is a certificate, which stands behind leftcert or rightcert")
    if b"-----BEGIN" in data:
        return _read(_from_pem, data, "PEM of a PUBLIC KEY or RSA PUBLIC KEY")
    words = _first_line(data).split()
    if len(words) > 1 and words[0].decode("ascii", "replace") in SSH_ALGORITHMS:
        return parse_public_key(f"ssh:0s{words[1].decode('ascii', 'replace')}")
    return _read(_from_der, data, "PEM, DER or a line of OpenSSH")


def _read(read: Callable[[bytes], PublicKey], data: bytes, wanted: str) -> PublicKey:
    if len(data) > MAX_OCTETS:
        raise KeyLoadError(f"public key of {len(data)} octets")
    try:
        return read(data)
    except (ValueError, TypeError, UnsupportedAlgorithm, PeerError) as error:
        text = str(error).partition("\n")[0].partition(". ")[0][:120]
        raise KeyLoadError(f"no public key can be read, wanted is {wanted}: {text}") from None


def _octets(text: str) -> bytes:
    """Behind ``0x`` or ``0s``; raises :class:`KeyLoadError`."""
    kind, body = text[:2].lower(), text[2:]
    try:
        if kind == "0s":
            return b64decode(body + "=" * (-len(body) % 4), validate=True)
        if kind == "0x":
            return bytes.fromhex(body.replace("_", ""))
    except ValueError:
        pass
    what = "base64 behind 0s" if kind == "0s" else "hexadecimal digits behind 0x, or base64 behind 0s"
    raise KeyLoadError(f"a public key '{text[:16]}…' must be {what}")


def _from_der(data: bytes) -> PublicKey:
    return PublicKey.from_native(serialization.load_der_public_key(data))


def _from_pem(data: bytes) -> PublicKey:
    return PublicKey.from_native(serialization.load_pem_public_key(data))


def _from_dns(data: bytes) -> PublicKey:
    """Length of the exponent in one octet, or in two behind zero; exponent; modulus (RFC 3110, 2)."""
    if not data:
        raise ValueError("it is empty")
    start = 1 if data[0] else 3
    size = data[0] or int.from_bytes(data[1:3], "big")
    exponent, modulus = data[start : start + size], data[start + size :]
    if not exponent or not modulus or len(modulus) * 8 > MAX_RSA_BITS:
        raise ValueError(f"exponent of {len(exponent)} and modulus of {len(modulus)} octets")
    numbers = RSAPublicNumbers(int.from_bytes(exponent, "big"), int.from_bytes(modulus, "big"))
    return PublicKey.from_native(numbers.public_key())


def _from_ssh(data: bytes) -> PublicKey:
    """Strings behind their lengths, the first of which names the format (RFC 4253, 6.6)."""
    name, rest = _string(data)
    algorithm = name.decode("ascii", "replace")
    if algorithm not in SSH_ALGORITHMS:
        raise ValueError(f"'{algorithm[:40]}' is none of them")
    if algorithm == "ssh-ed448":  # which the library does not read in this format
        key, rest = _string(rest)
        if rest:
            raise ValueError(f"{len(rest)} octets follow the key")
        return PublicKey.from_native(Ed448PublicKey.from_public_bytes(key))
    line = name + b" " + b64encode(data)
    return PublicKey.from_native(serialization.load_ssh_public_key(line))


def _string(data: bytes) -> tuple[bytes, bytes]:
    end = 4 + int.from_bytes(data[:4], "big")
    if len(data) < max(end, 4):
        raise ValueError("it ends within a string")
    return data[4:end], data[end:]


def _first_line(data: bytes) -> bytes:
    lines = (line.strip() for line in data[:MAX_OCTETS].splitlines())
    return next((line for line in lines if line and not line.startswith(b"#")), b"")
