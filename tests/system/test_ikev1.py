"""IKEv1 by pluto, between Cygnet hosts and with strongSwan."""

import pytest

from lab.topology import Lab
from lab.tunnels import assert_carries, bring_up, configure

pytestmark = [pytest.mark.root, pytest.mark.tun]

KEYWORDS = {"keyexchange": "ikev1"}


def test_two_cygnets_with_a_secret(lab: Lab) -> None:
    moon, sun = lab.pair("cygnet-cygnet")
    configure(moon, sun, **KEYWORDS)
    bring_up(moon, sun)
    assert_carries(moon, sun)
