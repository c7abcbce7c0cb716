"""Fuzzer of everything that reads an IKEv1 message.

    python tests/fuzz/ikev1_messages.py --seconds 600 [--seed N] [--input HEX]

Starts from messages of every kind, changes them, and reads them as a daemon does: header, fragments,
payloads, offers of both phases, identities and selectors. The one exception allowed is ``PeerError``.
"""

import argparse
import random
import sys
import time
import traceback
from contextlib import suppress

from cygnet.base.errors import PeerError
from cygnet.base.identities import Identity
from cygnet.base.selectors import TrafficSelector
from cygnet.crypto.proposals import Protocol, parse_proposals
from cygnet.pluto.encoding import phase1_offers, phase2_offers
from cygnet.pluto.encoding.attributes import Attribute
from cygnet.pluto.encoding.fragments import Reassembler, split
from cygnet.pluto.encoding.identities import (
    identity_of,
    payload_of_identity,
    payload_of_selector,
    selector_of,
)
from cygnet.pluto.encoding.message import Envelope, build_message, chain, parse_message, read_payloads
from cygnet.pluto.encoding.methods import METHODS
from cygnet.pluto.encoding.payloads import (
    CertificatePayload,
    CertificateRequest,
    Configuration,
    Delete,
    HashPayload,
    Identification,
    KeyExchange,
    NatDetection,
    NatOriginalAddress,
    Nonce,
    Notification,
    SecurityAssociation,
    SignaturePayload,
    Unknown,
    VendorId,
)
from cygnet.pluto.encoding.vendor_ids import VENDOR_IDS, recognise
from cygnet.wire.header import HEADER_SIZE

INTERESTING = (0, 1, 2, 3, 4, 7, 8, 0x7F, 0x80, 0xFF)
IKE = parse_proposals("aes128-sha256-modp2048,aes256-sha512-ecp256!", Protocol.IKE)
ESP = parse_proposals("aes128-sha256-esn-noesn,aes256gcm16!", Protocol.ESP)
SELECTORS = (TrafficSelector.of("10.0.0.0/8"), TrafficSelector.of("2001:db8::1-2001:db8::9", 6, (80, 80)))
CHAINS = (
    (phase1_offers.offer(IKE, METHODS, 3600), *(VendorId(row.sent) for row in VENDOR_IDS)),
    (KeyExchange(bytes(64)), Nonce(bytes(32)), NatDetection(bytes(20)), CertificateRequest(4, b"0\0")),
    (
        payload_of_identity(Identity.parse("C=CH, O=Cygnet, CN=east")),
        CertificatePayload(4, bytes(64)),
        SignaturePayload(bytes(64)),
        Notification(24578, b"", 1, bytes(16)),
        Unknown(200, b"x"),
    ),
    (
        HashPayload(bytes(32)),
        phase2_offers.offer(ESP, phase2_offers.Wish(1, phase2_offers.Life(), 14), b"abcd", ((2,), b"\1\2")),
        Nonce(bytes(32)),
        *map(payload_of_selector, SELECTORS),
        NatOriginalAddress(SELECTORS[0].start),
    ),
    (HashPayload(bytes(20)), Delete(3, (b"abcd", b"efgh")), Notification(36136, b"\0\0\0\1", 1, bytes(16))),
    (HashPayload(bytes(20)), Configuration(1, (Attribute(1), Attribute(16521, b"user"), Attribute(3)))),
)


def seeds():
    built = [
        build_message(Envelope(b"initiate", b"responde", 2, 0), (one := chain(payloads)).first, one.octets)
        for payloads in CHAINS
    ]
    return [*built, *split(built[0], Envelope(b"initiate", b"responde", 2, 0), 1, 300)]


def changed(chance, data):
    data = bytearray(data)
    for _ in range(chance.choice((1, 1, 1, 2, 3, 8))):
        at = chance.randrange(len(data) + 1)
        kind = chance.randrange(5)
        if kind == 0:
            del data[at : at + chance.randrange(1, 9)]
        elif kind == 1:
            data[at:at] = chance.randbytes(chance.randrange(1, 9))
        elif at < len(data):
            data[at] = chance.choice(INTERESTING) if kind < 4 else data[at] ^ 1 << chance.randrange(8)
    if len(data) >= HEADER_SIZE and chance.random() < 0.9:
        data[24:28] = len(data).to_bytes(4, "big")
    return bytes(data)


def receive(data, reassembler):
    with suppress(PeerError):
        parsed = parse_message(data)
        if parsed.fragmented:
            whole = reassembler.add(parsed)
            parsed = parse_message(whole) if whole else parsed
        message = read_payloads(parsed, parsed.body)
        message.describe(False)
        for payload in message.payloads:
            use(payload)


def use(payload):
    match payload:
        case SecurityAssociation():
            for offers in (phase1_offers, phase2_offers):
                terms, _ = offers.read(payload)
                [str(one.proposal) for one in terms]
        case Identification():
            for reader in (identity_of, selector_of):
                with suppress(PeerError):
                    str(reader(payload))
        case VendorId():
            recognise(payload.data)


def fuzz(seconds, seed):
    """How many inputs were read, and the first one that raised something else than a ``PeerError``."""
    chance, reassembler, built = random.Random(seed), Reassembler(), seeds()
    end, count = time.monotonic() + seconds, 0
    while count % 64 or time.monotonic() < end:
        data = changed(chance, chance.choice(built))
        count += 1
        try:
            receive(data, reassembler)
        except Exception:
            traceback.print_exc()
            return count, data
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
