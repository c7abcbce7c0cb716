"""What to do with a datagram that belongs to no ISAKMP SA yet, or may not (RFC 2408, 5.1, 5.2).

The receivers call :meth:`Endpoint.decide`, one at a time. IKEv1 has no stateless cookie, so that floods are
met by limits on half-open SAs alone.
"""

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from hashlib import blake2b
from typing import Protocol

from cygnet.base.addresses import Address, Host
from cygnet.base.errors import PeerError
from cygnet.pluto.config.settings import DaemonSettings
from cygnet.pluto.encoding.exchanges import PHASE_1
from cygnet.pluto.encoding.message import FLAG_ENCRYPTION, NO_COOKIE
from cygnet.wire.header import HEADER_SIZE, Header

MAJOR_VERSION = 1
MAX_REMEMBERED = 10_000  # first messages whose copies are recognised
_FRAGMENT = 132


class Sas(Protocol):
    """What the endpoint asks of the manager's tables."""

    def by_spi(self, spi: bytes) -> int | None:
        """The number of the ISAKMP SA whose own cookie this is."""

    def half_open(self, address: Address | None = None) -> int:
        """How many peers have not authenticated themselves yet, from one address or in total."""


@dataclass(frozen=True, slots=True)
class Drop:
    """Do nothing but count."""

    counter: str


@dataclass(frozen=True, slots=True)
class Create:
    """Make an ISAKMP SA with this cookie, register it *before* the next decision, and let it receive."""

    spi: bytes


@dataclass(frozen=True, slots=True)
class Dispatch:
    """Let this ISAKMP SA receive it. ``exchange`` is for the job's priority."""

    unique_id: int
    exchange: int


Decision = Drop | Create | Dispatch


class Endpoint:
    """Decides about datagrams; holds the memory of first messages. IKEv2 is dropped silently."""

    def __init__(self, settings: DaemonSettings, sas: Sas, rng: Callable[[int], bytes]) -> None:
        self._settings = settings
        self._sas = sas
        self._rng = rng
        self._first: OrderedDict[bytes, bytes] = OrderedDict()  # digest of a first message -> our cookie

    def decide(self, data: bytes, source: Host, destination: Host, now: float) -> Decision:
        """What to do with one datagram (without the non-ESP marker, and not a keep-alive)."""
        header = self._header(data)
        if isinstance(header, Drop):
            return header
        for cookie in (header.spi_r, header.spi_i):
            unique_id = None if cookie == NO_COOKIE else self._sas.by_spi(cookie)
            if unique_id is not None:
                return Dispatch(unique_id, header.exchange)
        if header.spi_r != NO_COOKIE or header.exchange not in PHASE_1:
            return Drop("unknown_spi")
        return self._first_message(header, data, source)

    def _header(self, data: bytes) -> Header | Drop:
        if len(data) < HEADER_SIZE:
            return Drop("too_short")
        if len(data) > self._settings.max_packet:
            return Drop("too_long")
        try:
            header = Header.parse(data)
        except PeerError:
            return Drop("malformed_header")
        if header.major != MAJOR_VERSION:
            return Drop("other_version")
        return Drop("no_initiator_spi") if header.spi_i == NO_COOKIE else header

    def _first_message(self, header: Header, data: bytes, source: Host) -> Decision:
        """A copy goes to the ISAKMP SA that the first one made, and so do fragments of one cookie."""
        if header.message_id or header.flags & FLAG_ENCRYPTION:
            return Drop("odd_first_message")
        packed = source.address.packed + source.port.to_bytes(2, "big")
        same = b"fragment" + header.spi_i if header.next_payload == _FRAGMENT else data
        digest = blake2b(packed + same, digest_size=16).digest()
        if (known := self._first.get(digest)) is not None:
            if (unique_id := self._sas.by_spi(known)) is not None:
                return Dispatch(unique_id, header.exchange)
            del self._first[digest]
        refused = self._limits(source)
        if refused is not None:
            return refused
        cookie = self._fresh_cookie()
        self._first[digest] = cookie
        if len(self._first) > MAX_REMEMBERED:
            self._first.popitem(last=False)
        return Create(cookie)

    def _limits(self, source: Host) -> Drop | None:
        settings = self._settings
        if settings.initiator_only:
            return Drop("initiator_only")
        limit = settings.block_threshold if settings.dos_protection else 0
        if limit and self._sas.half_open(source.address) >= limit:
            return Drop("blocked_source")
        if settings.init_limit_half_open and self._sas.half_open() >= settings.init_limit_half_open:
            return Drop("half_open_limit")
        return None

    def _fresh_cookie(self) -> bytes:
        cookie = self._rng(8)
        while cookie == NO_COOKIE or self._sas.by_spi(cookie) is not None:
            cookie = self._rng(8)
        return cookie
