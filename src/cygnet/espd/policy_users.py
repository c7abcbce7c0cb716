"""Who uses which policies: the part of the service that is about them."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

from cygnet.esp.plane import DataPlane
from cygnet.esp.records import Policy
from cygnet.espd import translate
from cygnet.kernel.port import Direction, KernelError, PolicySpec


class Host(Protocol):
    """What is asked of the machine."""

    def route_in(self, spec: PolicySpec) -> None:
        """Lead packets for a policy's destination to the TUN device, once more."""

    def route_out(self, spec: PolicySpec) -> None:
        """Take back one :meth:`route_in`."""


@dataclass(slots=True)
class _InForce:
    """A policy with how many users it has; ``policy`` is its entry in the data plane's SPD."""

    policy: Policy
    users: int = 0


class PolicyUsers:
    """Policies by owner, each counted, looked up once and kept with its entry in the SPD."""

    def __init__(self, plane: DataPlane, host: Host) -> None:
        self._plane = plane
        self._host = host
        self._users: dict[str, dict[PolicySpec, _InForce]] = {}

    def __iter__(self) -> Iterator[PolicySpec]:
        return (spec for mine in self._users.values() for spec in mine)

    def add(self, owner: str, spec: PolicySpec) -> None:
        """One user more; raises what the host raises."""
        mine = self._users.setdefault(owner, {})
        known = mine.get(spec)
        if known is None:
            known = _InForce(translate.policy(spec, owner))
            if spec.direction is Direction.OUT:
                self._host.route_in(spec)
            if spec.direction is not Direction.FORWARD:
                self._plane.add_policy(known.policy)
            mine[spec] = known
        known.users += 1

    def remove(self, owner: str, spec: PolicySpec) -> None:
        """One user less; raises :class:`KernelError` for a policy that the owner has not."""
        mine = self._users.get(owner, {})
        known = mine.get(spec)
        if known is None:
            raise KernelError(f"no policy {spec.source} === {spec.destination} {spec.direction}")
        known.users -= 1
        if not known.users:
            del mine[spec]
            self._uninstall(spec, known.policy)

    def flush(self, owner: str) -> None:
        """Take back all of an owner."""
        for spec, known in self._users.pop(owner, {}).items():
            self._uninstall(spec, known.policy)

    def _uninstall(self, spec: PolicySpec, policy: Policy) -> None:
        if spec.direction is not Direction.FORWARD:
            self._plane.remove_policy(policy)
        if spec.direction is Direction.OUT:
            self._host.route_out(spec)
