"""PPK entries of ``ipsec.secrets``: post-quantum pre-shared keys by their names (RFC 8784, 5.1)."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from cygnet.base.identities import Identity
from cygnet.base.secret import Secret
from cygnet.conf.secrets import SecretEntry, SecretKind
from cygnet.keying.backends.reports import Report

LEAST_OCTETS = 32
"""256 bits, which leave 128 against a quantum computer (RFC 8784, 6)."""


@dataclass(frozen=True, slots=True)
class PpkSecrets:
    """``PPK_ID … : PPK 0s…`` by the octets of each PPK_ID; ``other`` is that of an entry without any."""

    named: dict[bytes, Secret] = field(default_factory=dict)
    other: Secret | None = None

    def find(self, identifier: bytes) -> Secret | None:
        """The key of that name."""
        return self.named.get(identifier, self.other)

    def __bool__(self) -> bool:
        return bool(self.named) or self.other is not None


def read(entries: Iterable[SecretEntry], report: Report) -> PpkSecrets:
    """The entries of this kind, the first for each name; short ones are told, empty ones left out."""
    named: dict[bytes, Secret] = {}
    other = None
    for entry in entries:
        if entry.kind is not SecretKind.PPK or entry.secret is None:
            continue
        if not entry.secret.reveal():
            report.fail(f"{entry.file}:{entry.line}: a PPK must not be empty")
            continue
        if len(entry.secret.reveal()) < LEAST_OCTETS:
            report.warn(
                f"{entry.file}:{entry.line}: this PPK has fewer than 256 bits, which is too few against a"
                f" quantum computer (RFC 8784, 6); 'openssl rand -base64 32' makes one, written 0s..."
            )
        report.say(f"  loaded PPK secret for {' '.join(entry.selectors) or '%any'}")
        identities = [Identity.parse(selector) for selector in entry.selectors]
        for identity in identities:
            named.setdefault(identity.data, entry.secret)
        if not identities or any(one.is_any for one in identities):
            other = other or entry.secret
    named.pop(b"", None)
    return PpkSecrets(named, other)
