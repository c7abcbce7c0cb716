"""Runs ``ipsec load-test`` on the loading host, and stops the clocks at the right moments."""

import json
import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from lab.certificates import authority
from lab.gateways import Gateway
from responders import NETWORK, SECRET, Responder
from rows import Row

Fields = dict[str, Any]


@dataclass(frozen=True)
class Load:
    """``first`` is the number of the first initiator: SAs that live at the same time have different ones.

    ``rate``: so many begin in a second; 0: as many as ``concurrency`` lets.
    """

    count: int
    concurrency: int
    first: int = 0
    rate: int = 0


@dataclass(frozen=True)
class Measured:
    """What one load showed: the load test's own result, and the responder's CPU seconds by program."""

    result: Fields
    cpu_s: dict[str, float]

    @property
    def cpu_ms_each(self) -> dict[str, float]:
        """Milliseconds per handshake, by program."""
        return {name: 1000 * seconds / self.result["established"] for name, seconds in self.cpu_s.items()}


class Loader:
    """The loading host's side."""

    def __init__(self, host: Gateway) -> None:
        self._host = host
        host.write("/etc/secret", SECRET, 0o600)

    @contextmanager
    def loaded(self, responder: Responder, row: Row, load: Load) -> Iterator[Measured]:
        """The SAs of a load are up within the block; afterwards they are deleted."""
        before = responder.processes.cpu_s()
        with subprocess.Popen(
            [*self._host.enter(), *self._command(responder, row, load), "--hold"],
            env=self._host.environment(), stdout=subprocess.PIPE, text=True, start_new_session=True,
        ) as process:  # fmt: skip
            try:
                result = _event(process, "established")
                yield _measured(result, before, responder)
            finally:
                os.killpg(process.pid, signal.SIGINT)  # as a terminal does
                _event(process, "result")

    @contextmanager
    def going_on(self, responder: Responder, row: Row, load: Load) -> Iterator[None]:
        """SAs are being established all through the block; afterwards they are deleted."""
        with subprocess.Popen(
            [*self._host.enter(), *self._command(responder, row, load)],
            env=self._host.environment(), stdout=subprocess.PIPE, text=True, start_new_session=True,
        ) as process:  # fmt: skip
            _event(process, "progress")
            yield
            if process.poll() is not None:
                raise RuntimeError("the handshakes ended before the traffic")
            result = _event(process, "result")
        if result["failed"] or result["lost"]:
            raise RuntimeError(f"{responder.name}: failed {result['failed']}, lost {result['lost']}")

    def left(self, responder: Responder, row: Row, load: Load) -> Measured:
        """Establishes SAs and leaves them to the responder."""
        before = responder.processes.cpu_s()
        command = [*self._command(responder, row, load), "--keep"]
        done = self._host.run(*command, status=None, timeout=600)
        results = [json.loads(line) for line in done.stdout.splitlines()]
        if not results:
            raise RuntimeError(f"load test failed: {done.stderr}")
        return _measured(results[-1], before, responder)

    def _command(self, responder: Responder, row: Row, load: Load) -> list[str]:
        command = ["ipsec", "load-test", responder.address, "--json"]
        command += ["--count", str(load.count), "--concurrency", str(load.concurrency)]
        if load.rate:
            command += ["--rate", str(load.rate)]
        command += ["--first", str(load.first), "--ike", row.ike, "--esp", row.esp]
        command += ["--local-ts", "10.64.0.0/10", "--reuse-keys", "--timeout", "5"]
        if row.version == 1:
            command += ["--ikev1", "--remote-ts", NETWORK]
        if row.auth == "psk":
            return [*command, "--psk-file", "/etc/secret"]
        holder = authority(row.auth)
        self._host.write("/etc/ca.pem", holder.pem)
        self._host.write("/etc/ca.key", holder.key_pem, 0o600)
        return [*command, "--ca", "/etc/ca.pem", "--ca-key", "/etc/ca.key", "--key-type", row.auth]


def _event(process: "subprocess.Popen[str]", name: str) -> Fields:
    assert process.stdout is not None
    for line in process.stdout:
        fields: Fields = json.loads(line)
        if fields["event"] == name:
            return fields
    raise RuntimeError(f"the load test ended before it was '{name}'")


def _measured(result: Fields, before: dict[str, float], responder: Responder) -> Measured:
    if result["failed"] or result["lost"]:
        raise RuntimeError(f"{responder.name}: failed {result['failed']}, lost {result['lost']}")
    after = responder.processes.cpu_s()
    return Measured(result, {name: after[name] - before[name] for name in after})
