"""What tests of pluto have in common; strongSwan 6.0 is the newest of Debian's with IKEv1."""

from typing import Final

import pytest

from lab.gateways import peer_missing
from lab.tunnels import End, configure, replace

IKEV1: Final = {"keyexchange": "ikev1"}
_MISSING = peer_missing("trixie")
WITH_PEER: Final = [pytest.mark.peer, pytest.mark.skipif(bool(_MISSING), reason=_MISSING)]
PAIRS: Final = [
    pytest.param(pair, marks=WITH_PEER if "strongswan" in pair else [], id=pair)
    for pair in ("cygnet-cygnet", "cygnet-strongswan60", "strongswan60-cygnet")
]
"""Kinds of the two gateways, the initiator first."""
WITH_STRONGSWAN: Final = PAIRS[1:]
AS_INITIATOR: Final = PAIRS[:2]
"""pluto is who begins."""
AS_RESPONDER: Final = [PAIRS[0], PAIRS[2]]

PLUTO_LOG: Final = "/var/log/pluto.log"
SECRETS: Final = "/etc/ipsec.secrets"
USER, PASSWORD = "carol", "what carol knows"
POOL, ADDRESS = "10.3.0.0/24", "10.3.0.1"


def with_user(moon: End, sun: End, kind: str = "XAUTH", password: str = PASSWORD) -> None:
    """moon is a user whom sun asks, behind whatever else authenticates them."""
    first = f'{USER} : XAUTH "{password}"\n'
    moon.host.write(SECRETS, moon.host.read(SECRETS) + first, 0o600)
    sun.host.write(SECRETS, sun.host.read(SECRETS) + f'{USER} : {kind} "{PASSWORD}"\n', 0o600)
    replace(moon, "    left=", f"    leftauth2=xauth\n    xauth_identity={USER}\n    left=")
    replace(sun, "    left=", "    rightauth2=xauth\n    left=")


def with_pool(moon: End, sun: End, **options: str) -> None:
    """moon is a user who gets an address from sun; what is behind moon stays there."""
    moon.subnet = ""
    configure(moon, sun, **IKEV1 | options)
    with_user(moon, sun)
    replace(moon, "    left=", "    leftsourceip=%config\n    left=")
    replace(sun, "    right=", f"    rightsourceip={POOL}\n    right=")
