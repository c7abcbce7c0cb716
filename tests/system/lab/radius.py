"""As much RADIUS as carries EAP between other people's programs and ours (RFC 2865, RFC 3579, RFC 2548)."""

import hashlib
import hmac
import socket
import threading
from collections.abc import Callable
from dataclasses import dataclass, field

from cygnet.eap.outcomes import Turn
from cygnet.eap.peer import PeerConversation
from cygnet.eap.server import ServerConversation

ACCESS_REQUEST, ACCESS_ACCEPT, ACCESS_REJECT, ACCESS_CHALLENGE = 1, 2, 3, 11
USER_NAME, NAS_IP, STATE, VENDOR, EAP_MESSAGE, MESSAGE_AUTHENTICATOR = 1, 4, 24, 26, 79, 80
MICROSOFT = (311).to_bytes(4, "big")
SEND_KEY, RECV_KEY = 16, 17
SECRET = b"testing123"

Attributes = list[tuple[int, bytes]]


@dataclass(frozen=True)
class Packet:
    """One RADIUS packet."""

    code: int
    identifier: int
    authenticator: bytes
    attributes: Attributes

    @classmethod
    def parse(cls, octets: bytes) -> "Packet":
        attributes, at = [], 20
        while at < len(octets):
            size = octets[at + 1]
            attributes.append((octets[at], octets[at + 2 : at + size]))
            at += size
        return cls(octets[0], octets[1], octets[4:20], attributes)

    def joined(self, kind: int) -> bytes:
        return b"".join(value for number, value in self.attributes if number == kind)

    def build(self, sign_over: bytes) -> bytes:
        """With its Message-Authenticator, which is computed over the request's authenticator."""
        signed = [*self.attributes, (MESSAGE_AUTHENTICATOR, bytes(16))]
        digest = hmac.new(SECRET, self._octets(sign_over, signed), "md5").digest()
        signed[-1] = (MESSAGE_AUTHENTICATOR, digest)
        return self._octets(self.authenticator, signed)

    def response(self) -> bytes:
        """As an answer to the request whose authenticator this packet still has."""
        octets = self.build(self.authenticator)
        return octets[:4] + hashlib.md5(octets + SECRET).digest() + octets[20:]

    def _octets(self, authenticator: bytes, attributes: Attributes) -> bytes:
        body = b"".join(bytes([number, len(value) + 2]) + value for number, value in attributes)
        size = (20 + len(body)).to_bytes(2, "big")
        return bytes([self.code, self.identifier]) + size + authenticator + body


def eap_attributes(packet: bytes) -> Attributes:
    return [(EAP_MESSAGE, packet[at : at + 253]) for at in range(0, len(packet), 253)]


def key_attribute(kind: int, key: bytes, salt: bytes, authenticator: bytes) -> tuple[int, bytes]:
    """MS-MPPE-Send-Key or MS-MPPE-Recv-Key (RFC 2548, 2.4.2)."""
    plain = bytes([len(key)]) + key
    sealed = _mask(plain + bytes(-len(plain) % 16), authenticator + salt, encrypt=True)
    value = salt + sealed
    return VENDOR, MICROSOFT + bytes([kind, len(value) + 2]) + value


def read_key(packet: Packet, kind: int, authenticator: bytes) -> bytes:
    for number, value in packet.attributes:
        if number == VENDOR and value[:4] == MICROSOFT and value[4] == kind:
            plain = _mask(value[8:], authenticator + value[6:8], encrypt=False)
            return plain[1 : 1 + plain[0]]
    return b""


def _mask(octets: bytes, start: bytes, encrypt: bool) -> bytes:
    done, last = b"", start
    for at in range(0, len(octets), 16):
        block = octets[at : at + 16]
        mask = hashlib.md5(SECRET + last).digest()
        other = bytes(a ^ b for a, b in zip(block, mask, strict=True))
        done, last = done + other, other if encrypt else block
    return done


@dataclass
class RadiusServer:
    """Puts one EAP conversation of ours behind a UDP port, in a thread; ``last`` is how it ended."""

    conversation: ServerConversation
    last: Turn = field(default_factory=Turn)
    trouble: Exception | None = None

    def __enter__(self) -> "RadiusServer":
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind(("127.0.0.1", 0))
        self._socket.settimeout(10)
        self.port = self._socket.getsockname()[1]
        self._begun = False
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.sendto(b"", ("127.0.0.1", self.port))
        self._thread.join()
        self._socket.close()

    def _serve(self) -> None:
        try:
            while True:
                octets, source = self._socket.recvfrom(4096)
                if not octets:
                    return
                self._socket.sendto(self._answer(Packet.parse(octets)), source)
        except Exception as error:
            self.trouble = error

    def _answer(self, request: Packet) -> bytes:
        eap = request.joined(EAP_MESSAGE)
        turn = self.conversation.process(eap) if self._begun else self.conversation.volunteered(eap)
        self._begun, self.last = True, turn
        attributes = eap_attributes(turn.packet)
        if turn.proof is not None and len(turn.proof.msk):
            msk = turn.proof.msk.reveal()
            for kind, key, salt in ((RECV_KEY, msk[:32], b"\x80\x01"), (SEND_KEY, msk[32:], b"\x80\x02")):
                attributes.append(key_attribute(kind, key, salt, request.authenticator))
        code = ACCESS_ACCEPT if turn.proof else ACCESS_REJECT if turn.reason else ACCESS_CHALLENGE
        attributes.append((STATE, b"s"))
        return Packet(code, request.identifier, request.authenticator, attributes).response()


@dataclass(frozen=True)
class Verdict:
    """How our peer's conversation with a RADIUS server ended, and the MSK that the server reports."""

    code: int
    turn: Turn
    msk: bytes


def authenticate(port: int, name: bytes, peer: PeerConversation, rng: Callable[[int], bytes]) -> Verdict:
    """Carries a peer's conversation to the RADIUS server on this host's ``port``."""
    identity = peer.process(b"\x01\x00\x00\x05\x01").packet
    answer, state = identity, b""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as road:
        road.settimeout(10)
        road.connect(("127.0.0.1", port))
        for number in range(200):
            attributes = [(USER_NAME, name), (NAS_IP, b"\x7f\x00\x00\x01"), *eap_attributes(answer)]
            if state:
                attributes.append((STATE, state))
            request = Packet(ACCESS_REQUEST, number, rng(16), attributes)
            road.send(request.build(request.authenticator))
            reply = Packet.parse(road.recv(8192))
            state = reply.joined(STATE)
            turn = peer.process(reply.joined(EAP_MESSAGE))
            if turn.over or reply.code != ACCESS_CHALLENGE:
                keys = (read_key(reply, kind, request.authenticator) for kind in (RECV_KEY, SEND_KEY))
                return Verdict(reply.code, turn, b"".join(keys))
            answer = turn.packet
    raise AssertionError("no end after 200 packets")


def free_port() -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
