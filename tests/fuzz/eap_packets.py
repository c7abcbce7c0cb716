"""Fuzzer of everything that reads EAP.

    python tests/fuzz/eap_packets.py --seconds 600 [--seed N] [--input HEX]

Inputs go to the parsers: packets, naks, MSCHAPv2, AVPs, TLVs, frames of the TLS methods. Between them are
conversations of two sides in which packets are changed on their way, or what is inside a TLS tunnel is, which
only somebody with the tunnel's keys could do. Parsers may raise ``PeerError``; a conversation may only end in
words. Anything else is printed; an input of the parsers reads again with ``--input``.
"""

import argparse
import random
import sys
import time
import traceback
from pathlib import Path
from unittest.mock import patch

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parents[1] / "exchange"))

from simulation.eap_sides import MAX_PACKETS, peer, peer_tls, server, server_tls, talk

from cygnet.base.errors import PeerError
from cygnet.eap.methods import tls_based
from cygnet.eap.methods.avps import USER_NAME, USER_PASSWORD, build_avps, parse_avps
from cygnet.eap.methods.mschapv2_packets import (
    Frame,
    Operation,
    build_challenge,
    build_response,
    failure_text,
    parse_challenge,
    parse_frame,
    parse_response,
    signature,
)
from cygnet.eap.methods.peap import build_result, is_extensions, parse_result
from cygnet.eap.methods.ttls_server import TtlsStyle
from cygnet.eap.naks import build_nak, parse_nak
from cygnet.eap.outcomes import shown
from cygnet.eap.packets import (
    GTC,
    MD5,
    MSCHAPV2,
    NAK,
    PEAP,
    TLS,
    TTLS,
    Code,
    EapPacket,
    EapType,
    parse_packet,
)
from cygnet.eap.tls.link import TlsLink
from cygnet.eap.tls.link import parse_frame as parse_tls_frame
from cygnet.eap.tls.options import TlsOptions, TlsVersion
from cygnet.eap.tls.session import TlsSession

METHODS = (MD5, GTC, MSCHAPV2, TLS, TTLS, PEAP)
INTERESTING = (0, 1, 2, 3, 4, 0x1A, 0x20, 0x40, 0x7F, 0x80, 0xC0, 0xFE, 0xFF)


def seeds():
    """Well-formed octets of every kind."""
    expanded = EapPacket(Code.REQUEST, 1, EapType(1, 311), expanded=True)
    frames = [
        Frame(Operation.CHALLENGE, 1, build_challenge(bytes(16), b"aaa")),
        Frame(Operation.RESPONSE, 1, build_response(bytes(16), bytes(24), b"carol")),
        Frame(Operation.SUCCESS, 1, b"S=" + b"0" * 40 + b" M=OK"),
        Frame(Operation.FAILURE, 1, b"E=691 R=0 C=00 V=3 M=no"),
    ]
    packets = [EapPacket(Code.REQUEST, 1, MSCHAPV2, frame.build()).build() for frame in frames]
    return [
        *packets,
        *(frame.build() for frame in frames),
        build_nak(expanded, METHODS).build(),
        EapPacket(Code.RESPONSE, 1, NAK, b"\x04\x1a").build(),
        EapPacket(Code.REQUEST, 1, TLS, b"\xc0\x00\x00\x10\x00" + bytes(99)).build(),
        b"\xc0\x00\x00\x10\x00" + bytes(99),
        build_avps(((USER_NAME, b"carol"), (USER_PASSWORD, bytes(16)))),
        build_result(Code.REQUEST, 1, 1),
    ]


def changed(chance, data):
    data = bytearray(data)
    for _ in range(chance.choice((1, 1, 1, 2, 3, 8))):
        at = chance.randrange(len(data) + 1)
        kind = chance.randrange(5)
        if kind == 0:
            del data[at : at + chance.randrange(1, 9)]
        elif kind == 1:
            data[at:at] = chance.randbytes(chance.choice((1, 4, 9, 300)))
        elif kind == 2:
            data[at:at] = data[: chance.randrange(64)]
        elif at < len(data):
            data[at] = chance.choice(INTERESTING) if kind == 3 else data[at] ^ 1 << chance.randrange(8)
    return bytes(data)


def read_packet(data):
    packet = parse_packet(data)
    str(packet.type), shown(packet.data)
    if packet.type == NAK:
        [str(kind) for kind in parse_nak(packet)]


def read_mschapv2(data):
    frame = parse_frame(data)
    signature(frame.data), failure_text(frame.data)
    if frame.operation is Operation.CHALLENGE:
        parse_challenge(frame.data)
    elif frame.operation is Operation.RESPONSE:
        parse_response(frame.data)


def read_link(data):
    parse_tls_frame(data)
    link = TlsLink("EAP-X", TlsOptions(None), versioned=True)
    link.start()
    link.exchange(data, lambda message: message[:5000])
    link.exchange(data, lambda message: b"")


def read_peap(data):
    is_extensions(data, Code.REQUEST)
    parse_result(data[5:])


PARSERS = (read_packet, read_mschapv2, read_link, read_peap, parse_avps)


def receive(data):
    for parse in PARSERS:
        try:
            parse(data)
        except PeerError as error:
            error.data()


class Sabotage(TlsSession):
    """A session whose plaintext is changed now and then before it is encrypted."""

    chance = random.Random(0)
    often = 0.0

    def write(self, plaintext):
        super().write(changed(self.chance, plaintext) if self.chance.random() < self.often else plaintext)


def converse(chance):
    """One conversation with faults."""
    Sabotage.chance, Sabotage.often = chance, chance.choice((0.0, 0.3))
    tls = {"version_max": chance.choice(tuple(TlsVersion)), "fragment_size": chance.choice((100, 300, 1024))}
    method = chance.choice(METHODS)
    wish = {"inner": (chance.choice((MD5, GTC, MSCHAPV2)),), "ttls_style": chance.choice(tuple(TtlsStyle))}
    often = chance.choice((0.0, 0.05, 0.2)) if Sabotage.often else chance.choice((0.05, 0.2))

    def meddle(number, octets):
        return with_length(changed(chance, octets)) if chance.random() < often else octets

    with patch.object(tls_based, "TlsSession", Sabotage):
        result = talk(
            peer([method], tls=peer_tls(**tls), **wish), server([method], tls=server_tls(**tls)), meddle
        )
    assert len(result.packets) < MAX_PACKETS
    if result.peer.proof and result.server.proof:
        assert result.agreed


def with_length(data):
    return data[:2] + len(data).to_bytes(2, "big") + data[4:] if len(data) >= 4 else data


def fuzz(seconds, seed):
    """How many inputs were read, and the first that raised what it must not (empty: a conversation's)."""
    chance, known = random.Random(seed), seeds()
    end = time.monotonic() + seconds
    count, data = 0, b""
    try:
        while time.monotonic() < end:
            data = b""
            converse(chance)
            for _ in range(100):
                count += 1
                data = changed(chance, chance.choice(known))
                receive(data)
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
        receive(arguments.input)
        return 0
    count, failed = fuzz(arguments.seconds, arguments.seed)
    print(f"{count} inputs with seed {arguments.seed}")
    if failed is None:
        return 0
    print(f"failed on input {failed.hex() or '(a conversation)'}")
    return 1


if __name__ == "__main__":
    sys.exit(main())
