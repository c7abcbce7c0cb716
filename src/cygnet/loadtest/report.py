"""What the operator sees of a load test: a line a second, and the outcome, as text or as JSON."""

import json

from cygnet.loadtest.results import Result

NAMES = {50: "median", 90: "90%", 99: "99%", 100: "max"}


def progress_line(result: Result, count: int, seconds: float, rate: float) -> str:
    """``  3 s: 1204 of 10000 established, 0 failed, 10 under way, 401/s``."""
    return (
        f"{seconds:4.0f} s: {result.established} of {count} established, {result.failed.total()} failed, "
        f"{result.in_progress} under way, {rate:.0f}/s"
    )


def outcome_lines(result: Result, target: str) -> list[str]:
    """The outcome for people."""
    each_ms = 1000 * result.cpu_s / result.established if result.established else 0.0
    lines = [
        f"{result.started} handshakes with {target} in {result.busy_s:.2f} s: "
        f"{result.established} established, {result.failed.total()} failed, "
        f"{result.retransmits} retransmissions",
        f"  {result.rate:.1f} handshakes/s, {each_ms:.2f} ms of CPU time each on this side",
    ]
    found = result.percentiles_s()
    if found:
        texts = [f"{NAMES[share]} {1000 * seconds:.1f} ms" for share, seconds in found.items()]
        lines.append(f"  latency: {', '.join(texts)}")
    lines += _reasons("failed", result.failed) + _reasons("lost", result.lost)
    if result.deleted:
        lines.append(f"  {result.deleted} SAs deleted")
    return lines


def json_line(event: str, result: Result) -> str:
    """One JSON object; times in seconds, latencies by percentile."""
    fields = {
        "event": event,
        "started": result.started,
        "established": result.established,
        "failed": dict(result.failed),
        "lost": dict(result.lost),
        "deleted": result.deleted,
        "retransmits": result.retransmits,
        "busy_s": round(result.busy_s, 6),
        "rate": round(result.rate, 3),
        "cpu_s": round(result.cpu_s, 6),
        "latency_s": {str(share): round(seconds, 6) for share, seconds in result.percentiles_s().items()},
    }
    return json.dumps(fields)


def _reasons(title: str, counts: dict[str, int]) -> list[str]:
    ordered = sorted(counts.items(), key=lambda item: -item[1])
    return [f"  {title} {times} times: {reason}" for reason, times in ordered]
