"""Fuzzer of everything that reads certificates, CRLs, OCSP responses and attribute certificates.

    python tests/fuzz/certificates.py --seconds 600 [--seed N] [--input KIND:HEX]

Starts from good ones of every kind, changes octets, and reads, checks and prints the result as a daemon
does. The one family of exceptions allowed is ``CygnetError``; for any other the input is printed, and reads
again with ``--input``.
"""

import argparse
import random
import sys
import time
import traceback
from functools import partial
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "exchange"))

from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.serialization import pkcs12 as library
from simulation.pki import NOW, AnswerWish, FakeSources, ListWish, Wish, answer_of, issue, leaf_of, list_of

from cygnet.base.errors import CygnetError
from cygnet.base.secret import Secret
from cygnet.cert import attribute_certificates, der, pkcs12
from cygnet.cert.address_blocks import EXTENSION_OID, AddressBlocks, parse_range
from cygnet.cert.attribute_certificates import AttributeCertificate, Fields, holder_of
from cygnet.cert.certificates import Certificate
from cygnet.cert.crl import Crl
from cygnet.cert.errors import MalformedCertificateError
from cygnet.cert.hash_url import HashAndUrl, announce
from cygnet.cert.ocsp import OcspResponse, judge
from cygnet.cert.printing import certificate_lines
from cygnet.cert.printing_lists import attribute_lines, crl_lines, ocsp_lines
from cygnet.cert.revocation import check
from cygnet.cert.trust import Rules, build_chain
from cygnet.crypto.signatures import PrivateKey, schemes_for

MOMENT = NOW.timestamp()
INTERESTING = (0, 1, 2, 3, 4, 0x30, 0x31, 0x7F, 0x80, 0x81, 0x82, 0xA0, 0xFF)


def policies():
    mapping = der.sequence(der.sequence(der.identifier("1.2.3"), der.identifier("1.2.4")))
    blocks = AddressBlocks((parse_range("10.0.0.0/8"), parse_range("fec0::1-fec0::9")))
    policy = x509.PolicyInformation(x509.ObjectIdentifier("1.2.3"), ["http://cps"])
    uri = [x509.UniformResourceIdentifier("http://lab/")]
    return (
        (x509.CertificatePolicies([policy]), False),
        (x509.UnrecognizedExtension(x509.ObjectIdentifier("2.5.29.33"), mapping), False),
        (x509.UnrecognizedExtension(x509.ObjectIdentifier(EXTENSION_OID), blocks.build()), True),
        (x509.NameConstraints([x509.DNSName("lab")], None), True),
        (x509.PolicyConstraints(1, 0), True), (x509.InhibitAnyPolicy(1), True),
        (x509.CRLDistributionPoints([x509.DistributionPoint(uri, None, None, None)]), False),
        (x509.SubjectAlternativeName([x509.DNSName("lab"), x509.RFC822Name("a@lab"), *uri]), False),
    )  # fmt: skip


ROOT = issue("CA")
MIDDLE = issue("middle", ROOT, Wish(extensions=policies()))
LEAF = leaf_of(MIDDLE)


def attribute_seed():
    key = PrivateKey(ROOT.key)
    scheme = next(one for one in schemes_for(key.kind, key.bits, frozenset({5})) if one.identifier)
    issuer, serial, name = holder_of(LEAF.certificate)
    fields = Fields(issuer, serial, name, ROOT.certificate.subject, 7, MOMENT - 9, MOMENT + 9, ("a", "1.2.3"))
    return attribute_certificates.build(fields, key, scheme).der


def container_seed():
    encryption = serialization.BestAvailableEncryption(b"x")
    return library.serialize_key_and_certificates(b"x", LEAF.key, LEAF.native, [ROOT.native], encryption)


def read_certificate(data):
    one = Certificate.parse(data)
    certificate_lines(one.native, MOMENT)
    build_chain(LEAF.certificate, [one], [ROOT.certificate], MOMENT, Rules())
    build_chain(one, [MIDDLE.certificate], [ROOT.certificate], MOMENT, Rules(sources=FakeSources()))


