"""What the kernel tells, as events; bodies are put together by hand."""

from ipaddress import ip_address, ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cygnet.base.addresses import Host
from cygnet.base.selectors import TrafficSelector
from cygnet.kernel.backends.netlink import Message, attribute
from cygnet.kernel.backends.xfrm.constants import Attr, Kind
from cygnet.kernel.backends.xfrm.events import decode
from cygnet.kernel.backends.xfrm.owner import Owner
from cygnet.kernel.backends.xfrm.policy_layout import Migration, PolicyInfo, Template, pack_policy_name
from cygnet.kernel.backends.xfrm.primitives import PortMatch, Selector
from cygnet.kernel.backends.xfrm.sa_layout import SaInfo, pack_sa_name
from cygnet.kernel.port import Acquire, Direction, Expire, IpProtocol, MappingChange, Migrate, SaId

MOON, SUN = ip_address("192.0.2.1"), ip_address("192.0.2.2")
OWNER = Owner(0x51B)
PACKET = Selector(
    ip_network("10.1.0.1/32"), ip_network("10.2.0.9/32"), 6, PortMatch(40000, 0xFFFF), PortMatch(80, 0xFFFF)
)
NETS = Selector(ip_network("10.1.0.0/24"), ip_network("10.2.0.0/24"))
SA = SaInfo(SUN, MOON, IpProtocol.ESP, 0xC1, 7, 1)


def heard(kind: Kind, body: bytes):
    return decode(Message(kind, 0, 0, 0, body), OWNER.owns)


def acquire(index: int, extra: bytes = b"") -> bytes:
    """``struct xfrm_user_acquire`` and its attributes."""
    identity = SUN.packed + bytes(12) + bytes(4) + bytes((50, 0, 0, 0))
    source = MOON.packed + bytes(12)
    policy = PolicyInfo(NETS, 1, 375424, index).pack()
    algorithms = b"\xff" * 12 + (9).to_bytes(4, "little")
    comp = Template(MOON, SUN, 108, 7, 1, 4).pack()
    esp = Template(None, None, 50, 7, 0, 4).pack()
    return identity + source + PACKET.pack() + policy + algorithms + attribute(Attr.TMPL, comp + esp) + extra


def test_acquire_of_our_trap():
    event = heard(Kind.ACQUIRE, acquire(OWNER.index(1, 1)))
    ends = [
        TrafficSelector(ip_address(at), ip_address(at), 6, port, port)
        for at, port in (("10.1.0.1", 40000), ("10.2.0.9", 80))
    ]
    assert event == Acquire(7, *ends)


def test_acquire_for_one_cpu():
    event = heard(Kind.ACQUIRE, acquire(OWNER.index(1, 1), attribute(Attr.SA_PCPU, bytes((3, 0, 0, 0)))))
    assert event.cpu == 3


@pytest.mark.parametrize("index", [0, 9, Owner(0x51C).index(1, 1)])
def test_acquire_of_somebody_else_is_not_ours(index):
    assert heard(Kind.ACQUIRE, acquire(index)) is None


@pytest.mark.parametrize("hard", [False, True])
def test_expiry(hard):
    event = heard(Kind.EXPIRE, SA.pack() + bytes((hard,)) + bytes(7))
    assert event == Expire(SaId(SUN, MOON, IpProtocol.ESP, 0xC1), hard)


def test_expiry_of_ipcomp_is_not_told():
    info = SaInfo(SUN, MOON, IpProtocol.IPCOMP, 0x1234, 7, 1)
    assert heard(Kind.EXPIRE, info.pack() + bytes(8)) is None


def test_mapping_has_the_new_address_and_port():
    body = pack_sa_name(SaId(SUN, MOON, IpProtocol.ESP, 0xC1)) + (7).to_bytes(4, "little")
    body += SUN.packed + bytes(12) + ip_address("198.51.100.7").packed + bytes(12)
    body += (4500).to_bytes(2) + (61000).to_bytes(2)
    event = heard(Kind.MAPPING, body)
    assert event == MappingChange(SaId(SUN, MOON, IpProtocol.ESP, 0xC1), Host.of("198.51.100.7", 61000))


def migrated(km_address: bytes) -> bytes:
    move = Migration(MOON, SUN, ip_address("192.0.2.9"), SUN, 50, 1, 7)
    return pack_policy_name(NETS, 1) + km_address + attribute(Attr.MIGRATE, move.pack())


def test_migration_by_somebody_else():
    hosts = ip_address("192.0.2.9").packed + bytes(12) + SUN.packed + bytes(12) + bytes(4) + b"\2\0\0\0"
    event = heard(Kind.MIGRATE, migrated(attribute(Attr.KMADDRESS, hosts)))
    ends = TrafficSelector.of("10.1.0.0/24"), TrafficSelector.of("10.2.0.0/24")
    assert event == Migrate(7, Direction.OUT, *ends, ip_address("192.0.2.9"), SUN)


def test_our_own_migration_is_no_news():
    assert heard(Kind.MIGRATE, migrated(b"")) is None


@given(
    st.sampled_from([Kind.ACQUIRE, Kind.EXPIRE, Kind.MAPPING, Kind.MIGRATE, Kind.NEW_SA]),
    st.binary(max_size=400),
)
def test_any_octets_are_survived(kind, body):
    event = heard(kind, body)
    assert event is None or isinstance(event, Acquire | Expire | MappingChange | Migrate)
