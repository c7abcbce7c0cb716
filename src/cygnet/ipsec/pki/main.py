"""The command line of ``ipsec pki``: one table row per command."""

import argparse
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import serialization

from cygnet.cert.printing import certificate_lines, key_lines, key_name
from cygnet.ipsec.pki import certificates, keys
from cygnet.ipsec.pki.keys import PkiError

MAX_INPUT = 1 << 20
KEY_TYPES = ("rsa", "ecdsa", "ed25519", "ed448", "priv")


@dataclass(frozen=True, slots=True)
class Command:
    """A command: what it says of itself, its own options, what it does with them."""

    help: str
    options: Callable[[argparse.ArgumentParser], None]
    run: Callable[[argparse.Namespace], bytes]


def main(argv: Sequence[str]) -> int:
    """Run one command. Exit status: 0 done, 1 failed (the reason on standard error), 2 usage."""
    if not argv or argv[0] in ("--help", "-h"):
        print(_usage())
        return 0 if argv else 2
    command = COMMANDS.get(argv[0].lstrip("-"))
    if command is None:
        print(f"pki: unknown command '{argv[0]}'\n{_usage()}", file=sys.stderr)
        return 2
    parser = argparse.ArgumentParser(
        f"ipsec pki --{argv[0].lstrip('-')}", description=command.help, allow_abbrev=False
    )
    command.options(parser)
    try:
        output = command.run(parser.parse_args(argv[1:]))
        _emit(output)
    except PkiError as error:
        print(f"pki: {error}", file=sys.stderr)
        return 1
    except OSError as error:
        print(f"pki: {error.filename or 'output'}: {error.strerror}", file=sys.stderr)
        return 1
    return 0


def _emit(output: bytes) -> None:
    """Past the buffer, which would complain once more at the end of the program."""
    raw = getattr(sys.stdout.buffer, "raw", sys.stdout.buffer)
    while output:
        output = output[raw.write(output) :]


def _generate(options: argparse.Namespace) -> bytes:
    return keys.encode_private(keys.generate(options.type, options.size), options.outform)


def _self(options: argparse.Namespace) -> bytes:
    key, subject = keys.load_private(_read(options.input)), certificates.name(options.dn)
    issuer = certificates.Issuer(subject, key)
    return _encode(certificates.build(subject, key.public_key(), issuer, options, _now()), options.outform)


def _issue(options: argparse.Namespace) -> bytes:
    authority = certificates.load(Path(options.cacert).read_bytes())
    key = keys.load_private(Path(options.cakey).read_bytes())
    if authority.public_key() != key.public_key():
        raise PkiError(f"the key {options.cakey} does not belong to the certificate {options.cacert}")
    subject, public = _subject(options, _read(options.input))
    issuer = certificates.Issuer(authority.subject, key, authority)
    return _encode(certificates.build(subject, public, issuer, options, datetime.now(UTC)), options.outform)  # noqa: TID251


def _subject(options: argparse.Namespace, data: bytes) -> tuple[x509.Name, keys.PublicKey]:
    """Name and key of the one who gets the certificate, from a request, a public or a private key."""
    if options.type == "pkcs10":
        request = _load_request(data)
        public = keys.load_public(
            request.public_key().public_bytes(
                serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
            )
        )
        return (certificates.name(options.dn) if options.dn else request.subject), public
    if not options.dn:
        raise PkiError('the subject is missing; give --dn "C=CH, O=Lab, CN=moon"')
    public = keys.load_public(data) if options.type == "pub" else keys.load_private(data).public_key()
    return certificates.name(options.dn), public


def _load_request(data: bytes) -> x509.CertificateSigningRequest:
    try:
        pem = data.lstrip().startswith(b"-----")
        request = x509.load_pem_x509_csr(data) if pem else x509.load_der_x509_csr(data)
    except ValueError as error:
        raise PkiError(f"the input is no PKCS#10 request in PEM or DER form ({error})") from None
    if not request.is_signature_valid:
        raise PkiError("the signature of the PKCS#10 request does not verify")
    return request


def _public(options: argparse.Namespace) -> bytes:
    data = _read(options.input)
    if options.type == "x509":
        key = certificates.load(data).public_key()
        if not isinstance(key, keys.PUBLIC_KEYS):
            raise PkiError(f"a public key of kind {type(key).__name__} is not supported")
    elif options.type == "pub":
        key = keys.load_public(data)
    else:
        key = keys.load_private(data).public_key()
    return keys.encode_public(key, options.outform)


