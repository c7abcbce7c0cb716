"""What the kernel tells goes to the ISAKMP SA that has the SA, without asking all others."""

from ipaddress import ip_address
from typing import Any

from cygnet.base.addresses import Address, Host
from cygnet.kernel.port import Expire, IpProtocol, KernelEvent, MappingChange, SaId
from cygnet.pluto.jobs.core import ChildPicture, Picture
from cygnet.pluto.jobs.kernel_events import KernelEvents
from cygnet.pluto.sa.orders import KernelExpire

HERE, HOME, ABROAD = (ip_address(text) for text in ("192.0.2.1", "192.0.2.2", "198.51.100.2"))
SAME = 0xC0DE
"""An SPI that two peers chose."""


class Place:
    """Notes orders; SAs 1 and 2 have an IPsec SA each. Who asks for all fails."""

    def __init__(self) -> None:
        self.manager = self
        self.orders: list[tuple[int, Any]] = []
        self.lines: list[str] = []
        self.snapshot = {1: picture(1, HOME, 0x101), 2: picture(2, ABROAD, 0x102)}.get

    def by_kernel_spi(self, spi: int) -> tuple[int, ...]:
        return {0x101: (1,), 0x102: (2,), SAME: (1, 2)}.get(spi, ())

    def order(self, number: int, order: Any) -> bool:
        self.orders.append((number, order))
        return True

    def log(self, group: Any, text: str) -> None:
        self.lines.append(text)


def sa(source: Address, destination: Address, spi: int) -> SaId:
    return SaId(source, destination, IpProtocol.ESP, spi)


def picture(number: int, peer: Address, spi: int) -> Picture:
    ids = sa(peer, HERE, spi), sa(HERE, peer, SAME)
    child = ChildPicture(
        number, "net", "", "", "INSTALLED", "TUNNEL", "ESP", 1, spi, SAME, "", "", ids=ids
    )
    return Picture(
        number, "net", 0, "", "", "ESTABLISHED", False, Host(HERE, 500), Host(peer, 500), children=(child,)
    )


def told(event: KernelEvent) -> Place:
    place = Place()
    KernelEvents(place, None, None)(event)  # type: ignore[arg-type]  # neither is asked
    return place


def test_expiry_goes_to_the_owner() -> None:
    one = sa(ABROAD, HERE, 0x102)
    assert told(Expire(one, hard=False)).orders == [(2, KernelExpire(one, False))]


def test_of_two_peers_with_the_same_spi_the_right_one_is_told() -> None:
    one = sa(HERE, ABROAD, SAME)
    assert told(Expire(one, hard=True)).orders == [(2, KernelExpire(one, True))]


def test_owner_is_found_after_its_addresses_have_changed() -> None:
    moved = ip_address("203.0.113.9")
    place = told(MappingChange(sa(moved, HERE, 0x102), Host(moved, 4501)))
    assert [number for number, _ in place.orders] == [2]


def test_sa_of_nobody_is_named() -> None:
    place = told(Expire(sa(HOME, HERE, 0xBAD), hard=True))
    assert not place.orders and "00000bad" in place.lines[0]
