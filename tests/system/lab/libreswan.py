"""A host with Debian's libreswan, in a root file system of its own (scripts/provide makes it).

It needs the kernel's IPsec. Its keyword files are its own: ``conn`` sections as libreswan reads them.
"""

import os
import signal
import subprocess
from pathlib import Path

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.serialization import pkcs12

from lab.certificates import Holder
from lab.hosts import Host, until

CHROOT = r"""
root=%s
mount --bind "$root" "$root"
mount -t proc proc "$root/proc"
mount --rbind /dev "$root/dev"
mount -t sysfs sys "$root/sys"
mount --bind "$1/run" "$root/run"
mount -t tmpfs tmp "$root/tmp"
mount --bind "$1/log" "$root/var/log"
mount --bind "$1/etc" "$root/mnt"
mkdir -p "$root/run/pluto"
"""
PLUTO = "/usr/libexec/ipsec/pluto"
RUN = "/run/pluto"


class Libreswan(Host):
    """pluto; connections are loaded when it starts, and brought up by name."""

    def __init__(self, name: str, folder: Path) -> None:
        self.setup = CHROOT % libreswan_root()
        self._pluto: subprocess.Popen[bytes] | None = None
        self._own: Holder | None = None
        super().__init__(name, folder)

    def enter(self) -> list[str]:
        return [*super().enter(), "chroot", str(libreswan_root())]

    def prepare(self) -> None:
        (self.folder / "etc/nss").mkdir(parents=True, exist_ok=True)

    def configure(self, conns: dict[str, dict[str, str]], secret: str) -> None:
        """Write connections, and one pre-shared key for everybody."""
        text = "config setup\n    virtual-private=\n    ikev1-policy=accept\n    logfile=/var/log/pluto.log\n"
        for name, options in conns.items():
            text += f"\nconn {name}\n" + "".join(f"    {key}={value}\n" for key, value in options.items())
        self.write("/etc/ipsec.conf", text)
        self.write("/etc/ipsec.secrets", f': PSK "{secret}"\n', 0o600)

    def own(self, holder: Holder) -> None:
        """What it shows to peers: its certificate, called ``own`` in connections; whom it trusts, too."""
        self._own = holder

    def start(self) -> None:
        """Start pluto and load what is configured."""
        self.run("certutil", "-N", "-d", "sql:/mnt/nss", "--empty-password")
        if self._own is not None:
            self._import(self._own)
        self._pluto = self.spawn(
            PLUTO, "--nofork", "--config", "/mnt/ipsec.conf", "--secretsfile", "/mnt/ipsec.secrets",
            "--nssdir", "/mnt/nss", "--rundir", RUN, "--logfile", "/var/log/pluto.log", log="pluto.out",
        )  # fmt: skip
        until(lambda: self.file("/run/pluto/pluto.ctl").exists(), "pluto's control socket")
        until(lambda: self.run(*self._whack("--listen"), status=None).returncode == 0, "pluto listening")
        for name in self._names():
            self.run("/usr/libexec/ipsec/addconn", "--ctlsocket", f"{RUN}/pluto.ctl",
                     "--config", "/mnt/ipsec.conf", name)  # fmt: skip

    def up(self, name: str) -> str:
        """Bring a connection up; what whack printed."""
        return self.run(*self._whack("--name", name, "--initiate"), status=None, timeout=40).stdout

    def down(self, name: str) -> None:
        """Take a connection down."""
        self.run(*self._whack("--name", name, "--terminate"), status=None)

    def log(self) -> str:
        return self.read("/var/log/pluto.log")

    def _import(self, holder: Holder) -> None:
        nothing = serialization.NoEncryption()
        packed = pkcs12.serialize_key_and_certificates(b"own", holder.key, holder.certificate, None, nothing)
        self.write("/etc/own.p12", packed, 0o600)
        self.run("pk12util", "-i", "/mnt/own.p12", "-d", "sql:/mnt/nss", "-W", "")
        for number, authority in enumerate(holder.chain):
            self.write(f"/etc/ca{number}.pem", authority.pem)
            self.run("certutil", "-A", "-d", "sql:/mnt/nss", "-n", f"ca{number}", "-t", "CT,,", "-a",
                     "-i", f"/mnt/ca{number}.pem")  # fmt: skip

    def pause(self, *, go_on: bool = False) -> None:
        """Have pluto hear nothing for a while, as if the host were gone, or let it go on."""
        assert self._pluto is not None
        if go_on:
            self._pluto.send_signal(signal.SIGCONT)  # nsenter stops when its child does, and passes this on
        self.run("sh", "-c", f"kill -{'CONT' if go_on else 'STOP'} $(cat {RUN}/pluto.pid)")

    def _whack(self, *arguments: str) -> tuple[str, ...]:
        return ("/usr/libexec/ipsec/whack", "--ctlsocket", f"{RUN}/pluto.ctl", *arguments)

    def _names(self) -> list[str]:
        lines = self.read("/etc/ipsec.conf").splitlines()
        return [line.split()[1] for line in lines if line.startswith("conn ")]


def libreswan_root() -> Path:
    """The root file system, as scripts/provide chooses it."""
    home = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache"))
    default = Path("/var/cache") if os.geteuid() == 0 else home
    return Path(os.environ.get("CYGNET_CACHE", default / "cygnet")) / "libreswan"


def libreswan_missing() -> str:
    """Empty when libreswan can run here, else the reason."""
    if not (libreswan_root() / PLUTO.removeprefix("/")).exists():
        return f"no libreswan in {libreswan_root()} (scripts/provide builds it as root on Debian)"
    return ""
