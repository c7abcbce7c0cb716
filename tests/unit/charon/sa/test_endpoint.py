"""Decisions about datagrams that belong to no IKE_SA."""

import random
from dataclasses import dataclass, field

from hypothesis import given
from hypothesis import strategies as st

from cygnet.base.addresses import Address, Host
from cygnet.charon.encoding.message import Message, build_clear, parse_message
from cygnet.charon.encoding.notify import NotifyType
from cygnet.charon.encoding.payloads import KeyExchange, Nonce, Notify, SecurityAssociation
from cygnet.charon.sa.endpoint import Await, Create, Decision, Dispatch, Drop, Endpoint, Reply
from cygnet.crypto.proposals import Protocol, default_proposals
from cygnet.keying.config.settings import DaemonSettings

HERE, THERE = Host.of("192.0.2.1", 500), Host.of("192.0.2.2", 500)
SPI_I = b"initiate"


@dataclass
class Table:
    """A manager's tables."""

    spis: dict[bytes, int] = field(default_factory=dict)
    next_spis: dict[bytes, int] = field(default_factory=dict)
    total: int = 0
    here: int = 0

    def by_spi(self, spi: bytes) -> int | None:
        return self.spis.get(spi)

    def by_next_spi(self, spi: bytes) -> int | None:
        return self.next_spis.get(spi)

    def half_open(self, address: Address | None = None) -> int:
        return self.total if address is None else self.here


def an_endpoint(table: Table | None = None, **settings: object) -> Endpoint:
    rng = random.Random(1).randbytes
    return Endpoint(DaemonSettings(**settings), table or Table(), rng)  # type: ignore[arg-type]


def first_message(nonce: bytes = bytes(32), cookie: bytes = b"") -> bytes:
    payloads = (
        SecurityAssociation(default_proposals(Protocol.IKE)[:1]),
        KeyExchange(31, bytes(32)),
        Nonce(nonce),
    )
    shown = (Notify(NotifyType.COOKIE, cookie),) if cookie else ()
    return build_clear(Message(34, SPI_I, bytes(8), 0, True, False, (*shown, *payloads)))


def decide(endpoint: Endpoint, data: bytes, now: float = 0.0) -> Decision:
    return endpoint.decide(data, THERE, HERE, now)


def test_first_message_creates() -> None:
    decision = decide(an_endpoint(), first_message())
    assert isinstance(decision, Create)
    assert len(decision.spi) == 8


def test_copy_of_a_first_message_goes_to_the_ike_sa_it_made() -> None:
    table = Table()
    endpoint = an_endpoint(table)
    created = decide(endpoint, first_message())
    assert isinstance(created, Create)
    table.spis[created.spi] = 7
    assert decide(endpoint, first_message()) == Dispatch(7, 34, False)


def test_message_for_an_ike_sa_that_another_is_making_waits_for_that() -> None:
    """Its peer has it as soon as it has answered our rekeying, we once we have read the answer."""
    data = b"their-is" + b"our-next" + b"\x2e\x20\x24\x08" + bytes(4) + (28).to_bytes(4, "big")
    endpoint = an_endpoint(Table({b"our-last": 3}, {b"our-next": 3}))
    assert decide(endpoint, data) == Await(3, b"our-next")
    assert decide(endpoint, data.replace(b"our-next", b"our-last")) == Dispatch(3, 36, False)


def test_message_for_an_ike_sa_that_is_made_between_the_look_ups_finds_it() -> None:
    class Making(Table):
        def made(self) -> None:
            if self.next_spis.pop(b"our-next", None):
                self.spis[b"our-next"] = 7

        def by_spi(self, spi: bytes) -> int | None:
            found = super().by_spi(spi)
            self.made()
            return found

        def by_next_spi(self, spi: bytes) -> int | None:
            found = super().by_next_spi(spi)
            self.made()
            return found

    data = b"their-is" + b"our-next" + b"\x2e\x20\x24\x08" + bytes(4) + (28).to_bytes(4, "big")
    assert decide(an_endpoint(Making({}, {b"our-next": 3})), data) == Dispatch(7, 36, False)


def test_copy_of_a_first_message_whose_ike_sa_is_gone_creates_again() -> None:
    endpoint = an_endpoint()
    assert isinstance(decide(endpoint, first_message()), Create)
    assert isinstance(decide(endpoint, first_message()), Create)


