"""One life: random steps, then peace, then everything up, then everything down; compared after each."""

import random
import traceback
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from simulation.peer import outcome

from lives.steps import Steps
from lives.traits import draw
from lives.verdict import busy, problems, remains
from lives.wishes import Wishes
from lives.world import World

STEPS = (3, 6, 12, 20)
POLL_S = 11.0
PATIENCE_S = 2000.0
"""Dead peers are found (three minutes), and the longest pauses between attempts go by."""
CALM_PATIENCE_S = 300.0


@dataclass
class Life:
    """What happened with a seed: the steps, and what is wrong after them."""

    seed: int
    hosts: int
    steps: list[str] = field(default_factory=list)
    phase: str = "steps"
    wrong: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        return "\n".join(
            [
                f"seed {self.seed} with {self.hosts} hosts fails after '{self.phase}':",
                *(f"  {line}" for one in self.wrong for line in one.splitlines()),
                "after:",
                *(f"  {step}" for step in self.steps),
                f"replay, with all logs: make model SEED={self.seed} HOSTS={self.hosts}",
            ]
        )


def live(seed: int, hosts: int, tell: Callable[[str], None] | None = None) -> Life:
    """Live a seed; ``tell`` hears steps and logs as they come."""
    life = Life(seed, hosts)
    try:
        _live(life, tell)
    except Exception:  # whatever a daemon may raise here it raises in earnest too
        life.wrong = [traceback.format_exc()]
    return life


def _live(life: Life, tell: Callable[[str], None] | None) -> None:
    traits = draw(life.seed, life.hosts)
    chance = random.Random(f"steps {life.seed} {life.hosts}")
    if tell:
        tell(str(traits))
    world, wishes = World(traits, tell), Wishes(traits, lambda: world.network.now)
    steps = Steps(world, wishes, chance)

    def phase(name: str) -> None:
        life.phase = name
        if tell:
            tell(f"{world.network.now:9.3f} === {name}")

    world.network.run(chance.choice([0, 0.01, 1, 5]))
    for _ in range(chance.choice(STEPS)):
        life.steps.append(steps.take())
        if tell:
            tell(f"=== {life.steps[-1]}")
        steps.pass_time()
    phase("peace")
    world.heal()
    life.wrong = _settle(world, wishes, PATIENCE_S, lambda world: steps.unanswered() + busy(world))
    if life.wrong:
        return
    phase("all up")
    dialogues = _all_up(world, wishes, chance)
    life.wrong = _settle(world, wishes, CALM_PATIENCE_S) + _failed(dialogues)
    if life.wrong:
        return
    phase("all down")
    _all_down(world, wishes, chance)
    life.wrong = _settle(world, wishes, CALM_PATIENCE_S, remains)


def _settle(
    world: World, wishes: Wishes, patience_s: float, more: Callable[[World], list[str]] = lambda world: []
) -> list[str]:
    """Time passes until all is well; what is wrong at the end."""
    end = world.network.now + patience_s
    wrong = ["nothing was looked at"]
    while wrong and world.network.now < end:
        world.network.run(POLL_S)
        wrong = problems(world, wishes) + more(world)
    return wrong


def _all_up(world: World, wishes: Wishes, chance: random.Random) -> list[Any]:
    """Every connection, from one side or both."""
    dialogues = []
    for pair in world.traits.pairs:
        for connection in world.traits.connections(*pair):
            for name in chance.choice([pair, pair[:1], pair[1:]]):
                dialogues.append(world.hosts[name].up(connection))
                wishes.surely_up(name, connection)
                world.network.run(chance.choice([0, 0.01, 0.02, 0.1]))
    return dialogues


def _failed(dialogues: list[Any]) -> list[str]:
    told = map(outcome, dialogues)
    return [f"ipsec up: {one.reason if one else 'no answer'}" for one in told if one is None or not one.ok]


def _all_down(world: World, wishes: Wishes, chance: random.Random) -> None:
    """Unloaded, so that no action brings them back, taken down by name, and the IKE_SAs after them."""
    for name, host in world.hosts.items():
        for connection, _ in world.traits.of(name):
            host.reconciler.forget(connection)
        host.connections.configs = []
    for name, host in world.hosts.items():
        for connection, other in world.traits.of(name):
            host.down(connection)
            wishes.ordered_down(name, connection, other)
            world.network.run(chance.choice([0, 0.01, 0.02, 0.1]))
    for name in world.traits.names:
        for connection, _ in world.traits.of(name):
            wishes.gone(name, connection)
    world.network.run(1)
    for one, other in world.traits.pairs:
        world.hosts[one].down(f"{'-'.join(sorted((one, other)))}[*]")
