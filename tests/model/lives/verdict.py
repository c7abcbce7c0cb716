"""What is wrong once the network has been good for a while: two hosts compared, and each with its kernel."""

from collections import Counter
from types import SimpleNamespace

from simulation.peer import Peer

from cygnet.charon.sa.events import InboundLingers
from cygnet.charon.sa.snapshot import IkeSnapshot
from cygnet.kernel.backends.memory import differences
from cygnet.kernel.port import Direction, SaId
from lives.wishes import Wishes
from lives.world import OWNERS, World


def problems(world: World, wishes: Wishes) -> list[str]:
    """In words; none if everything is as it must be."""
    found: list[str] = []
    for one, other in world.traits.pairs:
        found += _between(world, one, other)
        found += _wanted(world, wishes, one, other)
    for name, host in world.hosts.items():
        found += [f"{name}: {what}" for what in _kernel(host)]
    return found


def remains(world: World) -> list[str]:
    """What is there although everything was taken down; traps stay."""
    return [f"{name}: IKE_SA {sa.name}[{number}] {sa.state}" for name, host in world.hosts.items()
            for number, sa in host.sas.items()]  # fmt: skip


def busy(world: World) -> list[str]:
    """What is still to be done."""
    return [
        f"{name}: {sa.name}[{sa.unique_id}] has {[*sa.tasks_queued, *sa.tasks_active]} to do"
        for name, host in world.hosts.items()
        for sa in host.manager.snapshots()
        if sa.tasks_queued or sa.tasks_active
    ]


def _snapshots(world: World, name: str, other: str) -> list[IkeSnapshot]:
    return [sa for sa in world.hosts[name].manager.snapshots() if OWNERS[sa.remote.address] == other]


def _between(world: World, one: str, other: str) -> list[str]:
    """At most one IKE_SA, the same on both, with the same CHILD_SAs, each once."""
    sides = (_snapshots(world, one, other), _snapshots(world, other, one))
    pictures = [[(sa.state, sa.spi_i.hex(), sa.spi_r.hex()) for sa in side] for side in sides]
    found = []
    alive = all(state == "ESTABLISHED" for state, *_ in pictures[0])
    if len(pictures[0]) > 1 or pictures[0] != pictures[1] or not alive:
        found.append(f"IKE_SAs: {one} has {pictures[0]}, {other} has {pictures[1]}")
    ways = [{(sa.local, sa.remote) for sa in sides[0]}, {(sa.remote, sa.local) for sa in sides[1]}]
    if world.traits.moving and ways[0] != ways[1]:
        found.append(f"paths: {one} is on {ways[0]}, {other} on {ways[1]}")
    here = [(child.name, child.state, child.inbound.spi, child.outbound.spi) for child in _children(sides[0])]
    there = [(one.name, one.state, one.outbound.spi, one.inbound.spi) for one in _children(sides[1])]
    names = [name for name, *_ in here]
    if sorted(here) != sorted(there) or len(set(names)) < len(names):
        found.append(f"CHILD_SAs: {one} has {_hex(here)}, {other} has {_hex(there)}")
    lingering = _lingering(world.hosts[one]) | _lingering(world.hosts[other])
    views = _view(world, one, other), _view(world, other, one)
    found += [f"{one} and {other}: {what}" for what in differences(*views, lingering)]  # type: ignore[arg-type]
    return found


def _children(side):
    return [child for sa in side for child in sa.children]


def _hex(children) -> list[str]:
    return [f"{name} {state} {into:08x} {out:08x}" for name, state, into, out in children]


def _wanted(world: World, wishes: Wishes, one: str, other: str) -> list[str]:
    there = {child.name for child in _children(_snapshots(world, one, other))}
    found = []
    for connection in world.traits.connections(one, other):
        if connection not in there and wishes.must(one, other, connection):
            found.append(f"{connection} is not up")
        if connection in there and wishes.must_not(one, other, connection):
            found.append(f"{connection} is up, and nobody wants it")
    return found


def _kernel(host: Peer) -> list[str]:
    """The kernel holds the CHILD_SAs and traps that the daemon has, and nothing else; so do the numbers."""
    kernel, children = host.kernel, _children(host.manager.snapshots())
    lingering = _lingering(host)
    found = []
    expected = {one.inbound.spi for one in children} | {one.outbound.spi for one in children}
    held = {name.spi for name in kernel.sas if name not in lingering}
    if held != expected:
        found.append(f"kernel SAs differ by {[f'{spi:08x}' for spi in held ^ expected]}")
    if kernel.reservations or kernel.cpis:
        found.append(f"reserved in the kernel: {kernel.reservations or kernel.cpis}")
    routed = host.traps.installed()
    wanted = Counter((direction, one.local_ts, one.remote_ts, one.reqid, False)
                     for one in children for direction in Direction)  # fmt: skip
    wanted += Counter((direction, one.local_ts, one.remote_ts, one.reqid, True)
                      for one in routed for direction in Direction)  # fmt: skip
    there: Counter[object] = Counter()
    for spec, count in kernel.policies.items():
        ends = (spec.source,), (spec.destination,)
        ends = ends if spec.direction is Direction.OUT else ends[::-1]
        there[spec.direction, *ends, spec.reqid, spec.trap] += count
    if there != wanted:
        found.append(f"policies: missing {dict(wanted - there)}, too many {dict(there - wanted)}")
    users = Counter({reqid: count for reqid, count in host.numbers.users.items() if count})
    least, most = Counter(one.reqid for one in routed), Counter(one.reqid for one in (*children, *routed))
    if not least <= users <= most:  # a CHILD_SA that a trap asked for uses the trap's
        found.append(f"reqids are used {users}, not {most}")
    return found


def _lingering(host: Peer) -> set[SaId]:
    return {event.id for event in host.of(InboundLingers)}


def _view(world: World, name: str, other: str) -> SimpleNamespace:
    """As much of a kernel as is about one other host."""
    kernel, remotes = world.hosts[name].kernel, {one for one, owner in OWNERS.items() if owner == other}
    sas = {one: spec for one, spec in kernel.sas.items() if remotes & {one.source, one.destination}}
    return SimpleNamespace(sas=sas, policies=())
