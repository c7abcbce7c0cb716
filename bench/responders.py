"""The two responders, each a host of its own with a wire to the host that makes the load."""

import statistics
import subprocess
import sys
import time
from pathlib import Path

from lab.certificates import Holder, authority, leaf
from lab.gateways import Cygnet, Gateway, StrongSwan, StrongSwanOfTrixie
from lab.hosts import until
from lab.network import address, lan, wire
from processes import Processes
from rows import Row

SECRET = "a secret for the benchmark"
IDENTITY = "sun.lab"
PROBE = str(Path(__file__).parent / "probe.py")
READY_S = 60

# Both alike: ESP in user space (strongSwan's by its plugin); the log as each has it by default, in a file;
# no limits in the way of one busy peer; tables for many SAs, which Cygnet's grow into by themselves.
SETTINGS = """charon {
  LOAD
  kernel = userland
  dos_protection = no
  ikesa_table_size = 16384
  ikesa_table_segments = 16
  filelog {
    charon {
      path = /var/log/charon.log
      default = 1
    }
  }
}
pluto {
  filelog {
    pluto {
      path = /var/log/pluto.log
      default = 1
    }
  }
}
"""
NETWORK = "10.2.0.0/24"
"""Behind each responder."""
CONNECTION = """config setup

conn load
    keyexchange=ikev{row.version}
    left={address}
    leftid=@{identity}
    leftsubnet={network}
    right=%any
    rightid=%any
    rightsubnet=10.64.0.0/10
    ike={row.ike}!
    esp={row.esp}!
    {auth}
    auto=add
"""


class Responder:
    """A gateway that takes every initiator. ``programs`` are those whose time and memory count."""

    def __init__(self, name: str, host: Gateway, own: str, programs: tuple[str, ...]) -> None:
        self.name = name
        """cygnet or strongswan."""
        self.host = host
        self.address = own
        self.programs = programs
        self.processes = Processes(host.pid)

    def configure(self, row: Row) -> None:
        """Write its files."""
        self.host.write("/etc/strongswan.conf", SETTINGS.replace("LOAD", self.host.load))
        auth, secrets = "authby=secret", f': PSK "{SECRET}"\n'
        if row.auth != "psk":
            auth, secrets = "leftcert=own.pem", self._credentials(leaf(authority(row.auth), IDENTITY))
        text = CONNECTION.format(address=self.address, identity=IDENTITY, network=NETWORK, row=row, auth=auth)
        self.host.write("/etc/ipsec.conf", text)
        self.host.write("/etc/ipsec.secrets", secrets, 0o600)

    def start(self, probing: Gateway, row: Row) -> float:
        """Start it; returns the seconds until it answered an initiator's first message."""
        command = [*probing.enter(), sys.executable, PROBE, self.address, row.ike, str(row.version)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=probing.environment()) as probe:
            assert probe.stdout is not None
            assert probe.stdout.readline() == "ready\n"
            began = time.monotonic()
            self.host.launch()
            answer = probe.stdout.readline()
            if not answer:
                raise RuntimeError(f"{self.name} does not answer: {self.host.log()[-2000:]}")
        self.processes.find(self.programs)
        return float(answer) - began

    def stop(self) -> None:
        """Stop it and forget its log."""
        self.host.stop()
        until(lambda: not self.host.file("/run/charon.pid").exists(), f"end of {self.name}")
        for daemon in ("charon", "pluto"):
            self.host.file(f"/var/log/{daemon}.log").unlink(missing_ok=True)

    def status_s(self, times: int) -> float:
        """Seconds that ``ipsec status`` takes (median), without those of getting into the host."""
        entering = statistics.median(_time(lambda: self.host.run("true")) for _ in range(times))
        return statistics.median(_time(lambda: self.host.ipsec("status")) for _ in range(times)) - entering

    def _credentials(self, holder: Holder) -> str:
        self.host.write("/etc/ipsec.d/certs/own.pem", holder.pem)
        self.host.write("/etc/ipsec.d/private/own.key", holder.key_pem, 0o600)
        self.host.write("/etc/ipsec.d/cacerts/ca.pem", holder.chain[0].pem)
        return f": {holder.secret_type} own.key\n"


class Hosts:
    """The host that makes the load, and the responders of one version of IKE at its wires."""

    def __init__(self, folder: Path, kinds: tuple[str, ...], version: int = 2) -> None:
        self.loader = Cygnet("loader", folder / "loader")
        self._hosts: list[Gateway] = [self.loader]
        self.responders: list[Responder] = []
        for number, kind in enumerate(kinds):
            self.responders.append(self._responder(folder, kind, version, number))

    def close(self) -> None:
        """Everything ends."""
        for host in self._hosts:
            host.close()

    def _responder(self, folder: Path, kind: str, version: int, number: int) -> Responder:
        make, programs = KINDS[kind][version]
        host = make(kind, folder / kind)
        self._hosts.append(host)
        wire(self.loader, host, f"eth{number}")
        address(self.loader, f"192.0.{number + 2}.1/24", device=f"eth{number}")
        own = f"192.0.{number + 2}.2"
        address(host, f"{own}/24")
        lan(host, "10.2.0.1/24")
        return Responder(kind, host, own, programs)


KINDS: dict[str, dict[int, tuple[type[Gateway], tuple[str, ...]]]] = {
    "cygnet": {2: (Cygnet, ("charon", "espd")), 1: (Cygnet, ("pluto", "espd"))},
    "strongswan": {2: (StrongSwan, ("charon",)), 1: (StrongSwanOfTrixie, ("charon",))},
}
"""By the version of IKE, which strongSwan 6.1 has only one of."""


def _time(action: object) -> float:
    began = time.monotonic()
    action()  # type: ignore[operator]
    return time.monotonic() - began
