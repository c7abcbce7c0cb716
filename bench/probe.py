"""Sends an IKE_SA_INIT request to a responder until it is accepted, and prints when (monotonic seconds)."""

import os
import socket
import sys
import time

from cygnet.charon.encoding.message import Message, build_clear, parse_message
from cygnet.charon.encoding.payloads import KeyExchange, Nonce, SecurityAssociation
from cygnet.charon.sa.tasks.ike_init import first_method
from cygnet.crypto.key_exchange import ke_method
from cygnet.crypto.proposals import Protocol, parse_proposals

INTERVAL_S, PATIENCE_S = 0.005, 30.0
IKE_SA_INIT, PORT = 34, 500


def main() -> int:
    target, ike = sys.argv[1:]
    request = first_message(ike)
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
    payloads = (SecurityAssociation(proposals), KeyExchange(method, pair.public), Nonce(os.urandom(32)))
    return build_clear(Message(IKE_SA_INIT, os.urandom(8), bytes(8), 0, True, False, payloads))


def accepted(sock: socket.socket, target: tuple[str, int], request: bytes) -> bool:
    """Whether an answer with a proposal comes before the next is to be sent."""
    try:
        sock.sendto(request, target)
        data = sock.recv(65535)
    except OSError:
        time.sleep(INTERVAL_S)
        return False
    return parse_message(data).message.first(SecurityAssociation) is not None


if __name__ == "__main__":
    sys.exit(main())
