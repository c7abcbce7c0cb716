"""Hosts that run an IPsec suite: ours, or a real strongSwan."""

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import ClassVar

from lab.hosts import Host, until

SETTINGS = """charon {
  LOAD
  retransmit_timeout = 0.5
  retransmit_base = 1.4
  retransmit_tries = 7
  filelog {
    charon {
      path = /var/log/charon.log
      default = 1
      ike = 2
      cfg = 2
      flush_line = yes
    }
  }
  EXTRA
}
pluto {
  filelog {
    pluto {
      path = /var/log/pluto.log
      default = 1
      ike = 2
      cfg = 2
      flush_line = yes
    }
  }
}
"""

DROPPED = re.compile(
    "dropping packet|due to policy|no matching outbound|not belong to an installed SA|verification failed"
)
"""What strongSwan's user-space ESP logs at level 1."""
KINDS = "aacerts acerts cacerts certs crls ocspcerts policies private reqs"


class Gateway(Host):
    """What the two suites have in common: files, the command, the log."""

    kind: ClassVar[str]
    load: ClassVar[str] = ""
    stroke_program: ClassVar[tuple[str, ...]] = ("ipsec", "stroke")

    def prepare(self) -> None:
        super().prepare()
        for name in KINDS.split():
            (self.folder / "etc/ipsec.d" / name).mkdir(parents=True, exist_ok=True)
        for name in ("ipsec.conf", "ipsec.secrets"):
            (self.folder / "etc" / name).touch(0o600)
        self.settings()

    def settings(self, extra: str = "") -> None:
        """Writes strongswan.conf; ``extra`` are lines of its section charon."""
        self.write("/etc/strongswan.conf", SETTINGS.replace("LOAD", self.load).replace("EXTRA", extra))

    def ipsec(self, *arguments: str, status: int | None = 0, timeout: float = 30) -> str:
        """Runs ``ipsec``, which must end with ``status``; returns all it printed."""
        done = self.run("ipsec", *arguments, status=status, timeout=timeout)
        return done.stdout + done.stderr

    def stroke(self, *arguments: str, status: int | None = 0) -> str:
        """Runs ``stroke``, which must end with ``status``; returns all it printed."""
        done = self.run(*self.stroke_program, *arguments, status=status)
        return done.stdout + done.stderr

    def launch(self) -> None:
        raise NotImplementedError

    def start(self) -> None:
        """Starts the suite and waits until it has every connection of its ipsec.conf."""
        self.launch()
        until(lambda: self.run("ipsec", "status", status=None).returncode == 0, f"charon on {self.name}")
        names = set(re.findall(r"^conn ([^%\s]\S*)", self.read("/etc/ipsec.conf"), re.M))
        until(lambda: names <= self.connections(), f"connections {names} on {self.name}")

    def connections(self) -> set[str]:
        """Names under the heading Connections of ``ipsec statusall``."""
        text = self.ipsec("statusall", status=None).partition("\nConnections:\n")[2]
        return set(re.findall(r"^ *(\S+):  ", text.partition("\nSecurity Associations")[0], re.M))

    def stop(self) -> None:
        self.ipsec("stop")

    def established(self, name: str = "net-net") -> int:
        """How many IKE_SAs of this name are established."""
        return len(re.findall(rf"^ *{name}\[\d+\]: ESTABLISHED", self.ipsec("status", status=None), re.M))

    def installed(self, name: str = "net-net") -> int:
        """How many CHILD_SAs of this name are installed."""
        return len(re.findall(rf"^ *{name}\{{\d+\}}:  INSTALLED", self.ipsec("status", status=None), re.M))

    def has_nothing(self) -> bool:
        """Whether neither IKE_SAs nor CHILD_SAs are left (those on their way out included)."""
        text = self.ipsec("status", status=None)
        return re.search(r"Security Associations \(0 (up|total), 0 connecting\)", text) is not None

    def log(self) -> str:
        return self.read("/var/log/charon.log")

    def dropped(self) -> str:
        """What the suite itself says of packets that it dropped; empty if of none."""
        raise NotImplementedError

    def says(self, text: str, within: float = 5) -> None:
        """Waits until it stands in the log: an answer may be faster than the log of what led to it."""
        until(lambda: text in self.log(), f"{text!r} in the log of {self.name}", within)


