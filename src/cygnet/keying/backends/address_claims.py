"""Virtual addresses that charon and pluto hold for peers, so that they may have the same pools.

An address is an octet of a file of their own, which the daemon that gives it to a peer has locked. Locks go
with the process that has them, so that a daemon that was killed holds nothing.
"""

import fcntl
import os
from collections.abc import Callable
from pathlib import Path

from cygnet.base.addresses import Address
from cygnet.keying.config.pools import UNSHARED, Claims
from cygnet.runtime import paths

_V6, _V6_RANGE = 1 << 32, 1 << 62


class AddressClaims:
    """Implements ``Claims``. Raises ``OSError`` where the file cannot be.

    A process opens the file once: closing it would end all of its locks (fcntl(2)).
    """

    def __init__(self, path: Path) -> None:
        self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)

    def take(self, address: Address) -> bool:
        """Whether no other process has locked it."""
        try:
            fcntl.lockf(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, _place(address))
        except OSError:
            return False
        return True

    def drop(self, address: Address) -> None:
        """Unlocks it."""
        fcntl.lockf(self._file, fcntl.LOCK_UN, 1, _place(address))


def open_claims(log: Callable[[int, str], None]) -> Claims:
    """The claims of this host's daemons; where they cannot be had, the log says so."""
    path = paths.leases_lock()
    try:
        return AddressClaims(path)
    except OSError as error:
        log(1, f"virtual addresses are not shared with the other daemon: {path}: {error.strerror}")
        return UNSHARED


def _place(address: Address) -> int:
    """Of the octet. Of IPv6 the last 62 bits count: few addresses exclude another one that they are not."""
    return int(address) if address.version == 4 else _V6 + int(address) % _V6_RANGE
