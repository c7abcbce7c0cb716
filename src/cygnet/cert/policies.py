"""Certificate policies along a path (RFC 5280, 6.1): which are valid at its end, and whether one must be.

The initial policy set is any-policy; what a connection demands (``rightcertpolicy``) is compared with the
result. The trust anchor's own policy and mapping constraints are the initial values (RFC 5937, 3.2). Nodes
point to their parents, so the "tree" is a graph that grows with the policies named, not with their paths.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

from cygnet.cert.extensions import PolicyExtensions

ANY_POLICY = "2.5.29.32.0"
MAX_POLICIES = 1000


@dataclass(frozen=True, slots=True)
class PathStep:
    """One certificate of the path, as far as policies care."""

    name: str
    policy: PolicyExtensions
    self_issued: bool = False


@dataclass(frozen=True, slots=True)
class PolicyResult:
    """``policies`` are those valid for the last certificate, ``any`` tells that others are as well.

    ``problem`` says what is wrong, empty if nothing.
    """

    policies: tuple[str, ...] = ()
    any: bool = False
    problem: str = ""


@dataclass(slots=True)
class _State:
    """The variables of RFC 5280, 6.1.2; ``expected`` maps each valid policy to its expected policies."""

    explicit: int
    mapping: int
    inhibit: int
    expected: dict[str, frozenset[str]] | None = field(
        default_factory=lambda: {ANY_POLICY: frozenset({ANY_POLICY})}
    )


class _PolicyError(Exception):
    """The path is not valid; the text says why."""


def process(anchor: PolicyExtensions, path: Sequence[PathStep]) -> PolicyResult:
    """``path`` goes from the certificate below the anchor to the end entity."""
    length = len(path)
    state = _State(
        explicit=_least(length + 1, anchor.require_explicit),
        mapping=_least(length + 1, anchor.inhibit_mapping),
        inhibit=_least(length + 1, anchor.inhibit_any),
    )
    try:
        for number, step in enumerate(path, 1):
            last = number == length
            _basic(state, step, last)
            if last:
                _wrap_up(state, step)
            else:
                _prepare(state, step)
    except _PolicyError as error:
        return PolicyResult(problem=str(error))
    valid = state.expected or {}
    return PolicyResult(tuple(one for one in valid if one != ANY_POLICY), ANY_POLICY in valid)


def _basic(state: _State, step: PathStep, last: bool) -> None:
    """RFC 5280, 6.1.3 (d) to (f)."""
    policies = step.policy.policies
    if policies is None or state.expected is None:
        state.expected = None
    else:
        if len(policies) > MAX_POLICIES:
            raise _PolicyError(f"certificate {step.name} has more than {MAX_POLICIES} policies")
        any_counts = state.inhibit > 0 or (not last and step.self_issued)
        state.expected = _next(state.expected, policies, ANY_POLICY in policies and any_counts) or None
    if state.explicit == 0 and state.expected is None:
        named = ", ".join((policies or ())[:4]) or "none"
        raise _PolicyError(
            f"an explicit certificate policy is required, but none is valid for {step.name} (it has {named})"
        )


def _next(
    expected: dict[str, frozenset[str]], policies: Sequence[str], any_counts: bool
) -> dict[str, frozenset[str]]:
    """The policies that are valid one certificate further down."""
    wanted = frozenset().union(*expected.values())
    found = {
        one: frozenset({one})
        for one in policies
        if one != ANY_POLICY and (one in wanted or ANY_POLICY in expected)
    }
    if any_counts:
        found |= {one: frozenset({one}) for one in wanted if one not in found}
    return found


def _prepare(state: _State, step: PathStep) -> None:
    """RFC 5280, 6.1.4 (a), (b), (h) to (j)."""
    mappings = step.policy.mappings
    if any(ANY_POLICY in pair for pair in mappings):
        raise _PolicyError(f"certificate {step.name} maps any-policy, which is not allowed")
    if mappings and state.expected is not None:
        state.expected = _mapped(state.expected, mappings, state.mapping > 0) or None
    if not step.self_issued:
        state.explicit = max(state.explicit - 1, 0)
        state.mapping = max(state.mapping - 1, 0)
        state.inhibit = max(state.inhibit - 1, 0)
    state.explicit = _least(state.explicit, step.policy.require_explicit)
    state.mapping = _least(state.mapping, step.policy.inhibit_mapping)
    state.inhibit = _least(state.inhibit, step.policy.inhibit_any)


def _mapped(
    expected: dict[str, frozenset[str]], mappings: Sequence[tuple[str, str]], allowed: bool
) -> dict[str, frozenset[str]]:
    sources = dict.fromkeys(issuer for issuer, _ in mappings)
    if not allowed:
        return {one: wanted for one, wanted in expected.items() if one not in sources}
    targets = {
        source: frozenset(subject for issuer, subject in mappings if issuer == source) for source in sources
    }
    known = {
        source: target for source, target in targets.items() if source in expected or ANY_POLICY in expected
    }
    return expected | known


def _wrap_up(state: _State, step: PathStep) -> None:
    """RFC 5280, 6.1.5 (a), (b), (g)."""
    explicit = max(state.explicit - 1, 0)
    if step.policy.require_explicit == 0:
        explicit = 0
    if explicit == 0 and state.expected is None:
        raise _PolicyError(f"an explicit certificate policy is required, but none is valid for {step.name}")


def _least(value: int, other: int | None) -> int:
    return value if other is None else min(value, other)
