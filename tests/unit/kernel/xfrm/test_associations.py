"""SAs in a simulated kernel."""

import errno
from dataclasses import replace
from ipaddress import ip_address

import pytest
from simulated import SimulatedNetlink

from cygnet.base.secret import Secret
from cygnet.kernel.backends.xfrm.associations import CPIS, Associations
from cygnet.kernel.backends.xfrm.constants import Kind
from cygnet.kernel.backends.xfrm.owner import Owner
from cygnet.kernel.port import Algorithm, Compression, IpProtocol, KernelError, Mode, SaId, SaSpec

MOON, SUN = ip_address("192.0.2.1"), ip_address("192.0.2.2")
GCM = Algorithm(20, 256, Secret(b"\7" * 36))
OUT = SaSpec(SaId(MOON, SUN, IpProtocol.ESP, 0xC9), 1, Mode.TUNNEL, False, GCM)
OWNER = Owner(0x51B)


@pytest.fixture
def netlink():
    return SimulatedNetlink()


@pytest.fixture
def sas(netlink):
    return Associations(netlink, OWNER, (0xC0000000, 0xCFFFFFFF), lambda: 1090.0, lambda spec: (b"",))


def inbound(spi: int) -> SaSpec:
    return replace(OUT, id=SaId(SUN, MOON, IpProtocol.ESP, spi), inbound=True)


def test_reserved_spi_becomes_the_inbound_sa(sas, netlink):
    spi = sas.allocate(SUN, MOON, IpProtocol.ESP)
    assert 0xC0000000 <= spi <= 0xCFFFFFFF
    (larval,) = netlink.infos()
    assert OWNER.owns(larval.reqid)
    sas.add(inbound(spi))
    (info,) = netlink.infos()
    assert (info.spi, info.reqid, OWNER.owns(info.sequence)) == (spi, 1, True)
    assert sas.reservations() == ()


def test_cpi_is_from_the_range_to_be_negotiated(sas):
    assert CPIS[0] <= sas.allocate(SUN, MOON, IpProtocol.IPCOMP) <= CPIS[1]


def test_reservation_that_the_kernel_has_forgotten_is_no_obstacle(sas, netlink):
    spi = sas.allocate(SUN, MOON, IpProtocol.ESP)
    netlink.sas.clear()
    sas.add(inbound(spi))
    assert netlink.kinds()[-2:] == [Kind.UPDATE_SA, Kind.NEW_SA]


def test_outbound_sa_is_new(sas, netlink):
    sas.add(OUT)
    assert netlink.kinds() == [Kind.NEW_SA]
    assert sas.installed() == (replace(OUT, encryption=None),)


def test_keys_are_not_kept(sas):
    sas.add(OUT)
    assert sas.known(OUT.id).encryption is None


def test_sa_twice_is_refused_and_the_first_stays(sas, netlink):
    sas.add(OUT)
    with pytest.raises(KernelError, match="exists already"):
        sas.add(OUT)
    assert len(netlink.sas) == 1


def test_refused_sa_leaves_nothing(sas, netlink):
    spi = sas.allocate(SUN, MOON, IpProtocol.ESP)
    netlink.refuse_next(Kind.UPDATE_SA, errno.ENOSYS)
    with pytest.raises(KernelError, match="gcm"):
        sas.add(inbound(spi))
    assert (netlink.sas, sas.installed(), sas.reservations()) == ({}, (), ())


def test_ipcomp_is_an_sa_of_its_own_and_goes_with_the_other(sas, netlink):
    spec = replace(OUT, compression=Compression(2, 0x1234))
    sas.add(spec)
    assert sorted(info.protocol for info in netlink.infos()) == [50, 108]
    sas.delete(OUT.id)
    assert netlink.sas == {}


def test_ipcomp_goes_when_esp_is_refused(sas, netlink):
    spec = replace(OUT, compression=Compression(2, 0x1234))
    sas.add(OUT)
    netlink.refuse_next(Kind.NEW_SA, errno.ENOSYS, "")
    with pytest.raises(KernelError):
        sas.add(replace(spec, id=replace(OUT.id, spi=0xCA)))
    assert [info.spi for info in netlink.infos()] == [0xC9]


def test_deleting_what_is_gone_is_no_error(sas, netlink):
    sas.add(OUT)
    netlink.sas.clear()
    assert sas.delete(OUT.id).id == OUT.id
    assert sas.delete(OUT.id) is None


def test_other_failures_of_deleting_are_told(sas, netlink):
    sas.add(OUT)
    netlink.refuse_next(Kind.DELETE_SA, errno.EPERM)
    with pytest.raises(KernelError, match="CAP_NET_ADMIN"):
        sas.delete(OUT.id)


def test_released_spi_is_free(sas, netlink):
    spi = sas.allocate(SUN, MOON, IpProtocol.ESP)
    sas.delete(SaId(SUN, MOON, IpProtocol.ESP, spi))
    assert (netlink.sas, sas.reservations()) == ({}, ())


def test_usage_with_time_since_the_last_packet(sas, netlink):
    sas.add(OUT)
    assert sas.query(OUT.id).last_used_s is None
    netlink.carry(0xC9, 840, 10)
    usage = sas.query(OUT.id)
    assert (usage.bytes, usage.packets, usage.last_used_s) == (840, 10, 30.0)


def test_unknown_sa_has_no_usage(sas):
    with pytest.raises(KernelError, match="No such process"):
        sas.query(OUT.id)


def test_first_offload_that_the_card_takes_counts(netlink):
    sas = Associations(netlink, OWNER, (1, 2), lambda: 0.0, lambda spec: (b"AAAA", b"BBBB", b""))
    netlink.refuse_next(Kind.NEW_SA, errno.EOPNOTSUPP)
    sas.add(OUT)
    assert netlink.requests[-1][1].endswith(b"BBBB")


def test_spi_and_protocol_cannot_change(sas):
    sas.add(OUT)
    for other in (replace(OUT.id, spi=1), replace(OUT.id, protocol=IpProtocol.AH)):
        with pytest.raises(KernelError, match="cannot change"):
            sas.move(OUT.id, other, None)


def test_moving_what_is_not_ours_is_refused(sas):
    with pytest.raises(KernelError, match="no ESP SA"):
        sas.move(OUT.id, replace(OUT.id, source=ip_address("192.0.2.9")), None)


def test_flush_takes_everything(sas, netlink):
    sas.add(OUT)
    sas.allocate(SUN, MOON, IpProtocol.ESP)
    sas.flush()
    assert (netlink.sas, sas.installed(), sas.reservations()) == ({}, (), ())
