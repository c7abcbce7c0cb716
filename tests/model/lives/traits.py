"""What a seed decides before anything happens: how many hosts, and how each is configured."""

import random
from dataclasses import dataclass, replace

from cygnet.keying.config.records import Action, Childless, Unique

NAMES = ("alice", "bob", "carol")
CHILDREN = 2
"""Connections between every two hosts."""
MOVING = 0.5
"""How many of the lives that are not calm have moves."""
SUITES = (
    ("aes128gcm16-prfsha256-x25519!", "aes128gcm16!"),
    ("aes128gcm16-prfsha256-x25519!", "aes128gcm16-x25519!"),
    ("aes128gcm16-prfsha256-x25519-ke1_mlkem768!", "aes128gcm16-x25519-ke1_mlkem768!"),
)


@dataclass(frozen=True)
class Traits:
    """``start`` and ``route`` name a host and a connection: its ``auto=``; the others have ``auto=add``.

    ``calm``: nothing is lost and nobody restarts, so that an ``up`` must come to be. ``brief``: lifetimes
    are so short that much is rekeyed by time. ``moving``: hosts change their addresses. ``ppk``: all
    connections require a post-quantum pre-shared key.
    """

    seed: int
    names: tuple[str, ...]
    calm: bool
    brief: bool
    moving: bool
    suite: tuple[str, str]
    reauth: dict[str, bool]
    make_before_break: bool
    unique: Unique
    childless: Childless
    action: Action
    start: frozenset[tuple[str, str]]
    route: frozenset[tuple[str, str]]
    ppk: bool

    @property
    def pairs(self) -> list[tuple[str, str]]:
        """Every two hosts."""
        return [(one, other) for place, one in enumerate(self.names) for other in self.names[place + 1 :]]

    def connections(self, one: str, other: str) -> list[str]:
        """The connections between two hosts have the same names on both."""
        first, second = sorted((one, other))
        return [f"{first}-{second}-{number}" for number in range(CHILDREN)]

    def of(self, name: str) -> list[tuple[str, str]]:
        """A host's connections with the host at their other end."""
        others = [other for other in self.names if other != name]
        return [(connection, other) for other in others for connection in self.connections(name, other)]


def draw(seed: int, hosts: int) -> Traits:
    """The traits of a seed."""
    chance = random.Random(f"traits {seed} {hosts}")
    names = NAMES[:hosts]
    some = {name: chance.random() < 0.5 for name in names}
    everyone = chance.choice([True, False, None])
    calm = chance.random() < 0.3
    unique = chance.choice([Unique.REPLACE, Unique.REPLACE, Unique.KEEP])
    bare = Traits(
        seed,
        names,
        calm=calm,
        brief=chance.random() < 0.2,
        moving=False,
        suite=chance.choice([*SUITES[:2], *SUITES]),
        reauth=some if everyone is None else dict.fromkeys(names, everyone),
        make_before_break=chance.random() < 0.75,
        unique=unique,
        childless=chance.choice([Childless.ALLOW, Childless.ALLOW, Childless.PREFER]),
        action=chance.choice([*[Action.NONE] * 5, Action.START, Action.TRAP, Action.CLEAR]),
        start=frozenset(),
        route=frozenset(),
        ppk=random.Random(f"ppk {seed}").random() < 0.25,
    )
    every = [(name, connection) for name in names for connection, _ in bare.of(name)]
    auto = {one: chance.choice(["add", "add", "start", "route"]) for one in every}
    return replace(
        bare,
        moving=not calm and chance.random() < MOVING,
        start=frozenset(one for one in every if auto[one] == "start"),
        route=frozenset(one for one in every if auto[one] == "route"),
    )
