"""Fuzzer of everything that reads an IKEv2 message.

    python tests/fuzz/ikev2_messages.py --seconds 600 [--seed N] [--input HEX]

Starts from messages of every kind, changes them, and reads them as a daemon does: the header and clear
payloads, the check against the exchange's row, reassembly and opening. Half of the time the change is
made inside the encryption, which only a peer with keys could do. The one exception allowed is
``PeerError``; for any other the input is printed, and reads again with ``--input``.
"""

import argparse
import random
import sys
import time
import traceback
from dataclasses import replace
from ipaddress import ip_address

from cygnet.base.errors import PeerError
from cygnet.base.identities import Identity
from cygnet.base.selectors import TrafficSelector
from cygnet.charon.encoding.exchanges import check
from cygnet.charon.encoding.fragments import Reassembler
from cygnet.charon.encoding.message import (
    Message,
    build_clear,
    build_fragments,
    build_protected,
    parse_message,
)
from cygnet.charon.encoding.payloads import (
    Attribute,
    Authentication,
    CertificatePayload,
    CertificateRequest,
    Configuration,
    Delete,
    Eap,
    Identification,
    IdentificationInitiator,
    IdentificationResponder,
    KeyExchange,
    Nonce,
    Notify,
    SecurityAssociation,
    TrafficSelectors,
    TrafficSelectorsInitiator,
    TrafficSelectorsResponder,
    Unknown,
    VendorId,
)
from cygnet.charon.sa import cp_attributes, encrypted_dns
from cygnet.crypto.ciphers import sealer
from cygnet.crypto.proposals import Proposal, Protocol, Transform, default_proposals
from cygnet.keying.config.resolvers import Digest, EncryptedResolver
from cygnet.wire.header import HEADER_SIZE, Header

KEYS = sealer(Transform(1, 20, 128), None, bytes(20))
IV = bytes(KEYS.iv_size)
SPI_I, SPI_R = b"initiate", b"responde"
INTERESTING = (0, 1, 2, 3, 4, 7, 8, 0x7F, 0x80, 0xFF)


def numbered(protocol, spi):
    return tuple(
        Proposal(one.protocol, one.transforms, spi, number)
        for number, one in enumerate(default_proposals(protocol), 1)
    )


SELECTORS = (TrafficSelector.of("10.0.0.0/8"), TrafficSelector.of("2001:db8::/32", 6, (80, 80)))
NAME = Identity.parse("C=CH, O=Cygnet, CN=east")
CLEAR = Message(34, SPI_I, bytes(8), 0, True, False, (
    SecurityAssociation(numbered(Protocol.IKE, b"")), KeyExchange(31, bytes(32)), Nonce(bytes(32)),
    Notify(16388, bytes(20)), Notify(16431, bytes(8)), CertificateRequest(4, bytes(40)), VendorId(b"vendor"),
    Unknown(200, False, b"unknown"),
))  # fmt: skip
ENCRYPTED_DNS = Configuration(1, encrypted_dns.request((4, 6), digests=True))
RESOLVER = EncryptedResolver(
    "dns.example", (ip_address("10.2.0.53"), ip_address("fd02::53")), ("dot", "h2"), 8853, "/q{?dns}",
    digests=(Digest(2, bytes(32)),),
)  # fmt: skip
INNER = (
    Message(35, SPI_I, SPI_R, 1, True, False, (
        IdentificationInitiator(NAME), CertificatePayload(4, bytes(64)), IdentificationResponder(NAME),
        Authentication(14, bytes(64)), SecurityAssociation(numbered(Protocol.ESP, b"abcd")),
        TrafficSelectorsInitiator(SELECTORS), TrafficSelectorsResponder(SELECTORS),
        Configuration(1, (Attribute(1), Attribute(3, b"abcd"))), Eap(b"\2\7\0\6\1a"), Notify(16384),
    )),
    Message(35, SPI_I, SPI_R, 1, False, True, (
        Authentication(2, bytes(32)), Notify(16436, b"\2ppk.example"), Notify(16437, bytes(32)),
        Configuration(2, (
            *encrypted_dns.reply(ENCRYPTED_DNS, (RESOLVER, replace(RESOLVER, name="doh.example"))),
            Attribute(25, b"corp.example"), Attribute(10, bytes(range(17))),
        )),
    )),
    Message(37, SPI_I, SPI_R, 2, False, True, (
        Delete(3, (b"abcd", b"efgh")), Delete(1), Notify(16393, b"", 3, b"abcd"),
    )),
)  # fmt: skip