def read_crl(data):
    one = Crl.parse(data)
    if not one.unreadable:
        crl_lines(one, MOMENT)
    check(LEAF.certificate, MIDDLE.certificate, FakeSources(known_crls=(one,)), MOMENT)


def read_response(data):
    one = OcspResponse.parse(data)
    ocsp_lines(one, MOMENT)
    judge(one, (LEAF.certificate, MIDDLE.certificate), [ROOT.certificate], MOMENT, b"nonce")


def read_attributes(data):
    one = AttributeCertificate.parse(data)
    attribute_lines(one, MOMENT)
    attribute_certificates.verify(one, LEAF.certificate, [ROOT.certificate], MOMENT)


def read_blocks(data):
    try:
        str(AddressBlocks.parse(data))
    except ValueError as error:
        raise MalformedCertificateError(str(error)) from None


def read_place(data):
    HashAndUrl.parse(data, True).open(data)


KINDS = {
    "certificate": (read_certificate, [ROOT.certificate.der, MIDDLE.certificate.der, LEAF.certificate.der]),
    "crl": (read_crl, [
        list_of(MIDDLE, ListWish(revoked=((LEAF, x509.ReasonFlags.superseded),))).der,
        list_of(MIDDLE, ListWish(base=3)).der,
    ]),
    "response": (read_response, [
        answer_of(LEAF, MIDDLE, AnswerWish(enclosed=(MIDDLE,), nonce=b"nonce")), answer_of(LEAF, MIDDLE),
    ]),
    "attributes": (read_attributes, [attribute_seed()]),
    "blocks": (read_blocks, [AddressBlocks((parse_range("10.0.0.0/8"),)).build()]),
    "place": (read_place, [announce(LEAF.certificate, "http://lab/").build()]),
}  # fmt: skip
SLOW = {"container": (partial(pkcs12.load, passphrase=Secret(b"x")), [container_seed()])}


def changed(chance, data):
    data = bytearray(data)
    for _ in range(chance.choice((1, 1, 1, 2, 3, 8))):
        at = chance.randrange(len(data) + 1)
        kind = chance.randrange(6)
        if kind == 0:
            del data[at : at + chance.randrange(1, 9)]
        elif kind == 1:
            data[at:at] = chance.randbytes(chance.randrange(1, 9))
        elif at < len(data):
            data[at] = chance.choice(INTERESTING) if kind < 4 else data[at] ^ 1 << chance.randrange(8)
    return bytes(data)


def inputs(chance):
    """Inputs without end: kind and octets."""
    while True:
        kinds = SLOW if chance.random() < 0.002 else KINDS
        kind = chance.choice(tuple(kinds))
        yield kind, changed(chance, chance.choice(kinds[kind][1]))


def receive(kind, data):
    try:
        (KINDS | SLOW)[kind][0](data)
    except CygnetError as error:
        str(error)


def fuzz(seconds, seed):
    """How many inputs were read, and the first one that raised something else than a ``CygnetError``."""
    end = time.monotonic() + seconds
    count = 0
    for count, (kind, data) in enumerate(inputs(random.Random(seed)), 1):
        try:
            receive(kind, data)
        except Exception:
            traceback.print_exc()
            return count, (kind, data)
        if count % 16 == 0 and time.monotonic() > end:
            return count, None
    return count, None


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(2**32))
    parser.add_argument("--input", help="KIND:HEX, read once")
    options = parser.parse_args()
    if options.input:
        kind, _, octets = options.input.partition(":")
        receive(kind, bytes.fromhex(octets))
        return 0
    print(f"seed {options.seed}")
    count, failed = fuzz(options.seconds, options.seed)
    print(f"{count} inputs")
    if failed:
        print(f"failed: --input {failed[0]}:{failed[1].hex()}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
