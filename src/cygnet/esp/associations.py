"""One SA in each direction: sealing and opening ESP packets (RFC 4303) and counting them."""

from collections.abc import Callable
from struct import Struct

from cygnet.crypto.errors import IntegrityError
from cygnet.crypto.interfaces import Sealer
from cygnet.esp.carriages import IPV4, IPV6, carriage
from cygnet.esp.mtu import alignment, payload_mtu
from cygnet.esp.records import Carriage, Drop, Due, Limits, SaParameters
from cygnet.esp.sequence import ReplayWindow

_NEVER = 1 << 64
_HEADER = Struct("!II")
_COUNTER = Struct("!Q")
_EXTENDED = Struct("!IQ")
_HIGH = Struct("!I")
_PADDING = bytes(range(1, 256))
_TRAILERS = {
    number: tuple(_PADDING[:size] + bytes((size, number)) for size in range(256)) for number in (IPV4, IPV6)
}
"""Of the two next headers that a tunnel has, ready made."""
_SEQUENCE_RESERVE = 1 << 28
"""Packets before the end of 32-bit sequence numbers at which a new SA is asked for."""


class Meter:
    """What an SA has carried, and which of its limits that reached."""

    __slots__ = ("_limits", "_next_octets", "_next_packets", "_soft_told", "last_used", "octets", "packets")

    def __init__(self, limits: Limits) -> None:
        self.octets = 0
        self.packets = 0
        self.last_used: float | None = None
        self._limits = limits
        self._soft_told = not (limits.soft_octets or limits.soft_packets)
        self._arm()

    def add(self, octets: int, now: float) -> Due:
        """Count one packet."""
        self.octets += octets
        self.packets += 1
        self.last_used = now
        if self.octets < self._next_octets and self.packets < self._next_packets:
            return Due.NONE
        return self._reached()

    def _arm(self) -> None:
        limits = self._limits
        hard_octets, hard_packets = limits.hard_octets or _NEVER, limits.hard_packets or _NEVER
        soft_octets = _NEVER if self._soft_told else limits.soft_octets or _NEVER
        soft_packets = _NEVER if self._soft_told else limits.soft_packets or _NEVER
        self._next_octets = min(hard_octets, soft_octets)
        self._next_packets = min(hard_packets, soft_packets)

    def _reached(self) -> Due:
        limits = self._limits
        if self.octets >= (limits.hard_octets or _NEVER) or self.packets >= (limits.hard_packets or _NEVER):
            return Due.HARD
        self._soft_told = True
        self._arm()
        return Due.SOFT


class OutboundSa:
    """The sending half.

    ``attachment`` is for whoever sends the datagrams (its socket and address); ``None`` after a move.
    """

    __slots__ = (
        "_align",
        "_enclose",
        "_esn",
        "_mode",
        "_rng",
        "_seal",
        "_sealer",
        "_sequence",
        "_tfc",
        "_whole",
        "attachment",
        "inner_mtu",
        "meter",
        "outer",
        "parameters",
        "path_mtu",
    )

    def __init__(
        self, parameters: SaParameters, sealer: Sealer, rng: Callable[[int], bytes], path_mtu: int = 1500
    ) -> None:
        self.meter = Meter(_within_sequence_numbers(parameters))
        self.move(parameters)
        self._sealer = sealer
        self._seal = sealer.seal
        self._rng = rng
        self._align = alignment(sealer)
        self._esn = parameters.esn
        self._sequence = 0
        self.learn_path_mtu(path_mtu)

    def learn_path_mtu(self, path_mtu: int) -> None:
        """Set what a whole outer datagram may measure, IP header included."""
        parameters = self.parameters
        self.path_mtu = path_mtu
        udp = parameters.encapsulation is not None
        payload = payload_mtu(path_mtu, parameters.destination.version, udp, self._sealer)
        self.inner_mtu = self._mode.mtu(payload)
        tfc = min(parameters.tfc, payload) if parameters.tfc >= 0 else payload
        self._tfc = tfc if self._mode.padded else 0

    def move(self, parameters: SaParameters) -> None:
        """Take other outer addresses or ports; sequence numbers and counters stay."""
        self.parameters = parameters
        self.attachment: object = None
        self._mode = carriage(parameters, inbound=False)
        self._enclose, self.outer = self._mode.enclose, self._mode.outer
        self._whole = parameters.carriage is Carriage.TUNNEL

    def skip(self, sequence: int) -> None:
        """Go on after ``sequence``, as an SA that has already sent that many packets."""
        self._sequence = max(self._sequence, sequence)
        self.meter.packets = max(self.meter.packets, sequence)

    def seal(self, packet: bytes) -> bytes | Drop:
        """The ESP packet that carries an IP packet, with its own sequence number, or why there is none."""
        if self._whole:  # by far the most frequent, so without a call
            payload, next_header = packet, IPV4 if packet[0] >> 4 == 4 else IPV6
        else:
            enclosed = self._enclose(packet)
            if isinstance(enclosed, Drop):
                return enclosed
            payload, next_header = enclosed
        sequence = self._sequence = self._sequence + 1
        if len(payload) < self._tfc:
            payload += bytes(self._tfc - len(payload))
        padding = -(len(payload) + 2) % self._align
        ready = self._whole
        plaintext = payload + (_TRAILERS[next_header][padding] if ready else _trailer(next_header, padding))
        sealer, spi = self._sealer, self.parameters.spi
        iv = _COUNTER.pack(sequence) if sealer.counter_mode else self._rng(sealer.iv_size)
        header = _HEADER.pack(spi, sequence & 0xFFFFFFFF)
        if not self._esn:
            return header + iv + self._seal(iv, plaintext, header)
        if sealer.aead:
            return header + iv + self._seal(iv, plaintext, _EXTENDED.pack(spi, sequence))
        return header + iv + self._seal(iv, plaintext, header, _HIGH.pack(sequence >> 32))


