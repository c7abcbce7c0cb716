"""Traps and shunts as ``ipsec status`` shows them, the same for both daemons."""

from collections.abc import Iterator, Sequence

from cygnet.base.records import record
from cygnet.base.selectors import TrafficSelector
from cygnet.kernel.port import Mode

SHUNTS = (Mode.PASS, Mode.DROP)


@record
class Routed:
    """An installed trap or shunt policy. ``unique_id`` and ``reqid`` are 0 for a shunt."""

    name: str
    unique_id: int
    reqid: int
    mode: Mode
    local_ts: tuple[TrafficSelector, ...]
    remote_ts: tuple[TrafficSelector, ...]


def policies(installed: Sequence[Routed], name: str) -> Iterator[str]:
    """Shunts, then traps, each under its caption; no caption without entries."""
    shown = [policy for policy in installed if name in ("", policy.name)]
    shunts = [policy for policy in shown if policy.mode in SHUNTS]
    traps = [policy for policy in shown if policy.mode not in SHUNTS]
    if shunts:
        yield "Shunted Connections:"
    for shunt in shunts:
        yield f"{shunt.name:>12}:  {_both(shunt)} {shunt.mode}"
    if traps:
        yield "Routed Connections:"
    for trap in traps:
        yield f"{trap.name:>12}{{{trap.unique_id}}}:  ROUTED, {trap.mode}, reqid {trap.reqid}"
        yield f"{trap.name:>12}{{{trap.unique_id}}}:   {_both(trap)}"


def _both(policy: Routed) -> str:
    return f"{_selectors(policy.local_ts)} === {_selectors(policy.remote_ts)}"


def _selectors(selectors: Sequence[TrafficSelector]) -> str:
    return " ".join(map(str, selectors))