def test_higher_major_version_is_answered() -> None:
    data = bytearray(first_message())
    data[17] = 0x30
    decision = decide(an_endpoint(), bytes(data))
    assert isinstance(decision, Reply)
    answer = parse_message(decision.data)
    assert answer.message.notify(NotifyType.INVALID_MAJOR_VERSION) is not None
    assert answer.header.major == 2 and answer.header.is_response


def test_ikev1_is_not_answered() -> None:
    data = bytearray(first_message())
    data[17] = 0x10
    assert decide(an_endpoint(), bytes(data)) == Drop("other_version")


def test_unknown_spi_is_met_with_silence() -> None:
    data = build_clear(Message(37, SPI_I, b"responde", 5, True, False))
    assert decide(an_endpoint(), data) == Drop("unknown_spi")


def test_unknown_spi_is_answered_at_a_limited_rate_where_wanted() -> None:
    endpoint = an_endpoint(invalid_ike_spi_rate=2.0)
    data = build_clear(Message(37, SPI_I, b"responde", 5, True, False))
    kinds = [type(decide(endpoint, data, 0.0)) for _ in range(4)]
    assert kinds == [Reply, Reply, Drop, Drop]
    assert isinstance(decide(endpoint, data, 1.0), Reply)


def test_response_to_an_unknown_spi_is_never_answered() -> None:
    endpoint = an_endpoint(invalid_ike_spi_rate=2.0)
    data = build_clear(Message(37, SPI_I, b"responde", 5, True, True))
    assert decide(endpoint, data) == Drop("unknown_spi")


def test_cookie_is_demanded_beyond_the_threshold_and_accepted() -> None:
    endpoint = an_endpoint(Table(total=30))
    demand = decide(endpoint, first_message())
    assert isinstance(demand, Reply)
    cookie = parse_message(demand.data).message.notify(NotifyType.COOKIE)
    assert cookie is not None and 1 <= len(cookie.data) <= 64
    assert isinstance(decide(endpoint, first_message(cookie=cookie.data)), Create)


def test_cookie_of_another_nonce_or_too_old_is_not_accepted() -> None:
    endpoint = an_endpoint(Table(total=30))
    demand = decide(endpoint, first_message())
    assert isinstance(demand, Reply)
    cookie = parse_message(demand.data).message.notify(NotifyType.COOKIE)
    assert cookie is not None
    assert isinstance(decide(endpoint, first_message(bytes([1]) * 32, cookie.data)), Reply)
    assert isinstance(decide(endpoint, first_message(cookie=cookie.data), 15.0), Create)
    assert isinstance(decide(endpoint, first_message(cookie=cookie.data), 100.0), Reply)


def test_source_with_many_half_open_is_blocked_even_with_a_cookie() -> None:
    endpoint = an_endpoint(Table(total=5, here=5))
    demand = decide(endpoint, first_message())
    assert isinstance(demand, Reply)
    cookie = parse_message(demand.data).message.notify(NotifyType.COOKIE)
    assert cookie is not None
    assert decide(endpoint, first_message(cookie=cookie.data)) == Drop("blocked_source")


def test_total_of_half_open_is_limited() -> None:
    endpoint = an_endpoint(Table(total=9), init_limit_half_open=9)
    assert decide(endpoint, first_message()) == Drop("half_open_limit")


def test_initiator_only_creates_nothing() -> None:
    assert decide(an_endpoint(initiator_only=True), first_message()) == Drop("initiator_only")


def test_oversized_datagram_is_dropped() -> None:
    assert decide(an_endpoint(max_packet=1280), first_message() + bytes(2000)) == Drop("too_long")


@given(st.binary(max_size=200), st.booleans())
def test_any_octets_lead_to_a_decision(data: bytes, cookies: bool) -> None:
    endpoint = an_endpoint(Table(total=100 if cookies else 0), invalid_ike_spi_rate=10.0)
    assert isinstance(decide(endpoint, data), Drop | Reply | Create | Dispatch)
    whole = SPI_I + bytes(8) + b"\x21\x20\x22\x08" + bytes(4) + (28 + len(data)).to_bytes(4, "big") + data
    assert isinstance(decide(endpoint, whole), Drop | Reply | Create | Dispatch)
