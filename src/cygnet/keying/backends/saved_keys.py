"""Keys in Wireshark's files, for whoever debugs (strongSwan's plugin ``save-keys``). Off unless asked for.

The only place where secrets leave the daemon, so it takes three settings (``load``, a folder, a kind),
says so at each start, and writes only to regular files that are ours alone.
"""

import os
import stat
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from cygnet.base.addresses import Address
from cygnet.base.groups import Level
from cygnet.base.secret import Secret
from cygnet.crypto import wireshark
from cygnet.crypto.key_log import EspSecrets, IkeSecrets, KeyLog, SaName
from cygnet.keying.config.settings import DaemonSettings

IKEV2_FILE, IKEV1_FILE, ESP_FILE = "ikev2_decryption_table", "ikev1_decryption_table", "esp_sa"
"""Names that Wireshark looks for in its configuration folder."""
MAX_OCTETS = 64 << 20
"""A file takes no more rows beyond this."""
MAX_ROWS = 20_000
"""Directions of SAs that may move, the latest; of others a move is not saved."""
Log = Callable[[int, str], None]


def saved_keys(settings: DaemonSettings, log: Log) -> KeyLog | None:
    """The key log that ``strongswan.conf`` asks for, announced in the log; ``None`` without one."""
    kinds = {"IKE": settings.save_keys_ike, "ESP": settings.save_keys_esp}
    wanted = [kind for kind, on in kinds.items() if on]
    if not settings.save_keys_load:
        return None
    if not wanted or not settings.save_keys_folder:
        log(Level.CONTROL, "save-keys saves nothing without wireshark_keys = FOLDER, and ike or esp = yes")
        return None
    names = " and ".join(wanted)
    log(
        Level.AUDIT,
        f"!! WARNING: {names} keys are saved in {settings.save_keys_folder} (charon.plugins.save-keys), !!",
    )
    log(Level.AUDIT, "!! WARNING: and whoever has them reads the traffic; use this for debugging only !!")
    return SavedKeys(Path(settings.save_keys_folder), settings.save_keys_ike, settings.save_keys_esp, log)


class SavedKeys:
    """A :class:`KeyLog` that appends rows to Wireshark's files in a folder.

    What cannot be written is logged, once for each file and reason, and the SA lives on.
    """

    def __init__(self, folder: Path, ike: bool, esp: bool, log: Log) -> None:
        self._folder = folder
        self._ike, self._esp = ike, esp
        self._log = log
        self._lock = threading.Lock()
        self._told: set[tuple[str, str]] = set()
        self._rows: dict[tuple[Address, int], EspSecrets] = {}

    def ikev2(self, secrets: IkeSecrets) -> None:
        """Of an IKE_SA."""
        if self._ike:
            self._append(IKEV2_FILE, wireshark.ikev2_row(secrets), secrets.encryption)

    def ikev1(self, cookie_i: bytes, key: Secret) -> None:
        """Of an ISAKMP SA."""
        if self._ike:
            self._append(IKEV1_FILE, wireshark.ikev1_row(cookie_i, key), "")

    def esp(self, secrets: EspSecrets) -> None:
        """Of one direction of an ESP SA."""
        if not self._esp:
            return
        with self._lock:
            self._rows[secrets.destination, secrets.spi] = secrets
            if len(self._rows) > MAX_ROWS:
                del self._rows[next(iter(self._rows))]
        self._append(ESP_FILE, wireshark.esp_row(secrets), secrets.encryption)

    def esp_moved(self, old: SaName, new: SaName) -> None:
        """The same keys for other hosts."""
        with self._lock:
            known = self._rows.pop((old.destination, old.spi), None)
        if known is not None:
            self.esp(replace(known, source=new.source, destination=new.destination))

    def _append(self, name: str, row: str | None, cipher: object) -> None:
        if row is None:
            self._tell(name, f"Wireshark has no names for {cipher} with its integrity algorithm")
            return
        try:
            with self._lock:
                append_private(self._folder / name, f"{row}\n".encode("ascii"))
        except OSError as error:
            self._tell(name, error.strerror or str(error))

    def _tell(self, name: str, reason: str) -> None:
        if (name, reason) not in self._told:
            self._told.add((name, reason))
            self._log(Level.CONTROL, f"keys are not saved in {self._folder / name}: {reason}")


def append_private(path: Path, octets: bytes) -> None:
    """Append to a regular file that nobody else can read, which is made if it is not there.

    One that is another's, a link, open to others or full is refused: raises ``OSError``.
    """
    flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK
    descriptor = os.open(path, flags, 0o600)
    try:
        found = os.fstat(descriptor)
        if not stat.S_ISREG(found.st_mode) or found.st_uid != os.geteuid() or found.st_nlink != 1:
            raise OSError("not a regular file of ours alone")
        if found.st_mode & 0o077:
            raise OSError(f"others may read or write it (mode {stat.S_IMODE(found.st_mode):03o}): chmod 600")
        if found.st_size + len(octets) > MAX_OCTETS:
            raise OSError(f"it has {MAX_OCTETS >> 20} MB, the most that is written")
        os.write(descriptor, octets)
    finally:
        os.close(descriptor)
