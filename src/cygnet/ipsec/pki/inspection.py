"""``--print``, ``--keyid``, ``--dn`` and ``--pub``: what a credential is."""

from argparse import ArgumentParser, Namespace
from base64 import b64encode
from collections.abc import Callable

from cryptography.x509 import ocsp

from cygnet.base.errors import CygnetError
from cygnet.cert.ocsp import OcspResponse
from cygnet.cert.printing import certificate_lines, key_lines, key_name
from cygnet.cert.printing_lists import attribute_lines, crl_lines, ocsp_lines, ocsp_request_lines
from cygnet.ipsec.pki import keys, loading, options
from cygnet.ipsec.pki.certificates import now
from cygnet.ipsec.pki.errors import PkiError
from cygnet.ipsec.pki.keys import PublicKey

PUBLIC_TYPES = (*keys.KEY_TYPES, "pub", "pkcs10", "x509")
PRINTED = ("x509", "crl", "ac", "pub", *keys.KEY_TYPES, "ocsp-req", "ocsp-rsp")
INDENT = " " * 13


def print_credential(chosen: Namespace) -> bytes:
    """One field a line."""
    if chosen.keyid:
        lines = _private_lines(keys.from_token(chosen.keyid).public_key())
    else:
        data = options.read_input(chosen.input)
        lines = _PRINTERS.get(chosen.type, _print_private)(data, now().timestamp())
    return "".join(f"  {line}\n" for line in lines).encode()


def print_identifiers(chosen: Namespace) -> bytes:
    """SHA-1 of a key alone and with its algorithm."""
    alone, whole = keys.identifiers(_public_key(chosen))
    found = {"spk": ("subjkey (SHA-1 of subjectPublicKey)", alone),
             "spki": ("keyid (SHA-1 of subjectPublicKeyInfo)", whole)}  # fmt: skip
    wanted = found.values() if chosen.id == "all" else [found[chosen.id]]
    if chosen.format == "pretty":
        return "".join(f"{label}:\n{INDENT}{value.hex(':')}\n" for label, value in wanted).encode()
    return b"".join(_formatted(value, chosen.format) for _, value in wanted)


def print_name(chosen: Namespace) -> bytes:
    """The subject of a certificate in DER, as ``leftid`` takes it or plain."""
    name = loading.certificate(options.read_input(chosen.input)).subject.public_bytes()
    if chosen.format == "config":
        return f'"asn1dn:#{name.hex()}"\n'.encode()
    return _formatted(name, chosen.format)


def public(chosen: Namespace) -> bytes:
    """The public key of whatever is given."""
    return keys.encode_public(_public_key(chosen), chosen.outform)


def _formatted(octets: bytes, form: str) -> bytes:
    if form == "bin":
        return octets
    return (octets.hex().encode() if form == "hex" else b64encode(octets)) + b"\n"


def _public_key(chosen: Namespace) -> PublicKey:
    if chosen.keyid:
        return keys.from_token(chosen.keyid).public_key()
    data = options.read_input(chosen.input)
    if chosen.type == "x509":
        return keys.checked_public(loading.certificate(data).public_key())
    if chosen.type == "pkcs10":
        return keys.checked_public(loading.request(data).public_key())
    if chosen.type == "pub":
        return keys.load_public(data)
    return keys.load_private(data, chosen.type).public_key()


def _private_lines(key: PublicKey) -> list[str]:
    return [f"privkey:   {key_name(key)}", *key_lines(key)[1:]]


def _print_private(data: bytes, moment: float) -> list[str]:
    return _private_lines(keys.load_private(data).public_key())


def _print_request(data: bytes, moment: float) -> list[str]:
    try:
        return ocsp_request_lines(ocsp.load_der_ocsp_request(data))
    except (ValueError, NotImplementedError) as error:
        raise PkiError(f"the input is no OCSP request about one certificate ({error})") from None


def _print_response(data: bytes, moment: float) -> list[str]:
    try:
        return ocsp_lines(OcspResponse.parse(data), moment)
    except CygnetError as error:
        raise PkiError(str(error)) from None


_PRINTERS: dict[str, Callable[[bytes, float], list[str]]] = {
    "x509": lambda data, moment: certificate_lines(loading.certificate(data), moment),
    "crl": lambda data, moment: crl_lines(loading.crl(data), moment),
    "ac": lambda data, moment: attribute_lines(loading.attribute_certificate(data), moment),
    "pub": lambda data, moment: key_lines(keys.load_public(data)),
    "ocsp-req": _print_request,
    "ocsp-rsp": _print_response,
}


def print_options(parser: ArgumentParser) -> None:
    """``--print``."""
    options.add_input(parser, "input file")
    parser.add_argument("--keyid", "-x", metavar="hex", help="smartcard object handle")
    options.add_type(parser, PRINTED, "x509", "type of credential")


def identifier_options(parser: ArgumentParser) -> None:
    """``--keyid``."""
    options.add_input(parser, "input file")
    parser.add_argument("--keyid", "-x", metavar="hex", help="smartcard private key object handle")
    options.add_type(parser, PUBLIC_TYPES, "priv", "type of key")
    parser.add_argument(
        "--id", "-I", choices=("all", "spk", "spki"), default="all", help="type of identifier, default: all"
    )
    parser.add_argument(
        "--format", "-f", choices=("pretty", "hex", "base64", "bin"), default="pretty",
        help="output format, default: pretty",
    )  # fmt: skip


def name_options(parser: ArgumentParser) -> None:
    """``--dn``."""
    options.add_input(parser, "input file")
    parser.add_argument(
        "--format", "-f", choices=("config", "hex", "base64", "bin"), default="config",
        help="output format, default: config",
    )  # fmt: skip


def public_options(parser: ArgumentParser) -> None:
    """``--pub``."""
    options.add_input(parser, "input file")
    parser.add_argument("--keyid", "-x", metavar="hex", help="smartcard private key object handle")
    options.add_type(parser, PUBLIC_TYPES, "priv", "type of credential")
    options.add_output(parser, "extracted public key", ("der", "pem", "dnskey", "sshkey"))
