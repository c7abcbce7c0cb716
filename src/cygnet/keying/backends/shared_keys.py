"""Pre-shared keys: the most specific entry of ``ipsec.secrets`` for two identities."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from cygnet.base.identities import ANYBODY, Identity, IdType
from cygnet.base.secret import Secret

EXACT_TYPES = (IdType.IPV4, IdType.IPV6, IdType.FQDN, IdType.RFC822, IdType.KEY_ID)
Rank = tuple[int, int, int]


@dataclass(frozen=True, slots=True)
class SharedKey:
    """One entry; no selectors at all match everybody."""

    selectors: tuple[Identity, ...]
    secret: Secret

    def rank(self, local: Identity, remote: Identity | None) -> tuple[Rank, str] | None:
        """How specifically the entry is for this pair, and in words; ``None`` if it is not.

        Both ends beat one, one beats none. An entry of several selectors of which only one matches is
        used last among its equals: it was written for another pair.
        """
        if not self.selectors:
            return (0, 0, 0), "for everybody"
        mine = max(local.match(selector) for selector in self.selectors)
        theirs = max(remote.match(selector) for selector in self.selectors) if remote else 0
        if not mine and not theirs:
            return None
        specific = (mine > ANYBODY) + (theirs > ANYBODY)
        missed = max(len(self.selectors) - max(specific, 1), 0) if specific < 2 else 0
        return (specific, mine + theirs, -missed), _WORDS[specific]


_WORDS = ("for anybody", "for one of the two identities", "for both identities")


@dataclass(slots=True)
class SharedKeys:
    """All pre-shared keys, found through their identities where those are exact."""

    exact: dict[tuple[int, bytes], list[SharedKey]] = field(default_factory=dict)
    loose: list[SharedKey] = field(default_factory=list)

    @classmethod
    def of(cls, keys: Iterable[SharedKey]) -> "SharedKeys":
        """An index of these keys."""
        index = cls()
        for key in keys:
            if key.selectors and all(_is_exact(selector) for selector in key.selectors):
                for selector in key.selectors:
                    index.exact.setdefault(_place(selector), []).append(key)
            else:
                index.loose.append(key)
        return index

    def ranked(self, local: Identity, remote: Identity | None) -> list[tuple[SharedKey, str]]:
        """The entries for this pair, best first, each with the reason for its place."""
        found = [*self.exact.get(_place(local), ()), *self.loose]
        if remote is not None:
            found += self.exact.get(_place(remote), ())
        distinct = {id(key): key for key in found}.values()
        rated = [(rank, key) for key in distinct if (rank := key.rank(local, remote)) is not None]
        rated.sort(key=lambda pair: pair[0][0], reverse=True)
        return [(key, rank[1]) for rank, key in rated]

    def secrets(self, local: Identity, remote: Identity | None) -> tuple[Secret, ...]:
        """The secrets for this pair, best first, each value once."""
        return tuple(dict.fromkeys(key.secret for key, _ in self.ranked(local, remote)))


def _is_exact(selector: Identity) -> bool:
    return selector.type in EXACT_TYPES and not selector.has_wildcards


def _place(identity: Identity) -> tuple[int, bytes]:
    """Names match without regard to case."""
    text = identity.type in (IdType.FQDN, IdType.RFC822)
    return identity.type, identity.data.lower() if text else identity.data
