"""The demonstration: two hosts, certificates, a tunnel, pings, and proof that they crossed the wire as ESP.

``make demo`` runs it. It moves into namespaces of its own (``unshare``) before it does anything, its files in
memory; when it ends, however it ends, the kernel removes all of it.
"""

import contextlib
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import FrameType

from hosts import Host, wire

BIN = Path(sys.executable).parent
STEP_LIMIT_S = 60

CONF = """\
config setup

conn net-net
    keyexchange=ikev2
    left={address}
    leftsubnet={subnet}
    leftcert={name}.pem
    leftid=@{name}.demo
    right={peer_address}
    rightsubnet={peer_subnet}
    rightid=@{peer}.demo
    auto=add
"""
SIDES = {
    "moon": {"address": "192.0.2.1", "subnet": "10.1.0.0/16", "inside": "10.1.0.1"},
    "sun": {"address": "192.0.2.2", "subnet": "10.2.0.0/16", "inside": "10.2.0.1"},
}


def main() -> int:
    if "--inside" not in sys.argv:
        return isolate()
    signal.signal(signal.SIGTERM, _interrupt)
    try:
        subprocess.run(["mount", "-t", "tmpfs", "cygnet-demo", "/run"], check=True)
        with hosts() as (moon, sun):
            demonstrate(moon, sun)
    except KeyboardInterrupt:
        print("\nStopped. Nothing is left behind.")
        return 130
    except (subprocess.CalledProcessError, subprocess.TimeoutExpired) as error:
        print(f"\nThe demonstration failed: {error}", file=sys.stderr)
        return 1
    heading("Done: the tunnel is down, both hosts are gone, nothing is left behind")
    return 0


def demonstrate(moon: Host, sun: Host) -> None:
    heading("1. Two hosts, moon (192.0.2.1) and sun (192.0.2.2), joined by a wire; a network behind each")
    print("Behind moon is 10.1.0.0/16, behind sun 10.2.0.0/16; without a tunnel neither reaches the other.")

    heading("2. Certificates, made with `ipsec pki`")
    certificates(moon, sun)

    heading("3. The configuration of moon: /etc/ipsec.conf and /etc/ipsec.secrets (sun has the mirror image)")
    for host, peer in ((moon, "sun"), (sun, "moon")):
        configure(host, peer)
    moon.show("cat", "/etc/ipsec.conf", "/etc/ipsec.secrets")

    heading("4. Start both, and bring the tunnel up from moon")
    for host in (moon, sun):
        host.show("ipsec", "start")
    for host in (moon, sun):
        host.wait_for("sh", "-c", "ipsec statusall | grep -q net-net:")
    with watching(sun) as packets:
        moon.show("ipsec", "up", "net-net")

        heading("5. Ping through the tunnel, both ways")
        for host, other in ((moon, sun), (sun, moon)):
            host.show("ping", "-c", "2", "-i", "0.2", "-W", "2", "-I", inside(host), inside(other))

    heading("6. What a wiretap at sun saw meanwhile")
    sys.stdout.write(packets.read_text())

    heading("7. The state of moon")
    moon.show("ipsec", "statusall")

    heading("8. Down again")
    moon.show("ipsec", "down", "net-net")
    for host in (moon, sun):
        host.show("ipsec", "stop")


def certificates(moon: Host, sun: Host) -> None:
    """An authority on moon, and from it a key and certificate for each host."""
    folder = "/etc/ipsec.d"
    moon.shell(
        f"ipsec pki --gen --type ecdsa --size 256 --outform pem > {folder}/private/ca.key",
        f'ipsec pki --self --ca --type ecdsa --in {folder}/private/ca.key --dn "C=CH, O=Demo, CN=Demo CA"'
        f" --outform pem > {folder}/cacerts/ca.pem",
    )
    for host in (moon, sun):
        moon.shell(
            f"ipsec pki --gen --type ed25519 --outform pem > {folder}/private/{host.name}.key",
            f"ipsec pki --pub --in {folder}/private/{host.name}.key --type ed25519 | ipsec pki --issue"
            f" --cacert {folder}/cacerts/ca.pem --cakey {folder}/private/ca.key"
            f' --dn "C=CH, O=Demo, CN={host.name}.demo" --san {host.name}.demo'
            f" --outform pem > {folder}/certs/{host.name}.pem",
        )
    moon.quietly("sh", "-c", f"chmod 600 {folder}/private/*")
    (sun.etc / "ipsec.d/cacerts/ca.pem").write_bytes((moon.etc / "ipsec.d/cacerts/ca.pem").read_bytes())
    for path in ("ipsec.d/certs/sun.pem", "ipsec.d/private/sun.key"):
        shutil.move(moon.etc / path, sun.etc / path)


