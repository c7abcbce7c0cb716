"""Fixtures of the system tests: hosts that vanish after each test, with their logs shown when it failed."""

from collections.abc import Generator, Iterator
from pathlib import Path

import pytest

from lab.topology import Lab

Report = Generator[None, pytest.TestReport, pytest.TestReport]
LAB = pytest.StashKey[Lab]()
SHOWN = 40
"""Lines of each log that a failed test shows."""


@pytest.fixture
def lab(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Lab]:
    made = Lab(tmp_path)
    request.node.stash[LAB] = made
    yield made
    made.close()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Report:
    report = yield
    made = item.stash.get(LAB, None)
    if made is not None and report.failed:
        for host in made.hosts:
            for log in sorted((host.folder / "log").glob("*.log")):
                lines = log.read_text(errors="replace").splitlines()[-SHOWN:]
                report.sections.append((f"{host.name}: {log}", "\n".join(lines)))
    return report
