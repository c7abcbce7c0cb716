"""EAP, XAUTH and NTLM entries of ``ipsec.secrets``: who may log in with what, and who we are elsewhere."""

from collections.abc import Iterable
from dataclasses import dataclass

from cygnet.base.identities import Identity
from cygnet.conf.secrets import SecretEntry, SecretKind
from cygnet.eap.ports import UserSecret
from cygnet.keying.backends.reports import Report
from cygnet.keying.backends.shared_keys import Rank

KINDS = (SecretKind.EAP, SecretKind.XAUTH, SecretKind.NTLM)
NT_HASH_SIZE = 16


@dataclass(frozen=True, slots=True)
class EapSecret:
    """One entry, ``USER [SERVER …] : EAP "…"``; without any selector it is everybody's."""

    selectors: tuple[Identity, ...]
    secret: UserSecret

    def rank(self, user: Identity, server: Identity | None) -> Rank | None:
        """How specifically the entry is for this user; for a server alone it is not for anybody's login."""
        if not self.selectors:
            return (0, 0, 0)
        mine = max(user.match(selector) for selector in self.selectors)
        if not mine:
            return None
        theirs = max(server.match(selector) for selector in self.selectors) if server else 0
        return (mine, theirs, -len(self.selectors))


@dataclass(frozen=True, slots=True)
class EapSecrets:
    """All of them."""

    entries: tuple[EapSecret, ...] = ()

    def find(self, user: Identity, server: Identity | None) -> UserSecret | None:
        """The best entry for a user; the first of equals."""
        rated = [(rank, one) for one in self.entries if (rank := one.rank(user, server)) is not None]
        return max(rated, key=lambda pair: pair[0])[1].secret if rated else None


def read(entries: Iterable[SecretEntry], report: Report) -> EapSecrets:
    """The entries of these kinds; an NTLM hash of the wrong length is told and left out."""
    found = []
    for entry in entries:
        if entry.kind not in KINDS or entry.secret is None:
            continue
        if entry.kind is SecretKind.NTLM and len(entry.secret.reveal()) != NT_HASH_SIZE:
            report.fail(f"{entry.file}:{entry.line}: an NTLM hash has {NT_HASH_SIZE} octets, write it as 0x…")
            continue
        by_hash = entry.kind is SecretKind.NTLM
        secret = UserSecret(nt_hash=entry.secret) if by_hash else UserSecret(entry.secret)
        name = "NTLM" if by_hash else "EAP"
        report.say(f"  loaded {name} secret for {' '.join(entry.selectors) or '%any'}")
        found.append(EapSecret(tuple(map(Identity.parse, entry.selectors)), secret))
    return EapSecrets(tuple(found))