def configure(host: Host, peer: str) -> None:
    """Writes one host's configuration files."""
    mine, theirs = SIDES[host.name], SIDES[peer]
    text = CONF.format(
        name=host.name, peer=peer, peer_address=theirs["address"], peer_subnet=theirs["subnet"], **mine
    )
    (host.etc / "ipsec.conf").write_text(text)
    secrets = host.etc / "ipsec.secrets"
    secrets.touch(0o600)
    secrets.write_text(f": PKCS8 {host.name}.key\n")
    (host.etc / "strongswan.conf").write_text("charon {\n}\n")


def inside(host: Host) -> str:
    return SIDES[host.name]["inside"]


@contextlib.contextmanager
def hosts() -> Iterator[tuple[Host, Host]]:
    """moon and sun with their addresses; both end with the block."""
    with Host("moon", BIN, Path("/run")) as moon, Host("sun", BIN, Path("/run")) as sun:
        wire(moon, sun)
        for host in (moon, sun):
            side = SIDES[host.name]
            host.quietly("ip", "address", "add", f"{side['address']}/24", "dev", "eth0")
            host.quietly("ip", "link", "add", "lan0", "type", "bridge")
            host.quietly("ip", "link", "set", "lan0", "up")
            host.quietly("ip", "address", "add", f"{side['inside']}/16", "dev", "lan0")
        yield moon, sun


@contextlib.contextmanager
def watching(host: Host) -> Iterator[Path]:
    """Runs the wiretap on a host's wire during the block; then its report is in the file."""
    name = "/var/log/wiretap.txt"
    tap = host.spawn(sys.executable, str(Path(__file__).with_name("wiretap.py")), "eth0", name)
    host.wait_for("test", "-e", name)
    try:
        yield host.folder / "log/wiretap.txt"
    finally:
        tap.send_signal(signal.SIGTERM)
        tap.wait(STEP_LIMIT_S)


def heading(text: str) -> None:
    bold, plain = ("\033[1m", "\033[0m") if sys.stdout.isatty() else ("", "")
    print(f"\n{bold}== {text}{plain}", flush=True)


def isolate() -> int:
    """Checks what the demonstration needs, and runs it in namespaces of its own."""
    if missing := lacking():
        print("The demonstration cannot run here. Missing:", *missing, sep="\n  - ", file=sys.stderr)
        return 1
    command = [*namespaces(), sys.executable, __file__, "--inside"]
    with subprocess.Popen(command, env={**os.environ, "PATH": search_path()}) as process:
        signal.signal(signal.SIGTERM, lambda *_: process.kill())
        while True:
            with contextlib.suppress(KeyboardInterrupt):
                return process.wait()


def lacking() -> list[str]:
    """What is missing, each with how to get it."""
    if sys.platform != "linux":
        return ["Linux: hosts are made of Linux namespaces (use a virtual machine or a privileged container)"]
    found = [
        f"the program `{program}` (Debian, Ubuntu: apt-get install {package}; Fedora: dnf install {other})"
        for program, package, other in (
            ("unshare", "util-linux", "util-linux"),
            ("nsenter", "util-linux", "util-linux"),
            ("ip", "iproute2", "iproute"),
            ("ping", "iputils-ping", "iputils"),
        )
        if shutil.which(program, path=search_path()) is None
    ]
    if not found and subprocess.run([*namespaces(), "true"], capture_output=True).returncode:
        found.append(
            "the right to make namespaces: run it as root (a container needs --privileged), or allow"
            " unprivileged user namespaces (as root: sysctl kernel.unprivileged_userns_clone=1 on Debian,"
            " sysctl kernel.apparmor_restrict_unprivileged_userns=0 on Ubuntu)"
        )
    try:
        os.close(os.open("/dev/net/tun", os.O_RDWR))
    except OSError as error:
        found.append(
            f"/dev/net/tun ({error.strerror}): as root, `modprobe tun` and `chmod 666 /dev/net/tun`;"
            " a container needs --device /dev/net/tun"
        )
    return found


def namespaces() -> list[str]:
    """The command prefix for a place of our own; what runs there is killed when it ends."""
    user = [] if os.geteuid() == 0 else ["--user", "--map-root-user"]
    return ["unshare", *user, "--mount", "--net", "--pid", "--fork", "--kill-child", "--mount-proc"]


def search_path() -> str:
    return f"{BIN}:{os.environ.get('PATH', '')}:/usr/local/sbin:/usr/sbin:/sbin:/usr/bin:/bin"


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


if __name__ == "__main__":
    sys.exit(main())
