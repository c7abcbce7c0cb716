"""What to do with a datagram that belongs to no IKE_SA yet, or may not (RFC 7296, 2.4, 2.6, 2.21.4).

The receivers call :meth:`Endpoint.decide`, one at a time, for every IKE datagram; it costs a header and two
look-ups for one that belongs to a known IKE_SA.
"""

from collections import OrderedDict
from collections.abc import Callable
from hashlib import blake2b
from typing import Protocol

from cygnet.base.addresses import Address, Host
from cygnet.base.errors import PeerError
from cygnet.base.records import record
from cygnet.charon.encoding.exchanges import Exchange
from cygnet.charon.encoding.message import Message, build_clear, parse_message
from cygnet.charon.encoding.notify import NotifyType
from cygnet.charon.encoding.payloads import Nonce, Notify
from cygnet.charon.sa.cookies import Cookies
from cygnet.keying.config.settings import DaemonSettings
from cygnet.wire.header import FLAG_INITIATOR as INITIATOR
from cygnet.wire.header import FLAG_RESPONSE as RESPONSE
from cygnet.wire.header import HEADER_SIZE, Header

MAJOR_VERSION = 2
MAX_REMEMBERED = 10_000  # first messages whose copies are recognised
_NO_SPI = bytes(8)


class Sas(Protocol):
    """What the endpoint asks of the manager's tables."""

    def by_spi(self, spi: bytes) -> int | None:
        """The number of the IKE_SA whose local SPI this is."""

    def by_next_spi(self, spi: bytes) -> int | None:
        """The number of the IKE_SA that makes another, whose local SPI this will be."""

    def half_open(self, address: Address | None = None) -> int:
        """How many peers have not authenticated themselves yet, from one address or in total."""


@record
class Drop:
    """Do nothing but count."""

    counter: str


@record
class Reply:
    """Answer with these octets, from where the datagram arrived to where it came from."""

    data: bytes
    counter: str


@record
class Create:
    """Make an IKE_SA with this local SPI, register it *before* the next decision, and let it receive."""

    spi: bytes


@record
class Dispatch:
    """Let this IKE_SA receive it. ``exchange`` and ``response`` are for the job's priority."""

    unique_id: int
    exchange: int
    response: bool


@record
class Await:
    """Decide by this local SPI once ``unique_id`` has done what it is about to: it makes the IKE_SA.

    Its peer may begin to use the new IKE_SA before we have read the response that makes it.
    """

    unique_id: int
    spi: bytes


Decision = Drop | Reply | Create | Dispatch | Await


