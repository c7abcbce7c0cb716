"""One SA in each direction: sealing and opening ESP packets (RFC 4303) and counting them."""

from collections.abc import Callable
from struct import Struct

from cygnet.crypto.errors import IntegrityError
from cygnet.crypto.interfaces import Sealer
from cygnet.esp.carriages import IPV4, IPV6, carriage
from cygnet.esp.meter import Meter
from cygnet.esp.mtu import alignment, payload_mtu
from cygnet.esp.policies import SelectorPairs
from cygnet.esp.records import Carriage, Drop, Limits, SaParameters
from cygnet.esp.sequence import ReplayWindow

_HEADER = Struct("!II")
_COUNTER = Struct("!Q")
_EXTENDED = Struct("!IQ")
_HIGH = Struct("!I")
_PADDING = bytes(range(1, 256))
TRAILERS = {
    number: tuple(_PADDING[:size] + bytes((size, number)) for size in range(256)) for number in (IPV4, IPV6)
}
"""Of the two next headers that a tunnel has, ready made."""
_SEQUENCE_RESERVE = 1 << 28
"""Packets before the end of 32-bit sequence numbers at which a new SA is asked for."""


class OutboundSa:
    """The sending half.

    ``attachment`` is for whoever sends the datagrams (its socket and address); ``None`` after a move. Without
    ``selectors`` it takes what its policy says.
    """

    __slots__ = (
        "_enclose",
        "_esn",
        "_mode",
        "_rng",
        "_seal",
        "_sequence",
        "_tfc",
        "_whole",
        "align",
        "attachment",
        "inner_mtu",
        "meter",
        "outer",
        "parameters",
        "path_mtu",
        "sealer",
        "selectors",
    )

    def __init__(
        self, parameters: SaParameters, sealer: Sealer, rng: Callable[[int], bytes], path_mtu: int = 1500
    ) -> None:
        self.meter = Meter(_within_sequence_numbers(parameters))
        self.selectors = SelectorPairs(parameters.local_ts, parameters.remote_ts)
        self.move(parameters)
        self.sealer = sealer
        self._seal = sealer.seal
        self._rng = rng
        self.align = alignment(sealer)
        self._esn = parameters.esn
        self._sequence = 0
        self.learn_path_mtu(path_mtu)

    def learn_path_mtu(self, path_mtu: int) -> None:
        """Set what a whole outer datagram may measure, IP header included."""
        parameters = self.parameters
        self.path_mtu = path_mtu
        udp = parameters.encapsulation is not None
        payload = payload_mtu(path_mtu, parameters.destination.version, udp, self.sealer)
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

    @property
    def many(self) -> bool:
        """Whether packets may be sealed many at once: whole ones, as they are."""
        return self._whole and not self._tfc

    def take(self, count: int) -> int:
        """The first of so many sequence numbers, for packets that are sealed elsewhere."""
        first = self._sequence + 1
        self._sequence += count
        return first

    def iv(self, count: int) -> bytes:
        """Unpredictable octets for so many IVs."""
        return self._rng(self.sealer.iv_size * count)

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
        padding = -(len(payload) + 2) % self.align
        ready = self._whole
        plaintext = payload + (TRAILERS[next_header][padding] if ready else _trailer(next_header, padding))
        sealer, spi = self.sealer, self.parameters.spi
        iv = _COUNTER.pack(sequence) if sealer.counter_mode else self.iv(1)
        header = _HEADER.pack(spi, sequence & 0xFFFFFFFF)
        if not self._esn:
            return header + iv + self._seal(iv, plaintext, header)
        if sealer.aead:
            return header + iv + self._seal(iv, plaintext, _EXTENDED.pack(spi, sequence))
        return header + iv + self._seal(iv, plaintext, header, _HIGH.pack(sequence >> 32))


class InboundSa:
    """The receiving half.

    ``allowed`` remembers which inner flows its selectors admit. ``disclose`` makes a packet, or a reason why
    there is none, of a decrypted payload and what the outer header says.
    """

    __slots__ = (
        "_esn",
        "_least",
        "_open",
        "_start",
        "allowed",
        "disclose",
        "meter",
        "parameters",
        "peer",
        "sealer",
        "selectors",
        "window",
    )

    def __init__(self, parameters: SaParameters, sealer: Sealer) -> None:
        self.meter = Meter(parameters.limits)
        self.selectors = SelectorPairs(parameters.remote_ts, parameters.local_ts)
        self.window = ReplayWindow(parameters.replay_window, parameters.esn)
        self.allowed: dict[bytes, bool] = {}
        self.sealer = sealer
        self._open = sealer.open
        self._esn = parameters.esn
        self._start = 8 + sealer.iv_size
        self._least = self._start + sealer.icv_size + 2
        self.move(parameters)

    def move(self, parameters: SaParameters) -> None:
        """Take other outer addresses or ports; window and counters stay."""
        self.parameters = parameters
        self.disclose = carriage(parameters, inbound=True).disclose
        self.peer: tuple[str, int] | None = None
        if parameters.encapsulation is not None:
            self.peer = (str(parameters.source), parameters.encapsulation[0])

    @property
    def many(self) -> bool:
        """Whether packets may be opened many at once: they come out as they are."""
        return self.parameters.carriage is Carriage.TUNNEL

    def open(self, data: bytes, outer: int = 0) -> bytes | Drop:
        """The packet inside, or why there is none (RFC 4303, 3.4); ``outer`` is the outer TOS and TTL.

        The window moves once the packet is authentic, whatever its inside.
        """
        if len(data) < self._least:
            return Drop.MALFORMED
        window, start = self.window, self._start
        low = int.from_bytes(data[4:8], "big")
        number = window.infer(low) if self._esn else low
        if number <= window.top and not window.is_new(number):
            return Drop.REPLAY
        try:
            if not self._esn:
                plaintext = self._open(data[8:start], data[start:], data[:8])
            else:
                plaintext = self._open_extended(data, number)
        except IntegrityError:
            return Drop.INTEGRITY
        window.accept(number)
        return self.disclose(plaintext, outer)

    def _open_extended(self, data: bytes, number: int) -> bytes:
        start = self._start
        if self.sealer.aead:
            return self._open(data[8:start], data[start:], data[:4] + _COUNTER.pack(number))
        return self._open(data[8:start], data[start:], data[:8], _HIGH.pack(number >> 32))


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
