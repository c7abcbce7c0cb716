"""Hardware offload: which interface, which flags, in which order."""

from dataclasses import replace
from ipaddress import ip_address

import pytest

from cygnet.base.selectors import TrafficSelector
from cygnet.kernel.backends.netlink import attributes
from cygnet.kernel.backends.xfrm.constants import Attr
from cygnet.kernel.backends.xfrm.offload import Offloads
from cygnet.kernel.port import Direction, IpProtocol, KernelError, Mode, Offload, PolicySpec, SaId, SaSpec

MOON, SUN = ip_address("192.0.2.1"), ip_address("192.0.2.2")
OUT = SaSpec(SaId(MOON, SUN, IpProtocol.ESP, 1), 1, Mode.TUNNEL, False)
IN = replace(OUT, id=SaId(SUN, MOON, IpProtocol.ESP, 2), inbound=True)
ANY = TrafficSelector.of("0.0.0.0/0")
OFFLOADS = Offloads({MOON: 7}.get)


def flags(packed: bytes) -> int | None:
    """The flags for interface 7, ``None`` for no offload."""
    found = attributes(packed).get(Attr.OFFLOAD_DEV)
    assert found is None or found[:4] == b"\7\0\0\0"
    return None if found is None else found[4]


@pytest.mark.parametrize(("offload", "out", "into"), [
    (Offload.NO, [None], [None]),
    (Offload.CRYPTO, [0], [2]),
    (Offload.PACKET, [4], [6]),
    (Offload.AUTO, [4, 0, None], [6, 2, None]),
])  # fmt: skip
def test_what_is_tried_for_an_sa(offload, out, into):
    assert [flags(one) for one in OFFLOADS.for_sa(replace(OUT, offload=offload))] == out
    assert [flags(one) for one in OFFLOADS.for_sa(replace(IN, offload=offload))] == into


def test_address_on_no_interface_is_refused_unless_it_is_no_matter():
    nowhere = replace(OUT, id=SaId(SUN, MOON, IpProtocol.ESP, 1))
    assert OFFLOADS.for_sa(replace(nowhere, offload=Offload.AUTO)) == (b"",)
    with pytest.raises(KernelError, match="no interface has the local address"):
        OFFLOADS.for_sa(replace(nowhere, offload=Offload.CRYPTO))


def test_policies_are_offloaded_only_with_whole_packets():
    policy = PolicySpec(Direction.OUT, ANY, ANY, Mode.TUNNEL, 1, MOON, SUN)
    assert OFFLOADS.for_policy(replace(policy, offload=Offload.CRYPTO)) == b""
    assert flags(OFFLOADS.for_policy(replace(policy, offload=Offload.PACKET))) == 4
