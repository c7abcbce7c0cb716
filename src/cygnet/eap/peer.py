"""The conversation of an EAP peer: who is asked, and answers (RFC 3748, 4; RFC 4137, 4)."""

from collections.abc import Callable, Mapping

from cygnet.base.errors import CygnetError
from cygnet.eap.errors import EapError
from cygnet.eap.naks import build_nak
from cygnet.eap.outcomes import Turn, shown
from cygnet.eap.packets import IDENTITY, NAK, NOTIFICATION, Code, EapPacket, EapType, parse_packet
from cygnet.eap.ports import PeerMethod

MAX_REQUESTS = 128
MAX_NOTICES = 4

PeerMethods = Mapping[EapType, Callable[[], PeerMethod]]


class PeerConversation:
    """Answers requests until the server says success or failure.

    ``identity`` answers EAP-Identity; ``methods`` are those allowed, the preferred first. Whatever a
    method's parsers raise ends the conversation, and nothing else.
    """

    def __init__(self, identity: bytes, methods: PeerMethods) -> None:
        self._identity = identity
        self._methods = methods
        self._method: PeerMethod | None = None
        self._type: EapType | None = None
        self._requests = 0
        self._last = (b"", b"")
        self._refused: EapType | None = None
        self._notices: list[str] = []
        self._reason = ""

    def process(self, octets: bytes) -> Turn:
        """What a packet of the server leads to."""
        if self._reason:
            return Turn(reason=self._reason)
        try:
            return self._process(octets)
        except CygnetError as error:
            self._reason = str(error)
            return Turn(reason=self._reason)

    @property
    def failure(self) -> str:
        """Why the method has failed, where it knows before the server says so; else empty."""
        return "" if self._method is None else self._method.failure

    def conclude(self) -> Turn:
        """The server says success outside of this conversation, which is in a tunnel; raises if too early."""
        if self._method is None:
            raise EapError("the server says success before anything was proven")
        return Turn(proof=self._method.conclude())

    def _process(self, octets: bytes) -> Turn:
        packet = parse_packet(octets)
        if packet.code is Code.REQUEST:
            return Turn(self._answer(octets, packet))
        if packet.code is Code.SUCCESS:
            return self.conclude()
        if packet.code is Code.FAILURE:
            raise EapError(self._refusal())
        raise EapError("a response came where the server should ask")

    def _answer(self, octets: bytes, request: EapPacket) -> bytes:
        """The response; the same once more to a request that comes once more (RFC 3748, 4.1)."""
        self._requests += 1
        if self._requests > MAX_REQUESTS:
            raise EapError(f"more than {MAX_REQUESTS} EAP requests")
        if self._last[0] != octets:
            self._last = octets, self._respond(request).build()
        return self._last[1]

    def _respond(self, request: EapPacket) -> EapPacket:
        assert request.type is not None
        if request.type == NOTIFICATION:
            del self._notices[: 1 - MAX_NOTICES]
            self._notices.append(shown(request.data, 200))
            return request.reply(b"")
        if request.type == NAK:
            raise EapError("the server sent EAP-Nak, which only a peer may")
        if self._method is None:
            return self._open(request, request.type)
        if request.type != self._type:
            raise EapError(f"the server asks for {request.type} in the middle of {self._type}")
        return request.reply(self._method.process(request))

    def _open(self, request: EapPacket, type: EapType) -> EapPacket:
        if type == IDENTITY:
            return request.reply(self._identity)
        if type not in self._methods:
            self._refused = type
            return build_nak(request, self._methods)
        self._type, self._method = type, self._methods[type]()
        return request.reply(self._method.process(request))

    def _refusal(self) -> str:
        said = "".join(f'; the server said "{notice}"' for notice in self._notices)
        if self._method is not None:
            return (self._method.failure or f"the server refused our {self._type}") + said
        if self._refused is not None:
            allowed = ", ".join(map(str, self._methods)) or "none"
            return f"the server wants {self._refused}, allowed here: {allowed}{said}"
        return f"the server refused the EAP identity '{shown(self._identity)}'{said}"