class Cygnet(Gateway):
    """A host that runs the programs of this repository's virtual environment."""

    kind = "cygnet"
    path = f"{Path(sys.executable).parent}:{Host.path}"

    def launch(self) -> None:
        self.ipsec("start")

    def dropped(self) -> str:
        return self.ipsec("kernel", status=None).partition("\nDropped packets:\n")[2].strip()


CHROOT = r"""
root=%s
mount --bind "$root" "$root"
mount -t proc proc "$root/proc"
mount --rbind /dev "$root/dev"
mount -t sysfs sys "$root/sys"
mount --bind "$1/run" "$root/run"
mount -t tmpfs tmp "$root/tmp"
mount --bind "$1/log" "$root/var/log"
for file in ipsec.conf ipsec.secrets strongswan.conf; do mount --bind "$1/etc/$file" "$root/etc/$file"; done
mount --bind "$1/etc/ipsec.d" "$root/etc/ipsec.d"
"""


class StrongSwan(Gateway):
    """A host with Debian's strongSwan, in a root file system of its own (scripts/provide makes it).

    Its ESP is in user space and always in UDP. Its ``ipsec`` ends with 0 after most failures.
    """

    kind = "strongswan"
    suite: ClassVar[str] = ""
    load = (
        "load = random nonce aesni openssl pem pkcs1 pkcs8 x509 revocation curl constraints pubkey "
        "sshkey dnskey kdf ml hmac sha1 sha2 kernel-libipsec kernel-netlink socket-default stroke vici "
        "updown eap-identity eap-md5 eap-mschapv2 eap-gtc eap-tls eap-ttls counters addrblock"
    )

    def __init__(self, name: str, folder: Path) -> None:
        self.setup = CHROOT % peer_root(self.suite)
        self._starter: subprocess.Popen[bytes] | None = None
        super().__init__(name, folder)

    def enter(self) -> list[str]:
        return [*super().enter(), "chroot", str(peer_root(self.suite))]

    def launch(self) -> None:
        self._starter = self.spawn("ipsec", "start", "--nofork", log="starter.log")

    def dropped(self) -> str:
        return "\n".join(line for line in self.log().splitlines() if DROPPED.search(line))

    def stop(self) -> None:
        super().stop()
        assert self._starter is not None
        self._starter.wait(10)


class StrongSwanOfTrixie(StrongSwan):
    """strongSwan 6.0, which Debian still builds with IKEv1; its 6.1 has none."""

    kind = "strongswan60"
    suite = "trixie"
    load = f"{StrongSwan.load} xauth-generic attr unity"


def peer_root(suite: str = "") -> Path:
    """The peer's root file system, as scripts/provide chooses it unless ``suite`` is named."""
    home = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache"))
    default = Path("/var/cache") if os.geteuid() == 0 else home
    cache = Path(os.environ.get("CYGNET_CACHE", default / "cygnet"))
    return cache / (suite or os.environ.get("CYGNET_PEER_SUITE", "forky"))


def peer_missing(suite: str = "") -> str:
    """Empty when the peer can run here, else the reason."""
    root = peer_root(suite)
    if not (root / "usr/lib/ipsec/charon").exists() or not (root / "etc/strongswan.conf").exists():
        how = f"CYGNET_PEER_SUITE={suite} scripts/provide" if suite else "scripts/provide"
        return f"no strongSwan in {root} ({how} builds it as root on Debian)"
    return ""


GATEWAYS: dict[str, type[Gateway]] = {one.kind: one for one in (Cygnet, StrongSwan, StrongSwanOfTrixie)}
