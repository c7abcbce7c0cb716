"""``--pkcs12`` and ``--pkcs7``: containers."""

from argparse import ArgumentParser, Namespace
from getpass import getpass
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, pkcs7

from cygnet.base.errors import CygnetError
from cygnet.base.secret import Secret
from cygnet.cert import pkcs12
from cygnet.cert.certificates import Certificate
from cygnet.cert.pkcs12 import Container
from cygnet.cert.printing import key_name
from cygnet.ipsec.pki import keys, loading, options
from cygnet.ipsec.pki.errors import PkiError

Pkcs7Digest = hashes.SHA224 | hashes.SHA256 | hashes.SHA384 | hashes.SHA512
PKCS7_DIGESTS: dict[str, Pkcs7Digest] = {
    "sha224": hashes.SHA224(),
    "sha256": hashes.SHA256(),
    "sha384": hashes.SHA384(),
    "sha512": hashes.SHA512(),
}


def open_pkcs12(chosen: Namespace) -> bytes:
    """``--list`` what is inside, or ``--export`` one of it."""
    container = _opened(options.read_input(chosen.input))
    ordered = sorted(container.certificates, key=lambda one: not one.is_ca)
    if chosen.export is None:
        return _listing(ordered, container).encode()
    number: int = chosen.export
    if 1 <= number <= len(ordered):
        return ordered[number - 1].native.public_bytes(keys.ENCODINGS[chosen.outform])
    if container.key is not None and number == len(ordered) + 1:
        return keys.encode_private(container.key.native, chosen.outform)
    count = len(ordered) + (container.key is not None)
    raise PkiError(f"there is nothing with index {number}, only 1 to {count}")


def _opened(data: bytes) -> Container:
    """Without a passphrase if that does, else with one that is asked for."""
    try:
        return pkcs12.load(data, Secret(b""))
    except CygnetError:
        pass
    try:
        return pkcs12.load(data, None)
    except CygnetError as error:
        if "passphrase" not in str(error):
            raise PkiError(str(error)) from None
    try:
        return pkcs12.load(data, Secret(getpass("Passphrase: ").encode()))
    except CygnetError as error:
        raise PkiError(str(error)) from None


def _listing(certificates: list[Certificate], container: Container) -> str:
    lines = ["Certificates:"]
    for number, one in enumerate(certificates, 1):
        lines.append(f"[{number:>2}] {one}{' (CA)' if one.is_ca else ''}")
    if container.key is not None:
        native = container.key.native
        lines += ["Private keys:", f"[{len(certificates) + 1:>2}] {key_name(native)}"]
    return "".join(f"{line}\n" for line in lines)


def pkcs7_command(chosen: Namespace) -> bytes:
    """Sign, encrypt, decrypt or show. Verifying is not among what the library does, and is refused."""
    data = options.read_input(chosen.input)
    try:
        if chosen.sign:
            return _sign(chosen, data)
        if chosen.encrypt:
            return _encrypt(chosen, data)
        if chosen.decrypt:
            return _decrypt(chosen, data)
        if chosen.show:
            return _show(data)
    except (ValueError, UnsupportedAlgorithm, TypeError) as error:
        raise PkiError(f"PKCS#7: {str(error).partition(chr(10))[0][:120]}") from None
    if chosen.verify:
        raise PkiError("verifying PKCS#7 signatures is not part of this version")
    raise PkiError("say what to do: --sign, --encrypt, --decrypt or --show")


def _certificates(chosen: Namespace) -> list[x509.Certificate]:
    if not chosen.cert:
        raise PkiError("a certificate is missing; name it with --cert")
    return [loading.certificate(Path(path).read_bytes()) for path in chosen.cert]


def _key(chosen: Namespace) -> rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey:
    if not chosen.key:
        raise PkiError("a private key is missing; name its file with --key")
    key = keys.load_private(Path(chosen.key).read_bytes())
    if not isinstance(key, rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey):
        raise PkiError("PKCS#7 is for RSA and ECDSA keys only")
    return key


def _sign(chosen: Namespace, data: bytes) -> bytes:
    signer, *others = _certificates(chosen)
    key = _key(chosen)
    digest = PKCS7_DIGESTS[chosen.digest or "sha256"]
    padding = keys.padding_for(key, chosen.rsa_padding, digest)
    builder = pkcs7.PKCS7SignatureBuilder().set_data(data)
    builder = builder.add_signer(signer, key, digest, rsa_padding=padding)
    for one in others:
        builder = builder.add_certificate(one)
    return builder.sign(Encoding.DER, [pkcs7.PKCS7Options.Binary])


def _encrypt(chosen: Namespace, data: bytes) -> bytes:
    builder = pkcs7.PKCS7EnvelopeBuilder().set_data(data)
    for one in _certificates(chosen):
        builder = builder.add_recipient(one)
    return builder.encrypt(Encoding.DER, [pkcs7.PKCS7Options.Binary])


def _decrypt(chosen: Namespace, data: bytes) -> bytes:
    key = _key(chosen)
    if not isinstance(key, rsa.RSAPrivateKey):
        raise PkiError("PKCS#7 is decrypted with RSA keys only")
    return pkcs7.pkcs7_decrypt_der(data, _certificates(chosen)[0], key, [])


def _show(data: bytes) -> bytes:
    pem = data.lstrip().startswith(b"-----")
    found = pkcs7.load_pem_pkcs7_certificates(data) if pem else pkcs7.load_der_pkcs7_certificates(data)
    return b"".join(one.public_bytes(Encoding.PEM) for one in found)


def pkcs12_options(parser: ArgumentParser) -> None:
    """``--pkcs12``."""
    options.add_input(parser, "input file")
    parser.add_argument("--list", "-l", action="store_true", help="list certificates and keys")
    parser.add_argument(
        "--export", "-e", type=int, metavar="index", help="export the credential with the given index"
    )
    options.add_output(parser, "exported credentials")


def pkcs7_options(parser: ArgumentParser) -> None:
    """``--pkcs7``."""
    for long, short, text in (
        ("sign", "s", "create PKCS#7 signed-data"),
        ("verify", "u", "verify PKCS#7 signed-data"),
        ("encrypt", "e", "create PKCS#7 enveloped-data"),
        ("decrypt", "d", "decrypt PKCS#7 enveloped-data"),
        ("show", "p", "show info about PKCS#7, print certificates"),
    ):
        parser.add_argument(f"--{long}", f"-{short}", action="store_true", help=text)
    options.add_input(parser, "input file")
    parser.add_argument("--key", "-k", metavar="file", help="path to private key for sign/decrypt")
    parser.add_argument(
        "--cert", "-c", action="append", default=[], metavar="file",
        help="path to certificate for sign/verify/encrypt",
    )  # fmt: skip
    options.add_signature(parser, tuple(PKCS7_DIGESTS))
