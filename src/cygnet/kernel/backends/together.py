"""SAs and policies that belong together, for backends whose data plane takes them one by one."""

from contextlib import ExitStack
from typing import Protocol

from cygnet.kernel.port import Encapsulation, PolicyMove, PolicySpec, SaId, SaMove, SaSpec


class Singly(Protocol):
    """The part of a backend that is needed."""

    def add_sa(self, spec: SaSpec) -> None:
        """Install an SA."""

    def update_sa(self, id: SaId, new: SaId, encapsulation: Encapsulation | None) -> None:
        """Move an SA."""

    def delete_sa(self, id: SaId) -> None:
        """Remove an SA."""

    def add_policy(self, spec: PolicySpec) -> None:
        """Install or count a policy."""

    def delete_policy(self, spec: PolicySpec) -> None:
        """Take back one use of a policy."""


def install(backend: Singly, sas: tuple[SaSpec, ...], policies: tuple[PolicySpec, ...]) -> None:
    """One after the other; a refusal takes back what came before it, and is raised."""
    done_sas: list[SaId] = []
    done_policies: list[PolicySpec] = []
    try:
        for sa in sas:
            backend.add_sa(sa)
            done_sas.append(sa.id)
        for policy in policies:
            backend.add_policy(policy)
            done_policies.append(policy)
    except BaseException:
        remove(backend, tuple(reversed(done_policies)), tuple(reversed(done_sas)))
        raise


def migrate(backend: Singly, sas: tuple[SaMove, ...], policies: tuple[PolicyMove, ...]) -> None:
    """SAs, then policies, new ones before old ones, so that nothing leaves unprotected in between.

    A refusal takes back what came before it, and is raised.
    """
    with ExitStack() as undo:
        for sa in sas:
            backend.update_sa(sa.old, sa.new, sa.encapsulation)
            undo.callback(backend.update_sa, sa.new, sa.old, sa.before)
        for policy in policies:
            backend.add_policy(policy.new)
            undo.callback(backend.delete_policy, policy.new)
        undo.pop_all()
    for policy in policies:
        backend.delete_policy(policy.old)


def remove(backend: Singly, policies: tuple[PolicySpec, ...], sas: tuple[SaId, ...]) -> None:
    """One after the other. Everything goes, also where something is refused, which is raised afterwards."""
    with ExitStack() as rest:
        for sa in reversed(sas):
            rest.callback(backend.delete_sa, sa)
        for policy in reversed(policies):
            rest.callback(backend.delete_policy, policy)
