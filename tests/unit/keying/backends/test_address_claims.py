"""Addresses that two daemons may not give at the same time: locks, between real processes."""

import os
import subprocess
import sys
from ipaddress import ip_address
from pathlib import Path

import pytest

from cygnet.keying.backends.address_claims import AddressClaims, open_claims
from cygnet.keying.config.pools import UNSHARED

ONE, TWO, SIX = map(ip_address, ("10.3.0.1", "10.3.0.2", "fd03::1"))
OTHER = """
import sys
from ipaddress import ip_address
from pathlib import Path
from cygnet.keying.backends.address_claims import AddressClaims
claims = AddressClaims(Path(sys.argv[1]))
print(*(claims.take(ip_address(one)) for one in sys.argv[2:]), flush=True)
sys.stdin.read()
"""


@pytest.fixture
def other(tmp_path: Path):
    """Another process that claims addresses; the call tells which it got, and how it is killed."""
    started: list[subprocess.Popen[str]] = []

    def claim(*addresses) -> tuple[list[str], subprocess.Popen[str]]:
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
        started.append(subprocess.Popen(
            [sys.executable, "-c", OTHER, str(tmp_path / "leases"), *map(str, addresses)],
            env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        ))  # fmt: skip
        return started[-1].stdout.readline().split(), started[-1]

    yield claim
    for process in started:
        process.communicate(timeout=10)


def test_address_is_one_daemons_until_it_drops_it(tmp_path: Path, other) -> None:
    claims = AddressClaims(tmp_path / "leases")
    assert claims.take(ONE) and claims.take(SIX)
    assert other(ONE, TWO, SIX)[0] == ["False", "True", "False"]
    assert not claims.take(TWO) and claims.take(ONE)
    claims.drop(ONE)
    assert other(ONE, SIX)[0] == ["True", "False"]


def test_daemon_that_was_killed_claims_nothing(tmp_path: Path, other) -> None:
    claims = AddressClaims(tmp_path / "leases")
    process = other(ONE)[1]
    assert not claims.take(ONE)
    process.kill()
    process.wait(10)
    assert claims.take(ONE)


def test_without_the_file_addresses_are_not_shared_and_the_log_says_so(monkeypatch, tmp_path: Path) -> None:
    monkeypatch.setenv("CYGNET_RUNDIR", str(tmp_path / "none"))
    said: list[str] = []
    assert open_claims(lambda level, text: said.append(text)) is UNSHARED
    assert "ipsec.leases: No such file or directory" in said[0]
