"""``--req``: PKCS#10 certificate requests (RFC 2986)."""

from argparse import ArgumentParser, Namespace
from pathlib import Path

from cryptography import x509
from cryptography.x509.oid import AttributeOID

from cygnet.cert import der
from cygnet.ipsec.pki import keys, loading, names, options
from cygnet.ipsec.pki.certificates import FLAGS, add_subject, private_key, requested_extensions
from cygnet.ipsec.pki.errors import PkiError

PROFILE_OID = "1.3.6.1.4.1.311.20.2"
"""Microsoft's name of a certificate template, in which strongSwan names the profile."""


def request(chosen: Namespace) -> bytes:
    """A signed request; ``--oldreq`` lends its subject, names and usages."""
    key = private_key(chosen)
    builder = x509.CertificateSigningRequestBuilder()
    if chosen.oldreq:
        old = loading.request(Path(chosen.oldreq).read_bytes())
        builder = builder.subject_name(names.subject(chosen.dn) if chosen.dn else old.subject)
        for extension in old.extensions:
            builder = builder.add_extension(extension.value, extension.critical)
    elif chosen.dn:
        builder = builder.subject_name(names.subject(chosen.dn))
    else:
        raise PkiError('the subject is missing; give --dn "C=CH, O=Lab, CN=moon" or --oldreq')
    try:
        for one, critical in requested_extensions(chosen):
            builder = builder.add_extension(one, critical)
        if chosen.profile:
            value = der.encode(der.UTF8_STRING, chosen.profile.encode())
            unknown = x509.UnrecognizedExtension(x509.ObjectIdentifier(PROFILE_OID), value)
            builder = builder.add_extension(unknown, False)
        if chosen.password:
            builder = builder.add_attribute(AttributeOID.CHALLENGE_PASSWORD, chosen.password.encode())
        digest = keys.digest_for(key, chosen.digest)
        padding = keys.padding_for(key, chosen.rsa_padding, digest)
        made = builder.sign(key, digest, rsa_padding=padding)
    except ValueError as error:
        raise PkiError(f"the request cannot be made: {error}") from None
    return made.public_bytes(keys.ENCODINGS[chosen.outform])


def request_options(parser: ArgumentParser) -> None:
    """``--req``."""
    options.add_input(parser, "private key input file")
    parser.add_argument("--keyid", "-x", metavar="hex", help="smartcard private key object handle")
    options.add_type(parser, keys.KEY_TYPES, "priv", "type of input key")
    parser.add_argument(
        "--oldreq", "-o", metavar="file", help="old certificate request to be used as a template"
    )
    parser.add_argument("--dn", "-d", metavar="distinguished-name", help="subject distinguished name")
    add_subject(parser, tuple(FLAGS), "cert request")
    parser.add_argument(
        "--profile", "-P", choices=("server", "client", "dual", "ocsp"),
        help="certificate profile name to include in cert request",
    )  # fmt: skip
    parser.add_argument(
        "--password", "-p", metavar="challengePassword", help="challengePassword to include in cert request"
    )
    options.add_signature(parser, tuple(keys.DIGESTS))
    options.add_output(parser, "generated request")
