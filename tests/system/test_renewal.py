"""A ping flood through hundreds of renewals, as fast as they go, ordered at both ends at once."""

import re
from threading import Thread

import pytest

from lab.hosts import until
from lab.pings import no_ping_lost
from lab.topology import PAIRS, Lab
from lab.tunnels import End, assert_carries, bring_up, configure, is_up

pytestmark = [pytest.mark.root, pytest.mark.tun, pytest.mark.timeout(300)]

WITH_PEER = [pair for pair in PAIRS if "strongswan" in str(pair.id) and "cygnet" in str(pair.id)]
RENEWED = re.compile(r"CHILD_SA net-net\{\d+\} established|IKE_SA net-net\[\d+\] (?:rekeyed|established)")
CHILD, IKE, REAUTH = "child", "ike", "reauth"
ORDERS = {
    "cygnet": {
        CHILD: "ipsec stroke rekey net-net{}",
        IKE: "ipsec stroke rekey net-net[]",
        REAUTH: "ipsec stroke rekey net-net[]",
    },
    "strongswan": {
        CHILD: "swanctl --rekey --child net-net",
        IKE: "swanctl --rekey --ike net-net",
        REAUTH: "swanctl --rekey --ike net-net --reauth",
    },
}


def renew(end: End, kinds: tuple[str, ...], times: int) -> None:
    """One order after the other. That one comes too soon after the peer's is no failure."""
    for number in range(times):
        order = ORDERS[end.host.kind][kinds[number % len(kinds)]]
        end.host.run(*order.split(), status=None)


def renewals(end: End) -> int:
    return len(RENEWED.findall(end.host.log()))


@pytest.mark.parametrize("kinds", WITH_PEER)
def test_ping_flood_through_hundreds_of_rekeyings_loses_nothing(lab: Lab, kinds: str) -> None:
    """Of CHILD_SAs and IKE_SAs, from both sides, which cross as it happens.

    strongSwan has no outbound SA for some ms if that happens to it several times at once; see
    docs/decisions/0016.
    """
    moon, sun = lab.pair(kinds)
    configure(moon, sun, reauth="no")
    bring_up(moon, sun)
    with no_ping_lost(moon, sun, 200):
        while renewals(moon) < 220:
            sides = [Thread(target=renew, args=(end, (CHILD, CHILD, IKE), 30)) for end in (moon, sun)]
            for side in sides:
                side.start()
            for side in sides:
                side.join()
    until(lambda: is_up(moon) and is_up(sun), "one SA of each kind at both ends", 30)
    assert_carries(moon, sun)


@pytest.mark.parametrize("kinds", WITH_PEER)
def test_ping_flood_through_reauthentications_loses_nothing(lab: Lab, kinds: str) -> None:
    """Make-before-break, from either side in turn.

    No CHILD_SA is rekeyed in between: strongSwan does not reauthenticate for five seconds after that.
    """
    moon, sun = lab.pair(kinds)
    configure(moon, sun, reauth="yes")
    bring_up(moon, sun)
    with no_ping_lost(moon, sun):
        for end in (moon, sun) * 8:
            before = renewals(moon)
            renew(end, (REAUTH,), 1)
            until(lambda before=before: renewals(moon) >= before + 2, "reauthenticated", 10)
            until(lambda: is_up(moon) and is_up(sun), "one SA of each kind at both ends", 10)
    assert_carries(moon, sun)
