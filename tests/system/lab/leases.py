"""A client's virtual address, from its lease to its return."""

from lab.hosts import until
from lab.network import assert_pings_as_esp
from lab.tunnels import End


def assert_lent_and_returned(moon: End, sun: End, address: str, pool: str, identity: str) -> None:
    """moon, whose tunnel is up, has and uses the address of the pool; after ``down`` it is free again."""
    for end in (moon, sun):
        assert f"{address}/32" in end.host.ipsec("status")
    assert address in moon.host.net("ip", "addr").stdout
    assert_pings_as_esp(moon.host, address, sun.host, sun.inside)
    leases = sun.host.ipsec("leases")
    assert f"Leases in pool '{pool}', usage: 1/254, 1 online" in leases
    assert f"       {address}   online   '{identity}'" in leases
    moon.host.ipsec("down", "net-net")
    until(lambda: moon.host.has_nothing() and sun.host.has_nothing(), "both sides without SAs", 3)
    until(lambda: address not in moon.host.net("ip", "addr").stdout, "no virtual address", 3)
    assert "usage: 1/254, 0 online" in sun.host.ipsec("leases")
