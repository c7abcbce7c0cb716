"""What is ours in the kernel, and what is not."""

import errno
from dataclasses import replace
from ipaddress import ip_address

import pytest
from simulated import SimulatedNetlink

from cygnet.base.secret import Secret
from cygnet.base.selectors import TrafficSelector
from cygnet.kernel.backends.netlink import RefusedError
from cygnet.kernel.backends.xfrm.associations import Associations
from cygnet.kernel.backends.xfrm.constants import Kind
from cygnet.kernel.backends.xfrm.holdings import (
    clear,
    end_acquires,
    held_policies,
    held_sas,
    is_ours,
    marks_in_use,
)
from cygnet.kernel.backends.xfrm.owner import Owner
from cygnet.kernel.backends.xfrm.policies import Policies
from cygnet.kernel.backends.xfrm.sa_layout import SaInfo
from cygnet.kernel.port import Algorithm, Direction, IpProtocol, Mark, Mode, PolicySpec, SaId, SaSpec

MOON, SUN = ip_address("192.0.2.1"), ip_address("192.0.2.2")
GCM = Algorithm(20, 256, Secret(b"\7" * 36))
SA = SaSpec(SaId(MOON, SUN, IpProtocol.ESP, 0xC9), 1, Mode.TUNNEL, False, GCM, mark=Mark(5))
POLICY = PolicySpec(
    Direction.OUT,
    TrafficSelector.of("10.1.0.0/24"),
    TrafficSelector.of("10.2.0.0/24"),
    Mode.TUNNEL,
    1,
    MOON,
    SUN,
)
OURS, OTHERS = Owner(0x51B), Owner(0x51C)


def fill(netlink: SimulatedNetlink, owner: Owner, number: int) -> None:
    """An SA, a reservation and a policy of an owner."""
    sas = Associations(netlink, owner, (0xC0000000, 0xCFFFFFFF), lambda: 0.0, lambda spec: (b"",))
    sas.add(replace(SA, id=replace(SA.id, spi=number)))
    sas.allocate(SUN, MOON, IpProtocol.ESP)
    Policies(netlink, owner, lambda spec: b"").add(replace(POLICY, mark=Mark(number)))


@pytest.fixture
def netlink():
    netlink = SimulatedNetlink()
    fill(netlink, OURS, 1)
    fill(netlink, OTHERS, 2)
    return netlink


def test_entries_are_recognised_by_their_marks(netlink):
    held = [*held_sas(netlink), *held_policies(netlink)]
    assert [is_ours(one, OURS) for one in held] == [True, True, False, False, True, False]


def test_clearing_takes_ours_and_nothing_else(netlink):
    assert clear(netlink, OURS) == (2, 1)
    assert (len(netlink.sas), len(netlink.policies)) == (2, 1)
    assert not any(is_ours(one, OURS) for one in (*held_sas(netlink), *held_policies(netlink)))
    assert clear(netlink, OURS) == (0, 0)


def test_policies_go_before_sas_so_that_none_asks_for_new_ones(netlink):
    netlink.requests.clear()
    clear(netlink, OURS)
    assert netlink.kinds() == [Kind.DELETE_POLICY, Kind.DELETE_SA, Kind.DELETE_SA]


def test_entry_that_goes_meanwhile_is_no_error(netlink):
    netlink.refuse_next(Kind.DELETE_SA, errno.ESRCH)
    assert clear(netlink, OURS) == (2, 1)


def test_other_refusals_are_told(netlink):
    netlink.refuse_next(Kind.DELETE_POLICY, errno.EPERM)
    with pytest.raises(RefusedError):
        clear(netlink, OURS)


def test_tunnel_of_ipcomp_is_not_an_sa_to_remove(netlink):
    netlink.sas[SUN, 4, 4] = SaInfo(MOON, SUN, 4, 0xC0000201, 0, 1).pack()
    assert all(one.info.protocol != 4 for one in held_sas(netlink))


def test_sa_that_is_waited_for_is_forgotten_by_its_reqid(netlink):
    netlink.wait_for(SaInfo(MOON, SUN, IpProtocol.ESP, 0, 77, 1))
    before = len(netlink.sas)
    assert end_acquires(netlink, {78}) == 0
    assert end_acquires(netlink, {77}) == 1
    assert len(netlink.sas) == before - 1
    assert end_acquires(netlink, {77}) == 0


def test_clearing_ends_what_our_policies_waited_for(netlink):
    netlink.wait_for(SaInfo(MOON, SUN, IpProtocol.ESP, 0, POLICY.reqid, 1))
    clear(netlink, OURS)
    assert all(info.spi for info in netlink.infos())


def test_marks_in_use_are_those_of_everybody(netlink):
    marks = marks_in_use(netlink)
    assert any(map(OURS.owns, marks)) and any(map(OTHERS.owns, marks))
