"""What traffic loses while charon is busy with handshakes: the same load with and without 100 a second.

A third host sets up SAs with the far end of a tunnel, as the load test does, and deletes them again.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from lab.gateways import Cygnet
from lab.network import address, wire
from lab.tunnels import End, bring_up, configure
from loads import Load, Loader
from measurements import Sheet
from responders import CONNECTION, IDENTITY, KINDS, NETWORK, SECRET, Responder
from rows import ROWS
from throughput import ESP, IKE, Extent, Subject, Tunnel, packets, stream

RATE = 100
"""Handshakes begun in a second."""
PACED = (1372, 10_000)
"""Octets and packets a second: a load that leaves processors to spare."""
LINK = ("rate", "500mbit", "burst", "256kb", "latency", "20ms")
"""A wire, in the words of tc-tbf(8), that does not need all processors, as most wires."""
(ROW,) = (row for row in ROWS if row.name == "psk")
LOADER, FAR = "198.51.100.1", "198.51.100.2"
SPARE_S = 3.0
"""Handshakes begin before the traffic and end after it."""


def busy(folder: Path, kinds: tuple[str, ...], extent: Extent) -> Sheet:
    """TCP as fast as it goes, over a slower wire, and packets at a rate, with and without handshakes."""
    sheet = Sheet()
    for kind in kinds:
        with _site(folder / kind, kind) as site:
            for _ in range(extent.runs):
                _compare(sheet, site, extent)
    return sheet


class Site:
    """A tunnel, and a host that makes handshakes with its far end."""

    def __init__(self, tunnel: Tunnel, loader: Cygnet, kind: str) -> None:
        far = tunnel.ends[1].host
        self.tunnel, self.kind = tunnel, kind
        self._loader = Loader(loader)
        self._responder = Responder(kind, far, FAR, KINDS[kind][2][1])
        self._responder.processes.find(KINDS[kind][2][1])

    @contextmanager
    def handshakes(self, seconds: float) -> Iterator[None]:
        """As many as the rate says go on within the block."""
        with self._loader.going_on(self._responder, ROW, Load(int(RATE * seconds), 64, rate=RATE)):
            yield


@contextmanager
def _site(folder: Path, kind: str) -> Iterator[Site]:
    loader = Cygnet("loader", folder / "loader")
    tunnel: Tunnel | None = None

    def establish(near: End, far: End) -> None:
        wire(loader, far.host, "eth0", "eth1")
        address(loader, f"{LOADER}/24")
        address(far.host, f"{FAR}/24", device="eth1")
        for end in (near, far):
            end.host.settings("kernel = userland\n  dos_protection = no\n  ikesa_table_size = 1024")
        configure(near, far, esp=ESP, ike=IKE, forceencaps="yes")
        _take_load(far)
        bring_up(near, far)

    try:
        tunnel = Tunnel(folder / "tunnel", Subject(kind, kind), establish)
        yield Site(tunnel, loader, kind)
    finally:
        if tunnel is not None:
            tunnel.close()
        loader.close()


def _take_load(far: End) -> None:
    """The far end takes everybody with the benchmark's secret too."""
    text = CONNECTION.format(address=FAR, identity=IDENTITY, network=NETWORK, row=ROW, auth="authby=secret")
    host = far.host
    host.write("/etc/ipsec.conf", host.read("/etc/ipsec.conf") + text.removeprefix("config setup"))
    secrets = host.read("/etc/ipsec.secrets") + f'@{IDENTITY} %any : PSK "{SECRET}"\n'
    host.write("/etc/ipsec.secrets", secrets, 0o600)


def _compare(sheet: Sheet, site: Site, extent: Extent) -> None:
    """The runs follow each other, so that what else happens on the machine meets both."""
    name = site.kind
    for key, load, measurement in LOADS:
        alone, beside = Sheet(), Sheet()
        load(alone, site.tunnel, extent)
        with site.handshakes(extent.seconds + SPARE_S):
            load(beside, site.tunnel, extent)
        quiet, loaded = alone.median(measurement, name), beside.median(measurement, name)
        assert quiet is not None and loaded is not None
        sheet.note(f"{key}_alone", name, quiet)
        sheet.note(f"{key}_busy", name, loaded)
        if measurement == "mbit_s":
            sheet.note(f"{key}_lost", name, 100 * (1 - loaded / quiet))


def _paced(sheet: Sheet, tunnel: Tunnel, extent: Extent) -> None:
    packets(sheet, tunnel, PACED, extent)


def _over_a_link(sheet: Sheet, tunnel: Tunnel, extent: Extent) -> None:
    near = tunnel.ends[0].host
    near.net("tc", "qdisc", "add", "dev", "eth0", "root", "tbf", *LINK)
    try:
        stream(sheet, tunnel, extent)
    finally:
        near.net("tc", "qdisc", "delete", "dev", "eth0", "root")


LOADS = (
    ("tcp", stream, "mbit_s"),
    ("link", _over_a_link, "mbit_s"),
    ("paced", _paced, f"packet_{PACED[0]}_{PACED[1]}_lost"),
)
