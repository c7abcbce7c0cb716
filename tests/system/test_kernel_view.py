"""``ipsec kernel`` over the user-space data plane."""

import re

import pytest

from lab.topology import Lab
from lab.tunnels import bring_up, configure

pytestmark = [pytest.mark.root, pytest.mark.tun]


def test_view_and_check_with_espd(lab: Lab) -> None:
    moon, sun = lab.pair("cygnet-cygnet")
    configure(moon, sun)
    moon.host.settings("kernel = userland")
    bring_up(moon, sun)
    shown = moon.host.ipsec("kernel")
    assert re.search(r"Data plane userland: 2 SAs, [1-3] policies", shown), shown
    assert " in ESP " in shown and " out ESP " in shown and "net-net{" in shown
    assert moon.host.ipsec("kernel", "--check") == "the kernel holds what it should\n"
    moon.host.ipsec("down", "net-net")
    assert "Data plane userland: 0 SAs" in moon.host.ipsec("kernel")
    moon.host.ipsec("kernel", "--wrong", status=2)
    moon.host.stop()
    assert "charon is not running" in moon.host.ipsec("kernel", status=7)
