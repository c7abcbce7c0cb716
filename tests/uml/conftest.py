"""Inside user-mode Linux. Hosts are made once for each module: starting daemons is what costs time here."""

from collections.abc import Generator, Iterator

import pytest
from bench import Bench

Report = Generator[None, pytest.TestReport, pytest.TestReport]
BENCH = pytest.StashKey[Bench]()
SHOWN = 150


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Iterator[Bench]:
    made = Bench(tmp_path_factory.mktemp("bench"))
    request.node.stash[BENCH] = made
    yield made
    made.close()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Report:
    report = yield
    made = item.parent.stash.get(BENCH, None) if item.parent is not None else None
    if report.failed and made is not None and isinstance(report.longrepr, object):
        shown = [
            f"\n{host.name}: {log.name}\n" + "\n".join(log.read_text(errors="replace").splitlines()[-SHOWN:])
            for host in made.hosts
            for log in sorted((host.folder / "log").glob("*.log"))
        ]
        report.longrepr = f"{report.longreprtext}\n" + "\n".join(shown)
    return report