def _print(options: argparse.Namespace) -> bytes:
    data = _read(options.input)
    if options.type == "x509":
        lines = certificate_lines(certificates.load(data), _now().timestamp())
    elif options.type == "pub":
        lines = key_lines(keys.load_public(data))
    else:
        key = keys.load_private(data).public_key()
        lines = [f"privkey:   {key_name(key)}", *key_lines(key)[1:]]
    return "".join(f"  {line}\n" for line in lines).encode()


def _now() -> datetime:
    return datetime.now(UTC)  # noqa: TID251  a command runs at the time it is run


def _encode(certificate: x509.Certificate, form: str) -> bytes:
    return certificate.public_bytes(keys.ENCODINGS[form])


def _read(name: str | None) -> bytes:
    data = Path(name).read_bytes() if name else sys.stdin.buffer.read(MAX_INPUT + 1)
    if len(data) > MAX_INPUT:
        raise PkiError(f"the input is longer than {MAX_INPUT} octets")
    return data


def _output(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--outform", "-f", choices=("der", "pem"), default="der", help="default der")


def _input(parser: argparse.ArgumentParser, kinds: Sequence[str], default: str) -> None:
    parser.add_argument("--in", "-i", dest="input", metavar="FILE", help="default standard input")
    parser.add_argument(
        "--type", "-t", choices=kinds, default=default, help=f"kind of input, default {default}"
    )


def _generate_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--type", "-t", choices=tuple(keys.GENERATORS), default="rsa", help="default rsa")
    parser.add_argument("--size", "-s", type=int, metavar="BITS", help="default 3072 (rsa), 384 (ecdsa)")
    _output(parser)


def _certificate_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--san", "-a", action="append", default=[], metavar="NAME", help="subjectAltName; may repeat"
    )
    parser.add_argument("--lifetime", "-l", type=int, default=1095, metavar="DAYS", help="default 1095")
    parser.add_argument("--not-before", "-F", metavar="DATE")
    parser.add_argument("--not-after", "-T", metavar="DATE")
    parser.add_argument(
        "--dateform", "-D", default=certificates.DATE_FORM, metavar="FORM", help="default d.m.y H:M:S"
    )
    parser.add_argument("--serial", "-s", metavar="HEX", help="default random")
    parser.add_argument("--ca", "-b", action="store_true", help="the certificate is an authority's")
    parser.add_argument("--pathlen", "-p", type=int, metavar="N", help="authorities that may stand below")
    flags = (*certificates.FLAGS, *certificates.OTHER_FLAGS)
    parser.add_argument(
        "--flag", "-e", action="append", default=[], choices=flags, help="key usage; may repeat"
    )
    parser.add_argument(
        "--crl", "-u", action="append", default=[], metavar="URI", help="CRL distribution point"
    )
    parser.add_argument("--ocsp", "-o", action="append", default=[], metavar="URI", help="OCSP responder")
    parser.add_argument(
        "--digest", "-g", choices=tuple(keys.DIGESTS), help="default after the key's strength"
    )
    _output(parser)


def _self_options(parser: argparse.ArgumentParser) -> None:
    _input(parser, KEY_TYPES, "priv")
    parser.add_argument("--dn", "-d", required=True, metavar="NAME", help='subject, "C=CH, O=Lab, CN=moon"')
    _certificate_options(parser)


def _issue_options(parser: argparse.ArgumentParser) -> None:
    _input(parser, ("pub", "pkcs10", *KEY_TYPES), "pub")
    parser.add_argument("--dn", "-d", metavar="NAME", help='subject, "C=CH, O=Lab, CN=moon"')
    parser.add_argument("--cacert", "-c", required=True, metavar="FILE", help="the authority's certificate")
    parser.add_argument("--cakey", "-k", required=True, metavar="FILE", help="the authority's private key")
    _certificate_options(parser)


def _public_options(parser: argparse.ArgumentParser) -> None:
    _input(parser, ("x509", "pub", *KEY_TYPES), "priv")
    _output(parser)


def _print_options(parser: argparse.ArgumentParser) -> None:
    _input(parser, ("x509", "pub", *KEY_TYPES), "x509")


COMMANDS = {
    "gen": Command("Generate a private key.", _generate_options, _generate),
    "self": Command("Make a self-signed certificate.", _self_options, _self),
    "issue": Command("Issue a certificate with an authority's key.", _issue_options, _issue),
    "pub": Command("Extract the public key of a private key or certificate.", _public_options, _public),
    "print": Command("Print a key or certificate for people.", _print_options, _print),
}


def _usage() -> str:
    rows = "\n".join(f"  --{name:<8}{command.help}" for name, command in COMMANDS.items())
    return f"usage: ipsec pki --COMMAND [OPTIONS] (--COMMAND --help lists them)\n{rows}"
