"""From drafts to datagrams and back: protection, fragmentation, retransmission, the response cache."""

from dataclasses import dataclass, field

from cygnet.base.addresses import Host
from cygnet.base.errors import PeerError
from cygnet.base.groups import Group
from cygnet.base.records import record
from cygnet.charon.encoding.exchanges import Exchange
from cygnet.charon.encoding.fragments import Reassembler, message_limit
from cygnet.charon.encoding.message import (
    AnyPayload,
    Message,
    Parsed,
    build_clear,
    build_fragments,
    build_protected,
    covered_octets,
    open_message,
)
from cygnet.charon.encoding.notify import NotifyType
from cygnet.charon.encoding.payloads import Notify, PayloadType
from cygnet.charon.sa import search
from cygnet.charon.sa.association import NO_SPI, Association
from cygnet.charon.sa.keymat import Protection
from cygnet.charon.sa.mobility import Pair
from cygnet.charon.sa.tasks.task import Draft
from cygnet.charon.sa.timers import Retransmit

T = PayloadType
_REQUEST_ORDER = {
    T.IDI: 0, T.CERT: 1, T.CERTREQ: 3, T.IDR: 4, T.AUTH: 5, T.EAP: 5, T.SA: 6, T.TSI: 7, T.TSR: 8
}  # fmt: skip
_RESPONSE_ORDER = _REQUEST_ORDER | {T.IDR: 0}
_INITIAL_CONTACT_PLACE, _LAST = 2, 9


SMALL = 1000  # octets of an IKE_SA_INIT message that pass everywhere


@dataclass(slots=True)
class Outstanding:
    """Our request that waits for its response; ``sends`` counts how often it went out, not counting probing.

    ``since`` is when it first did, ``tried`` are the paths that it was sent along.
    """

    exchange: int
    message_id: int
    packets: tuple[bytes, ...]
    serial: int
    since: float
    covered: bytes
    sends: int = 1
    tried: set[Pair] = field(default_factory=set)


@record
class Cached:
    """The last response, the datagram that completed its request, and what protected that."""

    message_id: int
    request: bytes
    packets: tuple[bytes, ...]
    protection: Protection | None


