"""The command line of ``ipsec pki``: one table row per command.

Exit status as in strongSwan: 0 done, 1 failed or used wrongly, the reason on standard error.
"""

import argparse
import sys
from collections.abc import Sequence

from cygnet import __version__
from cygnet.ipsec.pki import (
    attributes,
    certificates,
    containers,
    enrolment,
    inspection,
    keys,
    options,
    requests,
    revocations,
    verification,
)
from cygnet.ipsec.pki.errors import PkiError
from cygnet.ipsec.pki.options import Command, Parser, UsageError


def main(argv: Sequence[str]) -> int:
    """Run one command."""
    if not argv or argv[0] in ("--help", "-h", "help"):
        print(_usage(), end="")
        return 0 if argv else 1
    name = _name(argv[0])
    if name is None:
        print(f"{_usage()}error: unknown command '{argv[0]}'", file=sys.stderr)
        return 1
    command = COMMANDS[name]
    parser = Parser(name, command)
    if {"--help", "-h"} & set(argv[1:]):
        print(parser.format_help(), end="")
        return 0
    try:
        _emit(command.run(options.parse(parser, argv[1:])))
    except UsageError as error:
        print(f"{parser.format_help()}error: {error}", file=sys.stderr)
        return 1
    except (PkiError, OSError) as error:
        print(_reason(error), file=sys.stderr)
        return 1
    return 0


def _reason(error: Exception) -> str:
    if isinstance(error, OSError):
        return f"pki: {error.filename or 'output'}: {error.strerror}"
    return f"pki: {error}" if "\n" not in str(error) else str(error)


def _emit(output: bytes) -> None:
    """Past the buffer, which would complain once more at the end of the program."""
    raw = getattr(sys.stdout.buffer, "raw", sys.stdout.buffer)
    while output:
        output = output[raw.write(output) :]


def _name(word: str) -> str | None:
    """The command that ``--gen``, ``-g`` or ``gen`` means."""
    if len(word) == 2 and word[0] == "-":
        return next((name for name, one in COMMANDS.items() if one.letter == word[1]), None)
    name = word.lstrip("-")
    return name if name in COMMANDS else None


def _generate(chosen: argparse.Namespace) -> bytes:
    return keys.encode_private(keys.generate(chosen.type, chosen.size), chosen.outform)


def _generate_options(parser: argparse.ArgumentParser) -> None:
    options.add_type(parser, tuple(keys.GENERATORS), "rsa", "type of key")
    parser.add_argument(
        "--size", "-s", type=int, metavar="bits", help="keylength in bits, default: rsa 3072, ecdsa 384"
    )
    options.add_output(parser, "generated private key")


COMMANDS = {
    "acert": Command("z", "issue an attribute certificate", attributes.issue_options, attributes.issue),
    "dn": Command(
        "d", "extract the subject DN of an X.509 certificate", inspection.name_options, inspection.print_name
    ),
    "est": Command(
        "E", "Enroll an X.509 certificate with an EST server", enrolment.enrol_options, enrolment.enrol
    ),
    "estca": Command(
        "e", "get CA certificate[s] from an EST server", enrolment.authorities_options, enrolment.authorities
    ),
    "gen": Command("g", "generate a new private key", _generate_options, _generate),
    "issue": Command(
        "i", "issue a certificate using a CA certificate and key", certificates.issue_options,
        certificates.issued,
    ),
    "keyid": Command(
        "k", "calculate key identifiers of a key/certificate", inspection.identifier_options,
        inspection.print_identifiers,
    ),
    "pkcs12": Command("u", "PKCS#12 functions", containers.pkcs12_options, containers.open_pkcs12),
    "pkcs7": Command("7", "PKCS#7 wrap/unwrap functions", containers.pkcs7_options, containers.pkcs7_command),
    "print": Command(
        "a", "print a credential in a human readable form", inspection.print_options,
        inspection.print_credential,
    ),
    "pub": Command(
        "p", "extract the public key from a private key/certificate", inspection.public_options,
        inspection.public,
    ),
    "req": Command("r", "create a PKCS#10 certificate request", requests.request_options, requests.request),
    "self": Command(
        "s", "create a self signed certificate", certificates.self_options, certificates.self_signed
    ),
    "signcrl": Command(
        "c", "issue a CRL using a CA certificate and key", revocations.sign_options, revocations.sign
    ),
    "verify": Command(
        "V", "verify a certificate using one or more CA certificates", verification.verify_options,
        verification.verify,
    ),
}  # fmt: skip


def _usage() -> str:
    rows = [f"  --{name:<8}(-{one.letter})  {one.help}" for name, one in COMMANDS.items()]
    return "\n".join([
        f"Cygnet {__version__} PKI tool", "usage:", "  pki command [options]", "commands:", *rows,
        "  --help    (-h)  show usage, version and plugin information", "options:",
        "  --debug   (-v)  set debug level, default: 1",
        "  --options (-+)  read command line options from file", "",
    ])  # fmt: skip