def seeds():
    sealed = [build_protected(message, KEYS, IV) for message in INNER]
    return [build_clear(CLEAR), *sealed, *build_fragments(INNER[0], KEYS, lambda: IV, 300)]


def contents():
    """What stands inside SK: the type of the first payload, and the payloads."""
    built = [build_clear(replace(message, exchange=34)) for message in INNER]
    return [(data[16], data[HEADER_SIZE:]) for data in built]


def changed(chance, data):
    data = bytearray(data)
    for _ in range(chance.choice((1, 1, 1, 2, 3, 8))):
        at = chance.randrange(len(data) + 1)
        kind = chance.randrange(6)
        if kind == 0:
            del data[at : at + chance.randrange(1, 9)]
        elif kind == 1:
            data[at:at] = chance.randbytes(chance.randrange(1, 9))
        elif kind == 2:
            other = chance.randrange(len(data) + 1)
            data[at:at] = data[other : other + chance.randrange(64)]
        elif at < len(data):
            data[at] = chance.choice(INTERESTING) if kind == 3 else data[at] ^ 1 << chance.randrange(8)
    return bytes(data)


def with_length(data):
    """The same with a header length that is right, so that the payloads are looked at."""
    return data[:24] + len(data).to_bytes(4, "big") + data[28:] if len(data) >= HEADER_SIZE else data


def protected(chance, first, content):
    """A message whose integrity is right whatever it has inside."""
    plaintext = content + bytes(3) + bytes([chance.choice((3, 3, 3, 0, 255))])
    size = 4 + len(IV) + len(plaintext) + KEYS.icv_size
    exchange = chance.choice((34, 35, 36, 37, 43))
    head = Header(SPI_I, SPI_R, 46, 2, 0, exchange, chance.choice((0, 8, 32, 40)), 1, HEADER_SIZE + size)
    aad = head.build() + bytes([first, 0]) + size.to_bytes(2, "big")
    return aad + IV + KEYS.seal(IV, plaintext, aad)


def receive(data, reassembler):
    try:
        parsed = parse_message(data)
        parsed.describe()
        protected = parsed.encrypted is not None
        message = reassembler.add(parsed, KEYS) if protected else parsed.message
        if message is not None:
            print_values(message)
            check(message, protected)
    except PeerError as error:
        error.data()


def print_values(message):
    """As a log would."""
    message.describe()
    for payload in message.payloads:
        match payload:
            case SecurityAssociation():
                [str(proposal) for proposal in payload.proposals]
            case Identification():
                str(payload.identity)
            case Configuration():
                read_configuration(payload)
            case TrafficSelectors():
                [str(selector) for selector in payload.selectors]


def read_configuration(payload):
    """As either side does."""
    def tell(text):
        return text

    cp_attributes.asked_addresses(payload, tell)
    virtual = cp_attributes.given_addresses(payload, tell)
    for one in cp_attributes.servers(payload, virtual, tell).encrypted:
        str(one)
    encrypted_dns.reply(payload, (RESOLVER,))


def inputs(chance):
    """Inputs without end."""
    clear, inner = seeds(), contents()
    while True:
        if chance.random() < 0.5:
            data = changed(chance, chance.choice(clear))
            yield with_length(data) if chance.random() < 0.9 else data
        else:
            first, content = chance.choice(inner)
            first = first if chance.random() < 0.8 else chance.randrange(256)
            content = changed(chance, content)
            yield protected(chance, first, content[:60000])


def fuzz(seconds, seed):
    """How many inputs were read, and the first one that raised something else than a ``PeerError``."""
    reassembler = Reassembler()
    end = time.monotonic() + seconds
    count = 0
    for count, data in enumerate(inputs(random.Random(seed)), 1):
        try:
            receive(data, reassembler)
        except Exception:
            traceback.print_exc()
            return count, data
        if count % 64 == 0 and time.monotonic() > end:
            return count, None
    return count, None


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(2**32))
    parser.add_argument("--input", type=bytes.fromhex, help="read this one input only")
    arguments = parser.parse_args()
    if arguments.input is not None:
        receive(arguments.input, Reassembler())
        return 0
    count, failed = fuzz(arguments.seconds, arguments.seed)
    print(f"{count} inputs with seed {arguments.seed}")
    if failed is None:
        return 0
    print(f"failed on input {failed.hex()}")
    return 1


if __name__ == "__main__":
    sys.exit(main())