class Endpoint:
    """Decides about datagrams. Holds the cookie secrets and the memory of first messages, nothing else."""

    def __init__(self, settings: DaemonSettings, sas: Sas, rng: Callable[[int], bytes]) -> None:
        self._settings = settings
        self._sas = sas
        self._rng = rng
        self._cookies = Cookies(rng)
        self._first: OrderedDict[bytes, bytes] = OrderedDict()  # digest of a first message -> our SPI
        self._spi_notifies = 0.0
        self._refilled_at = 0.0

    def decide(self, data: bytes, source: Host, destination: Host, now: float) -> Decision:
        """What to do with one datagram (without the non-ESP marker, and not a keep-alive)."""
        if len(data) < HEADER_SIZE:
            return Drop("too_short")
        if len(data) > self._settings.max_packet:
            return Drop("too_long")
        try:
            header = Header.parse(data)
        except PeerError:
            return Drop("malformed_header")
        if header.length != len(data):
            return Drop("wrong_length")
        if header.major != MAJOR_VERSION:
            return self._other_version(header)
        if header.spi_i == _NO_SPI:
            return Drop("no_initiator_spi")
        response = bool(header.flags & RESPONSE)
        if header.exchange == Exchange.IKE_SA_INIT and not response and header.spi_r == _NO_SPI:
            return self._first_message(header, data, source, now)
        local = header.spi_r if header.flags & INITIATOR else header.spi_i
        maker = self._sas.by_next_spi(local)  # looked up first: once it is none, what it made is there
        unique_id = self._sas.by_spi(local)
        if unique_id is not None:
            return Dispatch(unique_id, header.exchange, response)
        return self._unknown_spi(header, now) if maker is None else Await(maker, local)

    def _other_version(self, header: Header) -> Decision:
        """INVALID_MAJOR_VERSION for a request of a higher version (RFC 7296, 2.5)."""
        if header.major < MAJOR_VERSION or header.flags & RESPONSE:
            return Drop("other_version")
        notify = Notify(NotifyType.INVALID_MAJOR_VERSION, b"")
        return Reply(_answer(header, header.exchange, notify), "invalid_major_version")

    def _unknown_spi(self, header: Header, now: float) -> Decision:
        """Silence, or INVALID_IKE_SPI unprotected and rate limited (RFC 7296, 2.21.4)."""
        rate = self._settings.invalid_ike_spi_rate
        if header.flags & RESPONSE or not rate:
            return Drop("unknown_spi")
        self._spi_notifies = max(0.0, self._spi_notifies - (now - self._refilled_at) * rate)
        self._refilled_at = now
        if self._spi_notifies >= max(1.0, rate):
            return Drop("unknown_spi")
        self._spi_notifies += 1
        return Reply(
            _answer(header, header.exchange, Notify(NotifyType.INVALID_IKE_SPI, b"")), "invalid_ike_spi"
        )

    def _first_message(self, header: Header, data: bytes, source: Host, now: float) -> Decision:
        if header.message_id or not header.flags & INITIATOR:
            return Drop("odd_first_message")
        digest = blake2b(source.address.packed + data, digest_size=16).digest()
        if (known := self._first.get(digest)) is not None:
            if (unique_id := self._sas.by_spi(known)) is not None:
                return Dispatch(unique_id, header.exchange, False)
            del self._first[digest]
        refused = self._limits(header, data, source, now)
        if refused is not None:
            return refused
        spi = self._fresh_spi()
        self._first[digest] = spi
        if len(self._first) > MAX_REMEMBERED:
            self._first.popitem(last=False)
        return Create(spi)

    def _limits(self, header: Header, data: bytes, source: Host, now: float) -> Decision | None:
        """Cookie and half-open limits, in the order strongSwan applies them."""
        settings = self._settings
        if settings.initiator_only:
            return Drop("initiator_only")
        total, here = self._sas.half_open(), self._sas.half_open(source.address)
        if settings.dos_protection:
            wanted = (settings.cookie_threshold and total >= settings.cookie_threshold) or (
                settings.cookie_threshold_ip and here >= settings.cookie_threshold_ip
            )
            if wanted and (demand := self._demand_cookie(header, data, source, now)) is not None:
                return demand
            if settings.block_threshold and here >= settings.block_threshold:
                return Drop("blocked_source")
        if settings.init_limit_half_open and total >= settings.init_limit_half_open:
            return Drop("half_open_limit")
        return None

    def _demand_cookie(self, header: Header, data: bytes, source: Host, now: float) -> Decision | None:
        """``None`` where the message carries a cookie of ours, else the demand for one (RFC 7296, 2.6)."""
        try:
            message = parse_message(data).message
        except PeerError:
            return Drop("malformed_first_message")
        nonce = message.first(Nonce)
        if nonce is None:
            return Drop("malformed_first_message")
        shown = message.notify(NotifyType.COOKIE)
        if shown is not None and self._cookies.check(
            shown.data, nonce.data, source.address, header.spi_i, now
        ):
            return None
        cookie = self._cookies.make(nonce.data, source.address, header.spi_i, now)
        return Reply(_answer(header, Exchange.IKE_SA_INIT, Notify(NotifyType.COOKIE, cookie)), "cookie")

    def _fresh_spi(self) -> bytes:
        spi = self._rng(8)
        while spi == _NO_SPI or self._sas.by_spi(spi) is not None:
            spi = self._rng(8)
        return spi


def _answer(header: Header, exchange: int, notify: Notify) -> bytes:
    """An unprotected response to the request with ``header``."""
    return build_clear(
        Message(
            exchange,
            header.spi_i,
            header.spi_r,
            header.message_id,
            not header.flags & INITIATOR,
            True,
            (notify,),
        )
    )
