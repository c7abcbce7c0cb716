"""Which ports an IKE_SA begins with and goes on with."""

from dataclasses import replace
from types import SimpleNamespace

import pytest

from cygnet.base.addresses import Host
from cygnet.charon.sa.errors import NotPossibleError
from cygnet.charon.sa.facts import Nat
from cygnet.charon.sa.ike_ports import first_local_port, float_ports
from cygnet.keying.config.records import AddressSpec, IkeConfig, PeerConfig
from cygnet.keying.config.settings import DaemonSettings

OTHER = DaemonSettings(port=1500, port_nat_t=14500)


def config(left=500, mobike=True):
    return PeerConfig("net", IkeConfig(AddressSpec(port=left)), (), (), mobike=mobike)


@pytest.mark.parametrize(
    ("left", "right", "settings", "expected"),
    [
        (500, 500, DaemonSettings(), 500),
        (0, 500, DaemonSettings(), 500),
        (500, 4500, DaemonSettings(), 4500),
        (500, 1500, DaemonSettings(), 500),
        (4500, 500, DaemonSettings(), 4500),
        (4500, 14500, DaemonSettings(), 4500),
        (500, 500, OTHER, 1500),
        (500, 4500, OTHER, 14500),
        (14500, 500, OTHER, 14500),
    ],
)
def test_first_local_port(left, right, settings, expected):
    assert first_local_port(config(left), Host.of("192.0.2.2", right), settings) == expected


def test_port_that_charon_does_not_have_is_explained():
    with pytest.raises(NotPossibleError, match=r"leftikeport=1234, but charon listens on 500 and 4500 only"):
        first_local_port(config(1234), Host.of("192.0.2.2", 500), DaemonSettings())


@pytest.mark.parametrize(
    ("ports", "nat", "mobike", "settings", "expected"),
    [
        ((500, 500), False, False, DaemonSettings(), (500, 500)),
        ((500, 500), False, True, DaemonSettings(), (4500, 4500)),
        ((500, 500), True, False, DaemonSettings(), (4500, 4500)),
        ((500, 1500), False, True, DaemonSettings(), (500, 1500)),
        ((500, 1500), True, True, DaemonSettings(), (4500, 4500)),
        ((4500, 4500), True, True, DaemonSettings(), (4500, 4500)),
        ((4500, 14500), True, True, DaemonSettings(), (4500, 14500)),
        ((4500, 500), True, True, DaemonSettings(), (4500, 4500)),
        ((1500, 500), True, True, OTHER, (14500, 4500)),
        ((1500, 500), False, True, OTHER, (14500, 4500)),
        ((14500, 14500), True, True, OTHER, (14500, 14500)),
    ],
)
def test_floating(ports, nat, mobike, settings, expected):
    sa = SimpleNamespace(
        local=Host.of("192.0.2.1", ports[0]),
        remote=Host.of("192.0.2.2", ports[1]),
        nat=Nat(here=nat),
        config=replace(config(), mobike=mobike),
        ports=SimpleNamespace(settings=settings),
    )
    float_ports(sa)
    assert (sa.local.port, sa.remote.port) == expected
