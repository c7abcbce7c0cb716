"""What many SAs cost: the same traffic, to 1,000 addresses in turn, through one SA and through 1,000.

All are CHILD_SAs between two hosts of one kind, each for one address of a network behind the far one.
"""

from functools import partial
from ipaddress import ip_address
from pathlib import Path

from lab.gateways import Gateway
from lab.hosts import until
from lab.tunnels import PSK, End, connection
from measurements import Sheet
from throughput import ESP, IKE, Extent, Subject, Tunnel, packets, stream

NETWORK = "10.128.0.0/16"
FIRST = ip_address("10.128.0.1")
LOADS = ((64, 20_000), (1372, 20_000))
"""Octets of the packets, and how many a second."""
PATIENCE_S = 180


def crowd(folder: Path, kinds: tuple[str, ...], extent: Extent, count: int) -> Sheet:
    """TCP through one of the SAs, and packets through each in turn."""
    sheet, tunnels = Sheet(), list[Tunnel]()
    try:
        for kind in kinds:
            for number, name in ((1, f"{kind}_one"), (count, f"{kind}_many")):
                tunnels.append(Tunnel(folder / name, Subject(name, kind), partial(_establish, number)))
        for run in range(extent.runs):
            for tunnel in tunnels[:: 1 if run % 2 else -1]:
                stream(sheet, tunnel, extent)
                for load in LOADS:
                    packets(sheet, tunnel, load, extent, (str(FIRST), count))
    finally:
        for tunnel in tunnels:
            tunnel.close()
    return sheet


def _establish(count: int, near: End, far: End) -> None:
    """``count`` CHILD_SAs of one IKE_SA; with one it is for the whole network."""
    far.host.net("ip", "route", "add", "local", NETWORK, "dev", "lo")
    for end in (near, far):
        end.options["auth"] = "psk"
        end.host.write("/etc/ipsec.secrets", f'{near.identity} {far.identity} : PSK "{PSK}"\n', 0o600)
    subnets = [f"{FIRST + number}/32" for number in range(count)] if count > 1 else [NETWORK]
    for end, peer in ((near, far), (far, near)):
        sections = [_section(end, peer, far, number, subnet) for number, subnet in enumerate(subnets)]
        end.host.write("/etc/ipsec.conf", "config setup\n\n" + "\n".join(sections))
    far.inside, far.subnet = str(FIRST), NETWORK
    far.host.start()
    near.host.write("/etc/ipsec.conf", near.host.read("/etc/ipsec.conf").replace("auto=add", "auto=start"))
    near.host.start()
    for end in (near, far):
        until(lambda host=end.host: _installed(host) >= count, f"{count} SAs of {end.host.name}", PATIENCE_S)


def _section(end: End, peer: End, far: End, number: int, subnet: str) -> str:
    far.subnet = subnet
    return connection(f"net{number}", end, peer, {"ike": IKE, "esp": ESP, "forceencaps": "yes"})


def _installed(host: Gateway) -> int:
    return host.ipsec("status", status=None).count(":  INSTALLED")
