"""The configuration store: the daemon's own settings from ``strongswan.conf``."""

from collections.abc import Sequence
from pathlib import Path

from cygnet.conf.problems import Reader
from cygnet.conf.settings import Settings, parse_settings
from cygnet.keying.backends import eap_options
from cygnet.keying.config.settings import OCSP, DaemonSettings, beyond_limits, load

BUILT_IN = frozenset({
    # primitives, all through the package cryptography
    "aes", "aesni", "ccm", "chapoly", "cmac", "ctr", "curve25519", "drbg", "gcm", "gmp", "hmac", "kdf",
    "mgf1", "openssl", "sha1", "sha2", "xcbc",
    # EAP
    *eap_options.KNOWN,
    # keys and certificates
    "acert", "addrblock", "constraints", "curl", "files", "ldap", "pem", "pkcs1", "pkcs11", "pkcs12", "pkcs8",
    "pubkey", "revocation", "x509",
    # the daemon and its ways to the outside
    "attr", "charon", "kernel-libipsec", "kernel-netlink", "nonce", "random", "resolve", "save-keys",
    "socket-default", "stroke", "updown",
})  # fmt: skip
"""Plugins of strongSwan whose work is done here, under whatever name."""


class StrongswanConf:
    """``strongswan.conf``, read once at start: the whole tree, and the daemon's options out of it."""

    def __init__(self, path: Path, reader: Reader) -> None:
        self.tree: Settings = parse_settings(str(path), reader)
        self.settings: DaemonSettings = load(self.tree)

    def problems(self) -> Sequence[str]:
        """What is wrong in the file."""
        found = [*map(str, self.tree.problems), *beyond_limits(self.tree)]
        if self.settings.ocsp not in OCSP:
            found.append(f"charon.ocsp = {self.settings.ocsp} is none of {', '.join(OCSP)}; using never")
        found += eap_options.problems(self.tree)
        return found

    def missing_plugins(self) -> Sequence[str]:
        """The names in ``charon.load`` that this daemon has nothing for, in their order."""
        names = (name.rstrip("!") for name in self.settings.load.split())
        return [name for name in dict.fromkeys(names) if name not in BUILT_IN]