class InboundSa:
    """The receiving half. ``allowed`` remembers which inner flows its selectors admit."""

    __slots__ = (
        "_disclose",
        "_esn",
        "_least",
        "_open",
        "_sealer",
        "allowed",
        "meter",
        "parameters",
        "peer",
        "window",
    )

    def __init__(self, parameters: SaParameters, sealer: Sealer) -> None:
        self.meter = Meter(parameters.limits)
        self.window = ReplayWindow(parameters.replay_window, parameters.esn)
        self.allowed: dict[bytes, bool] = {}
        self._sealer = sealer
        self._open = sealer.open
        self._esn = parameters.esn
        self._least = 8 + sealer.iv_size + sealer.icv_size + 2
        self.move(parameters)

    def move(self, parameters: SaParameters) -> None:
        """Take other outer addresses or ports; window and counters stay."""
        self.parameters = parameters
        self._disclose = carriage(parameters, inbound=True).disclose
        self.peer: tuple[str, int] | None = None
        if parameters.encapsulation is not None:
            self.peer = (str(parameters.source), parameters.encapsulation[0])

    def open(self, data: bytes, outer: int = 0) -> bytes | Drop:
        """The packet inside, or why there is none (RFC 4303, 3.4); ``outer`` is the outer TOS and TTL.

        The window moves once the packet is authentic, whatever its inside.
        """
        if len(data) < self._least:
            return Drop.MALFORMED
        sequence = self.window.infer(int.from_bytes(data[4:8], "big"))
        if not self.window.is_new(sequence):
            return Drop.REPLAY
        start = 8 + self._sealer.iv_size
        try:
            plaintext = self._decrypt(data, start, sequence)
        except IntegrityError:
            return Drop.INTEGRITY
        self.window.accept(sequence)
        return self._disclose(plaintext, outer)

    def _decrypt(self, data: bytes, start: int, sequence: int) -> bytes:
        if not self._esn:
            return self._open(data[8:start], data[start:], data[:8])
        if self._sealer.aead:
            return self._open(data[8:start], data[start:], data[:4] + _COUNTER.pack(sequence))
        return self._open(data[8:start], data[start:], data[:8], _HIGH.pack(sequence >> 32))


def _trailer(next_header: int, padding: int) -> bytes:
    return _PADDING[:padding] + bytes((padding, next_header))


def _within_sequence_numbers(parameters: SaParameters) -> Limits:
    """The limits of an outbound SA, the end of its sequence numbers included (RFC 4303, 3.3.3)."""
    limits = parameters.limits
    last = (1 << 64) - 1 if parameters.esn else (1 << 32) - 1
    soft = last - _SEQUENCE_RESERVE
    return Limits(
        limits.soft_octets,
        limits.hard_octets,
        min(limits.soft_packets or soft, soft),
        min(limits.hard_packets or last, last),
    )
