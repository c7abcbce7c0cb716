"""``ipsec.secrets``: text to records (being filled in)."""

from dataclasses import dataclass
from enum import StrEnum

from cygnet.base.secret import Secret
from cygnet.conf.problems import Problem, Reader


class SecretKind(StrEnum):
    """What an entry holds."""

    PSK = "PSK"
    RSA = "RSA"
    ECDSA = "ECDSA"
    PKCS8 = "PKCS8"
    BLISS = "BLISS"
    P12 = "P12"
    EAP = "EAP"
    NTLM = "NTLM"
    XAUTH = "XAUTH"
    PIN = "PIN"


@dataclass(frozen=True, slots=True)
class SecretEntry:
    """One entry. ``secret`` is set for PSK EAP NTLM XAUTH, ``path`` (as written) for keys, P12 and PIN.

    ``passphrase`` opens the file or card; ``prompt`` says that it is to be asked of the operator. No
    selectors at all match everybody.
    """

    selectors: tuple[str, ...]
    kind: SecretKind
    secret: Secret | None = None
    path: str | None = None
    passphrase: Secret | None = None
    prompt: bool = False
    file: str = ""
    line: int = 0


def parse_secrets(path: str, reader: Reader) -> tuple[tuple[SecretEntry, ...], tuple[Problem, ...]]:
    """Parse ``path`` with all it includes. Never raises for anything written in the files."""
    raise NotImplementedError
