"""The conversation of an EAP server: who asks, and judges (RFC 3748, 4; RFC 4137, 5 and 6)."""

from collections.abc import Callable, Mapping

from cygnet.base.errors import CygnetError
from cygnet.eap.errors import EapError
from cygnet.eap.naks import parse_nak
from cygnet.eap.outcomes import Proof, Turn, shown
from cygnet.eap.packets import IDENTITY, NAK, Code, EapPacket, EapType, parse_packet
from cygnet.eap.ports import Random, ServerMethod

MAX_REQUESTS = 128
MAX_IDENTITY = 1024

ServerMethods = Mapping[EapType, Callable[[], ServerMethod]]
Offer = Callable[[bytes], ServerMethods]
"""The methods for a peer that says it is ``identity``, the preferred first; none at all refuses it."""


class ServerConversation:
    """Asks until a method is done. Every turn has a packet, at the end Success or Failure.

    Without ``identity`` the peer is asked for it first. ``offer`` is asked once.
    """

    def __init__(self, offer: Offer, rng: Random, identity: bytes | None = None) -> None:
        self._offer = offer
        self._identity = identity
        self._methods: dict[EapType, Callable[[], ServerMethod]] = {}
        self._method: ServerMethod | None = None
        self._type = IDENTITY
        self._heard = False
        self._requests = 0
        self._identifier = rng(1)[0]
        self._end: Turn | None = None

    def begin(self) -> Turn:
        """The first packet."""
        if self._identity is None:
            return Turn(self._request(IDENTITY, b""))
        return self._guarded(lambda: self._take_identity(self._identity or b""))

    def process(self, octets: bytes) -> Turn:
        """What a packet of the peer leads to."""
        return self._guarded(lambda: self._process(octets))

    def volunteered(self, octets: bytes) -> Turn:
        """Instead of ``begin``: the peer says its identity without being asked (RFC 5281, 11.2.1)."""

        def adopt() -> Turn:
            self._identifier = parse_packet(octets).identifier
            return self._process(octets)

        return self._guarded(adopt)

    def renumber(self, identifier: int) -> None:
        """The last request goes as ``identifier``: in PEAP that of the packet outside counts."""
        self._identifier = identifier

    def _guarded(self, step: Callable[[], Turn]) -> Turn:
        if self._end is not None:
            return self._end
        try:
            turn = step()
        except CygnetError as error:
            turn = Turn(EapPacket(Code.FAILURE, self._identifier).build(), reason=str(error))
        if turn.over:
            self._end = turn
        return turn

    def _process(self, octets: bytes) -> Turn:
        packet = parse_packet(octets)
        if packet.code is not Code.RESPONSE:
            raise EapError(f"EAP {packet.code.name.lower()} came where the peer should respond")
        if packet.identifier != self._identifier:
            raise EapError(f"EAP response {packet.identifier} does not answer request {self._identifier}")
        if self._method is None:
            return self._take_identity(self._expected(packet).data)
        if packet.type == NAK and not self._heard:
            return self._other_method(packet)
        self._heard = True
        return self._judge(self._method.process(self._expected(packet)))

    def _expected(self, packet: EapPacket) -> EapPacket:
        if packet.type != self._type:
            raise EapError(f"the peer answers {self._type} with {packet.type}")
        return packet

    def _take_identity(self, identity: bytes) -> Turn:
        if len(identity) > MAX_IDENTITY:
            raise EapError(f"EAP identity of {len(identity)} octets; up to {MAX_IDENTITY} are taken")
        self._identity = identity
        self._methods = dict(self._offer(identity))
        if not self._methods:
            raise EapError(f"no EAP method is allowed for '{shown(identity)}'")
        return self._start(next(iter(self._methods)))

    def _start(self, type: EapType) -> Turn:
        self._type, self._method = type, self._methods.pop(type)()
        return Turn(self._request(type, self._method.begin()))

    def _other_method(self, nak: EapPacket) -> Turn:
        """Ours that the peer would take too, by our preference; those it refused are gone from the offer."""
        wanted = parse_nak(nak)
        for kind in self._methods:
            if kind in wanted:
                return self._start(kind)
        theirs = ", ".join(map(str, wanted)) or "no other"
        ours = ", ".join(map(str, (self._type, *self._methods)))
        raise EapError(f"the peer refuses {self._type} and wants {theirs}; allowed here: {ours}")

    def _judge(self, result: bytes | Proof) -> Turn:
        if isinstance(result, Proof):
            return Turn(EapPacket(Code.SUCCESS, self._identifier).build(), proof=result)
        return Turn(self._request(self._type, result))

    def _request(self, type: EapType, data: bytes) -> bytes:
        self._requests += 1
        if self._requests > MAX_REQUESTS:
            raise EapError(f"more than {MAX_REQUESTS} EAP requests")
        self._identifier = (self._identifier + 1) & 0xFF
        return EapPacket(Code.REQUEST, self._identifier, type, data).build()
