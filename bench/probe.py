"""Sends an initiator's first message until the responder accepts it, and prints when (monotonic seconds)."""

import os
import socket
import sys
import time

from cygnet.charon.encoding.message import Message, build_clear, parse_message
from cygnet.charon.encoding.notify import NotifyType
from cygnet.charon.encoding.payloads import KeyExchange, Nonce, Notify, SecurityAssociation
from cygnet.charon.sa.tasks.ike_init import first_method
from cygnet.crypto.key_exchange import ke_method
from cygnet.crypto.proposals import Protocol, parse_proposals
from cygnet.pluto.encoding import message as ikev1
from cygnet.pluto.encoding import phase1_offers
from cygnet.pluto.encoding.exchanges import Exchange
from cygnet.pluto.encoding.methods import METHODS
from cygnet.pluto.encoding.payloads.payload import PayloadType

INTERVAL_S, PATIENCE_S = 0.005, 30.0
IKE_SA_INIT, PORT = 34, 500
IKEV1, LIFETIME_S = 0x10, 10800
_FIRST_PAYLOAD_AT, _VERSION_AT = 16, 17


def main() -> int:
    target, ike, version = sys.argv[1:]
    request = first_message(ike) if version == "2" else first_message_of_ikev1(ike)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.settimeout(INTERVAL_S)
        print("ready", flush=True)
        end = time.monotonic() + PATIENCE_S
        while time.monotonic() < end:
            if accepted(sock, (target, PORT), request):
                print(time.monotonic(), flush=True)
                return 0
    return 1


def first_message(ike: str) -> bytes:
    """The same octets each time: however often it is sent, it makes one IKE_SA (RFC 7296, 2.1)."""
    proposals = parse_proposals(f"{ike}!", Protocol.IKE)
    method = first_method(proposals)
    pair = ke_method(method).generate(os.urandom)
    payloads = (
        SecurityAssociation(proposals), KeyExchange(method, pair.public), Nonce(os.urandom(32)),
        Notify(NotifyType.INTERMEDIATE_EXCHANGE_SUPPORTED),
    )  # fmt: skip
    return build_clear(Message(IKE_SA_INIT, os.urandom(8), bytes(8), 0, True, False, payloads))


def first_message_of_ikev1(ike: str) -> bytes:
    """Main mode's; it makes one ISAKMP SA, too."""
    offered = phase1_offers.offer(parse_proposals(f"{ike}!", Protocol.IKE), METHODS[:1], LIFETIME_S)
    written = ikev1.chain((offered,))
    envelope = ikev1.Envelope(os.urandom(8), bytes(8), Exchange.ID_PROT, 0)
    return ikev1.build_message(envelope, written.first, written.octets)


def accepted(sock: socket.socket, target: tuple[str, int], request: bytes) -> bool:
    """Whether an answer with a proposal comes before the next is to be sent."""
    try:
        sock.sendto(request, target)
        data = sock.recv(65535)
    except OSError:
        time.sleep(INTERVAL_S)
        return False
    if data[_VERSION_AT] == IKEV1:
        return data[_FIRST_PAYLOAD_AT] == PayloadType.SA
    return parse_message(data).message.first(SecurityAssociation) is not None


if __name__ == "__main__":
    sys.exit(main())
