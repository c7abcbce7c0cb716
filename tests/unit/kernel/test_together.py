"""SAs and policies that belong together, one by one."""

from dataclasses import dataclass, field

import pytest

from cygnet.kernel.backends import together
from cygnet.kernel.port import KernelError


@dataclass(frozen=True)
class Sa:
    id: str


@dataclass
class Backend:
    """Takes notes; ``refuse`` names the call and its argument that fails."""

    refuse: tuple[str, str] = ("", "")
    held: set[str] = field(default_factory=set)
    calls: list[str] = field(default_factory=list)

    def add_sa(self, spec):
        self._note("add_sa", spec.id)
        self.held.add(spec.id)

    def add_policy(self, spec):
        self._note("add_policy", spec)
        self.held.add(spec)

    def delete_sa(self, id):
        self._note("delete_sa", id)
        self.held.discard(id)

    def delete_policy(self, spec):
        self._note("delete_policy", spec)
        self.held.discard(spec)

    def _note(self, call, name):
        self.calls.append(f"{call} {name}")
        if (call, name) == self.refuse:
            raise KernelError("no")


def test_sas_are_there_before_policies_lead_packets_to_them():
    backend = Backend()
    together.install(backend, (Sa("a"), Sa("b")), ("p",))
    assert backend.calls == ["add_sa a", "add_sa b", "add_policy p"]


@pytest.mark.parametrize("refuse", [("add_sa", "b"), ("add_policy", "p"), ("add_policy", "q")])
def test_refusal_takes_back_what_came_before(refuse):
    backend = Backend(refuse)
    with pytest.raises(KernelError):
        together.install(backend, (Sa("a"), Sa("b")), ("p", "q"))
    assert not backend.held


def test_policies_go_before_their_sas():
    backend = Backend()
    together.remove(backend, ("p", "q"), ("a", "b"))
    assert backend.calls == ["delete_policy p", "delete_policy q", "delete_sa a", "delete_sa b"]


@pytest.mark.parametrize("refuse", [("delete_policy", "p"), ("delete_sa", "a")])
def test_what_is_refused_keeps_nothing_else_from_going(refuse):
    backend = Backend(refuse, {"p", "q", "a", "b"})
    with pytest.raises(KernelError):
        together.remove(backend, ("p", "q"), ("a", "b"))
    assert backend.held == {refuse[1]}
