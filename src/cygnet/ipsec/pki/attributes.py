"""``--acert``: attribute certificates."""

from argparse import ArgumentParser, Namespace
from base64 import encodebytes
from datetime import timedelta

from cryptography.hazmat.primitives.serialization import Encoding

from cygnet.base.errors import CygnetError
from cygnet.cert import attribute_certificates
from cygnet.cert.attribute_certificates import Fields, holder_of
from cygnet.cert.certificates import Certificate
from cygnet.crypto.signature_schemes import NativePrivateKey
from cygnet.crypto.signatures import SCHEMES, Hash, KeyKind, PrivateKey, SignatureScheme, schemes_for
from cygnet.ipsec.pki import keys, loading, options
from cygnet.ipsec.pki.certificates import serial, validity
from cygnet.ipsec.pki.errors import PkiError

HASHES = {"sha256": Hash.SHA2_256, "sha384": Hash.SHA2_384, "sha512": Hash.SHA2_512}


def issue(chosen: Namespace) -> bytes:
    """An attribute certificate for the holder of the certificate that is read."""
    if not chosen.issuercert:
        raise PkiError("the issuer's certificate is missing; name it with --issuercert")
    native, key = loading.issuer(chosen.issuercert, chosen.issuerkey, chosen.issuerkeyid)
    if not isinstance(key, NativePrivateKey):
        raise PkiError("attribute certificates are not signed with this kind of key")
    begin, end = validity(
        chosen.not_before, chosen.not_after, chosen.dateform, timedelta(hours=chosen.lifetime)
    )
    try:
        issuer = Certificate.parse(native.public_bytes(Encoding.DER))
        holder = Certificate.parse(
            loading.certificate(options.read_input(chosen.input)).public_bytes(Encoding.DER)
        )
        holder_issuer, holder_serial, holder_name = holder_of(holder)
        fields = Fields(
            holder_issuer=holder_issuer,
            holder_serial=holder_serial,
            holder_name=holder_name,
            issuer=issuer.subject,
            serial=serial(chosen.serial),
            not_before=begin.timestamp(),
            not_after=end.timestamp(),
            groups=tuple(chosen.group),
            authority_key_id=issuer.subject_key_id,
        )
        signer = PrivateKey(key)
        made = attribute_certificates.build(fields, signer, _scheme(signer, chosen))
    except CygnetError as error:
        raise PkiError(str(error)) from None
    return encode(made.der, chosen.outform)


def encode(octets: bytes, form: str) -> bytes:
    """DER, or PEM with the label that RFC 7468 has for attribute certificates."""
    if form == "der":
        return octets
    label = b"ATTRIBUTE CERTIFICATE"
    return b"-----BEGIN %s-----\n%s-----END %s-----\n" % (label, _wrapped(octets), label)


def _wrapped(octets: bytes) -> bytes:
    text = encodebytes(octets).replace(b"\n", b"")
    return b"".join(text[at : at + 64] + b"\n" for at in range(0, len(text), 64))


def _scheme(key: PrivateKey, chosen: Namespace) -> SignatureScheme:
    """After ``--digest`` and ``--rsa-padding``, else as strong as the key."""
    pss = chosen.rsa_padding == "pss"
    if chosen.digest is None:
        found = schemes_for(key.kind, key.bits, frozenset(Hash), pss)
        return next(one for one in found if one.identifier)
    wanted = (HASHES.get(chosen.digest), Hash.IDENTITY)
    for scheme in SCHEMES:
        padded = scheme.kind is not KeyKind.RSA or ("PSS" in scheme.name) == pss
        if scheme.kind is key.kind and scheme.identifier and scheme.hash in wanted and padded:
            return scheme
    raise PkiError(
        f"attribute certificates are signed with {', '.join(HASHES)} here, not with {chosen.digest}"
    )


def issue_options(parser: ArgumentParser) -> None:
    """``--acert``."""
    options.add_input(parser, "holder certificate")
    parser.add_argument(
        "--group",
        "-m",
        action="append",
        default=[],
        metavar="name",
        help="group membership string to include",
    )
    parser.add_argument("--issuercert", "-c", metavar="file", help="issuer certificate file")
    parser.add_argument("--issuerkey", "-k", metavar="file", help="issuer private key file")
    parser.add_argument(
        "--issuerkeyid", "-x", metavar="hex", help="smartcard issuer private key object handle"
    )
    parser.add_argument("--serial", "-s", metavar="hex", help="serial number in hex, default: random")
    parser.add_argument(
        "--lifetime",
        "-l",
        type=int,
        default=24,
        metavar="hours",
        help="hours the acert is valid, default: 24",
    )
    options.add_dates(parser, ("not-before", "F"), ("not-after", "T"), "the validity of the AC")
    options.add_signature(parser, tuple(keys.DIGESTS))
    options.add_output(parser, "generated cert")
