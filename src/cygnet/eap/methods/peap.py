"""Inside a PEAPv0 tunnel ([MS-PEAP]; draft-kamath-pppext-peapv0): EAP without its header.

A packet inside is only the type and its data; the identifier is that of the packet outside. At the end the
server sends an EAP-Extensions packet, which has its header, with a Result TLV, and the peer answers with its
own. Cryptobinding is not done: it is optional, and changes the keys only where both sides do it.
"""

from struct import Struct

from cygnet.base.errors import MalformedError
from cygnet.eap.errors import EapError
from cygnet.eap.outcomes import Proof
from cygnet.eap.packets import EXTENSIONS, Code, EapPacket, parse_packet
from cygnet.eap.peer import PeerConversation
from cygnet.eap.server import ServerConversation
from cygnet.wire.reader import Reader

MAX_TLVS = 16

_HEADER = 4
_TLV = Struct("!HH")
_MANDATORY, _NUMBER = 0x8000, 0x3FFF
_RESULT = 3
_SUCCESS, _FAILURE = 1, 2


class PeapPeer:
    """Answers inside requests with those of an inner conversation."""

    def __init__(self, conversation: PeerConversation) -> None:
        self.failure = ""
        self._conversation = conversation
        self._proof: Proof | None = None

    def begin(self, identifier: int) -> bytes:
        """The server speaks first."""
        return b""

    def receive(self, plaintext: bytes, identifier: int) -> bytes:
        """The answer to a request, or to the result."""
        if is_extensions(plaintext, Code.REQUEST):
            return self._conclude(parse_packet(plaintext))
        if not _has_header(plaintext, Code.REQUEST):
            plaintext = with_header(Code.REQUEST, identifier, plaintext)
        turn = self._conversation.process(plaintext)
        if turn.reason:
            raise EapError(f"inside PEAP: {turn.reason}")
        return turn.packet[_HEADER:]

    def conclude(self) -> Proof:
        """Only the result inside the tunnel can be trusted."""
        if self._proof is None:
            raise EapError("PEAP: the server says success outside of the tunnel, but not in it")
        return self._proof

    def _conclude(self, packet: EapPacket) -> bytes:
        result = parse_result(packet.data)
        if result == _SUCCESS:
            self._proof = self._conversation.conclude().proof
        else:
            self.failure = self._conversation.failure or "the server refused us"
        return build_result(Code.RESPONSE, packet.identifier, result)


class PeapServer:
    """Sends the requests of an inner conversation, then the result."""

    def __init__(self, conversation: ServerConversation) -> None:
        self._conversation = conversation
        self._identifier = 0
        self._told = False
        self._proof: Proof | None = None
        self._reason = ""

    def begin(self, identifier: int) -> bytes:
        """The inner EAP-Request/Identity."""
        return self._ask(self._conversation.begin().packet, identifier)

    def receive(self, plaintext: bytes, identifier: int) -> bytes | Proof:
        """The next request, then our result, then the end."""
        if self._told:
            return self._acknowledged(plaintext)
        if not plaintext:
            raise EapError("PEAP: the peer says nothing inside the tunnel")
        packet = with_header(Code.RESPONSE, self._identifier, plaintext)
        turn = self._conversation.process(packet)
        if not turn.over:
            return self._ask(turn.packet, identifier)
        self._told, self._proof, self._reason = True, turn.proof, turn.reason
        result = _FAILURE if turn.reason else _SUCCESS
        return build_result(Code.REQUEST, identifier, result)

    def _ask(self, packet: bytes, identifier: int) -> bytes:
        self._identifier = identifier
        self._conversation.renumber(identifier)
        return packet[_HEADER:]

    def _acknowledged(self, plaintext: bytes) -> Proof:
        if self._proof is None:
            raise EapError(f"inside PEAP: {self._reason}")
        if not is_extensions(plaintext, Code.RESPONSE):
            raise EapError("inside PEAP: the peer does not answer our result")
        if parse_result(parse_packet(plaintext).data) != _SUCCESS:
            raise EapError("inside PEAP: the peer does not accept the result")
        return self._proof


def with_header(code: Code, identifier: int, plaintext: bytes) -> bytes:
    """The packet that ``plaintext`` stands for."""
    return EapPacket(code, identifier).build()[:2] + (_HEADER + len(plaintext)).to_bytes(2, "big") + plaintext


def _has_header(plaintext: bytes, code: Code) -> bool:
    """Some servers, FreeRADIUS among them, send the first request with its header."""
    return (
        len(plaintext) > _HEADER
        and plaintext[0] == code
        and int.from_bytes(plaintext[2:4], "big") == len(plaintext)
    )


def is_extensions(plaintext: bytes, code: Code) -> bool:
    """Whether it is an EAP-Extensions packet, which has a header."""
    return _has_header(plaintext, code) and plaintext[_HEADER] == EXTENSIONS.number


def build_result(code: Code, identifier: int, result: int) -> bytes:
    """An EAP-Extensions packet with a Result TLV."""
    data = _TLV.pack(_MANDATORY | _RESULT, 2) + result.to_bytes(2, "big")
    return EapPacket(code, identifier, EXTENSIONS, data).build()


def parse_result(data: bytes) -> int:
    """The value of the Result TLV; a mandatory TLV of another kind is an error, any other is ignored."""
    reader = Reader(data, "PEAP TLV")
    result = 0
    for _ in range(MAX_TLVS):
        if not reader.left:
            break
        number, size = reader.unpack(_TLV)
        value = reader.take(size)
        if number & _NUMBER == _RESULT and size == 2:
            result = int.from_bytes(value, "big")
        elif number & _MANDATORY:
            raise MalformedError(f"PEAP: mandatory TLV {number & _NUMBER} is not known")
    return result