class Transport:
    """The messages of one IKE_SA on the wire."""

    def __init__(self, sa: Association) -> None:
        self.sa = sa
        self.outstanding: Outstanding | None = None
        self.cached: Cached | None = None
        self._serial = 0
        self._requests = Reassembler()
        self._responses = Reassembler()

    def pack(self, draft: Draft) -> tuple[bytes, ...]:
        """The datagrams of a draft, which is named in the log."""
        sa, settings = self.sa, self.sa.ports.settings
        clear = draft.exchange == Exchange.IKE_SA_INIT
        message = Message(
            draft.exchange,
            sa.spi_i,
            _responder_spi(sa, draft) if clear else sa.spi_r,
            draft.message_id,
            sa.initiator,
            draft.response,
            _ordered(draft),
        )
        sa.log(Group.ENC, f"generating {message.describe()}")
        sa.saw(message, incoming=False)
        if clear:
            return (self._whole(build_clear(message)),)
        if draft.exchange == Exchange.IKE_INTERMEDIATE:
            draft.covered = covered_octets(message)
        protection = sa.sends
        if not (sa.peer.fragmentation and settings.fragment_size):
            return (build_protected(message, protection.sealer, protection.iv()),)
        packets = tuple(build_fragments(message, protection.sealer, protection.iv, self._limit))
        if len(packets) > 1:
            self._log_fragments(message, packets)
        return packets

    @property
    def _limit(self) -> int:
        sa, settings = self.sa, self.sa.ports.settings
        return message_limit(settings.fragment_size, sa.local.family, sa.local.port != settings.port)

    def _whole(self, packet: bytes) -> bytes:
        """IKE_SA_INIT cannot be fragmented (RFC 7383, 2.5): say so where that is likely to hurt."""
        if len(packet) > SMALL and len(packet) > self._limit > 0:
            text = f"IKE_SA_INIT message of {len(packet)} bytes may be lost as IP fragments on the way;"
            self.sa.log(Group.ENC, f"{text} large key exchanges belong into ke1_ to ke7_")
        return packet

    def _log_fragments(self, message: Message, packets: tuple[bytes, ...]) -> None:
        sa, count = self.sa, len(packets)
        total = sum(map(len, packets))
        sa.log(Group.ENC, f"splitting IKE message ({total} bytes) into {count} fragments")
        kind = "response" if message.response else "request"
        name = Exchange(message.exchange).name
        for number in range(1, count + 1):
            sa.log(Group.ENC, f"generating {name} {kind} {message.message_id} [ EF({number}/{count}) ]")

    def open(self, parsed: Parsed) -> Message | None:
        """The message once it is verified and complete; ``None`` while fragments are missing."""
        sa, fragment = self.sa, parsed.fragment
        if fragment is None:
            return open_message(parsed, sa.receives.sealer)
        reassembler = self._responses if parsed.header.is_response else self._requests
        before = reassembler.pending
        message = reassembler.add(parsed, sa.receives.sealer)
        place = f"received fragment #{fragment.number} of {fragment.total}"
        if message is not None:
            sa.log(Group.ENC, f"{place}, reassembled fragmented IKE message")
        elif reassembler.pending != before:
            sa.log(Group.ENC, f"{place}, waiting for complete IKE message")
        return message

    def is_copy(self, parsed: Parsed) -> bool:
        """Whether a request under the last message ID is that request again (RFC 7296, 2.1).

        It should be identical. One that is not, perhaps because it is fragmented otherwise now, must pass
        its integrity check; a further fragment of one that is identical is not answered on its own.
        """
        if self.cached is not None and parsed.raw == self.cached.request:
            return True
        protection = self.cached.protection if self.cached else None
        if protection is None or parsed.encrypted is None or parsed.fragment is not None:
            return False
        try:
            open_message(parsed, protection.sealer)
        except PeerError:
            return False
        return True

    def request(self, draft: Draft, packets: tuple[bytes, ...]) -> None:
        """Send a request and keep it until it is answered."""
        self._serial += 1
        self._responses.clear()
        self.outstanding = Outstanding(
            draft.exchange, draft.message_id, packets, self._serial, self.sa.now, draft.covered
        )
        self._send_request(self.outstanding)

    def respond(self, request: bytes, draft: Draft, packets: tuple[bytes, ...], route: "Route") -> None:
        """Send a response and keep it for copies of its request."""
        self._requests.clear()
        protection = None if self.sa.keys is None else self.sa.receives
        self.cached = Cached(draft.message_id, request, packets, protection)
        for packet in packets:
            self.sa.send(route.destination, route.source, packet, draft.delay_s)

    def repeat_response(self, route: "Route") -> None:
        """Answer a copy of the last request (RFC 7296, 2.1)."""
        cached = self.cached
        if cached is None:
            return
        self.sa.log(
            Group.IKE,
            f"received retransmit of request with ID {cached.message_id}, retransmitting response",
        )
        for packet in cached.packets:
            self.sa.send(route.destination, route.source, packet)

    def retransmit(self, timer: Retransmit) -> bool:
        """Send the request again; False when it was sent often enough."""
        waiting = self.outstanding
        if waiting is None or waiting.serial != timer.serial:
            return True
        if not self.sa.is_searching and search.is_due(self.sa, waiting.sends):
            search.begin(self.sa, waiting.since)
        if self.sa.is_searching:
            return self._search(waiting)
        if waiting.sends > self.sa.ports.settings.retransmit_tries:
            self.sa.log(Group.IKE, f"giving up after {waiting.sends - 1} retransmits")
            return False
        self.sa.log(Group.IKE, f"retransmit {waiting.sends} of request with message ID {waiting.message_id}")
        waiting.sends += 1
        self._send_request(waiting)
        return True

    def resend(self) -> None:
        """Send what is under way again at once: the path has changed, or is not known any more."""
        waiting = self.outstanding
        if waiting is None:
            return
        self._serial += 1
        waiting.serial = self._serial
        self._send_request(waiting)

    def _search(self, waiting: Outstanding) -> bool:
        """Another attempt along several paths; False after as long a time as retransmission would take."""
        sa = self.sa
        if search.is_hopeless(sa):
            sa.log(Group.IKE, f"giving up after {sa.mobility.attempts} path probings")
            return False
        self._send_request(waiting)
        return True

    def _send_request(self, waiting: Outstanding) -> None:
        sa = self.sa
        if sa.is_searching:
            pairs, delay = search.attempt(sa)
        else:
            pairs, delay = [(sa.local, sa.remote)], self._delay(waiting)
        waiting.tried.update(pairs)
        for local, remote in pairs:
            for packet in waiting.packets:
                sa.send(local, remote, packet)
        sa.schedule(delay, Retransmit(waiting.message_id, waiting.serial))

    def _delay(self, waiting: Outstanding) -> float:
        sa, settings = self.sa, self.sa.ports.settings
        delay = settings.retransmit_timeout_s * settings.retransmit_base ** (waiting.sends - 1)
        if settings.retransmit_limit_s:
            delay = min(delay, settings.retransmit_limit_s)
        if settings.retransmit_jitter_percent:
            delay -= delay * settings.retransmit_jitter_percent / 100 * sa.chance()
        return delay


@record
class Route:
    """Where a datagram came from and where it arrived."""

    source: Host
    destination: Host


def _responder_spi(sa: Association, draft: Draft) -> bytes:
    """SPIr of an IKE_SA_INIT message: zero in requests, and in answers that refuse (RFC 7296, 2.6)."""
    if not draft.response:
        return NO_SPI
    refused = len(draft.payloads) == 1 and isinstance(draft.payloads[0], Notify)
    return NO_SPI if refused else sa.spi_r


def _ordered(draft: Draft) -> tuple[AnyPayload, ...]:
    """The payloads in the RFC's order; only IKE_AUTH is built by several tasks that interleave."""
    if draft.exchange != Exchange.IKE_AUTH:
        return tuple(draft.payloads)
    order = _RESPONSE_ORDER if draft.response else _REQUEST_ORDER
    return tuple(sorted(draft.payloads, key=lambda payload: _place(payload, order)))


def _place(payload: AnyPayload, order: dict[PayloadType, int]) -> int:
    if isinstance(payload, Notify) and payload.type == NotifyType.INITIAL_CONTACT:
        return _INITIAL_CONTACT_PLACE
    return order.get(payload.payload_type, _LAST)  # type: ignore[call-overload, no-any-return]
