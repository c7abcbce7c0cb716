"""The first process in user-mode Linux: mounts what a system needs, loads the modules of IPsec, runs pytest
on this folder, and powers off.

``lab.uml`` starts it as ``boot.py FOLDER PYTEST-ARGUMENT…`` with an environment of its own; FOLDER gets
``output`` and ``status``.
"""

import ctypes
import os
import subprocess
import sys
from pathlib import Path

MODULES = """
hmac sha512_generic jitterentropy_rng drbg tun veth bridge xfrm_user esp4 esp6 ah4 ah6 ipcomp ipcomp6
xfrm4_tunnel xfrm6_tunnel gcm ghash-generic seqiv echainiv cbc authenc authencesn ctr chacha20poly1305 deflate
crypto_null ip_vti ip6_vti xfrm_interface ip_tables iptable_nat xt_MASQUERADE xt_nat nf_nat nf_tables
nft_compat nft_objref nft_masq nft_chain_nat nft_ct nft_numgen nft_xfrm sch_netem
"""
"""What the scenarios need; a kernel may have some of them built in, and lack others."""

_libc = ctypes.CDLL(None, use_errno=True)


def main() -> None:
    folder, arguments = Path(sys.argv[1]), sys.argv[2:]
    status = 125
    try:
        mount_all(folder / "tmp")
        load_modules(MODULES.split())
        with (folder / "output").open("wb") as output:
            command = [sys.executable, "-m", "pytest", *arguments]
            status = subprocess.run(command, stdout=output, stderr=subprocess.STDOUT).returncode
    finally:
        (folder / "status").write_text(str(status))
        os.sync()
        Path("/proc/sysrq-trigger").write_text("o")


def mount_all(temporary: Path) -> None:
    """What /sbin/init would have mounted; /dev is there already."""
    temporary.mkdir(exist_ok=True)
    for kind, place in (("proc", "/proc"), ("sysfs", "/sys"), ("tmpfs", "/run"), ("tmpfs", temporary)):
        subprocess.run(["mount", "-t", kind, kind, place], check=True)
    for place in ("/dev/net", "/dev/pts", "/dev/shm", "/run/netns", "/run/lock"):
        Path(place).mkdir(parents=True, exist_ok=True)
    subprocess.run(["mount", "-t", "devpts", "devpts", "/dev/pts"], check=True)
    if not Path("/dev/fd").exists():
        Path("/dev/fd").symlink_to("/proc/self/fd")
    if not Path("/dev/net/tun").exists():
        os.mknod("/dev/net/tun", 0o20666, os.makedev(10, 200))
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)


def load_modules(names: list[str]) -> None:
    """Load modules with what they depend on. There is no kmod here, so nothing is loaded by itself later."""
    base = Path("/usr/lib/uml/modules", os.uname().release)
    needs: dict[str, list[str]] = {}
    files: dict[str, str] = {}
    for line in (base / "modules.dep").read_text().splitlines():
        file, _, others = line.partition(":")
        files[_name(file)] = file
        needs[_name(file)] = [_name(other) for other in others.split()]
    done: set[str] = set()
    for name in (_name(name) for name in names):
        for wanted in [*reversed(needs.get(name, [])), name]:
            if wanted in files and wanted not in done:
                done.add(wanted)
                _load(base / files[wanted])


def _load(file: Path) -> None:
    """``finit_module``, which the C library has no function for."""
    number = {"x86_64": 313}[os.uname().machine]
    with file.open("rb") as module:
        if _libc.syscall(number, module.fileno(), b"", 0) and ctypes.get_errno() != 17:
            print(f"{file.name}: {os.strerror(ctypes.get_errno())}", flush=True)


def _name(file: str) -> str:
    return Path(file).name.removesuffix(".ko").replace("-", "_")


if __name__ == "__main__":
    main()
