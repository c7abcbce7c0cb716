"""What all tests share: Hypothesis profiles, and which tests this machine can run.

A test marked ``root``, ``tun``, ``peer`` or another of :data:`NEEDS` is skipped, with the reason, where its
need is not met. With ``CYGNET_REQUIRE_PEERS=1`` in the environment (continuous integration) such a skip is a
failure. With ``CYGNET_SECOND_TRY=1`` a test with real hosts that failed is tried once more, and named in the
summary; :data:`SECOND_TRIES` such tests in one run are too many (docs/decisions/0015).
"""

import os
import shutil
import threading
from collections.abc import Generator
from functools import cache, partial

import hypothesis
import pytest

from lab.eap_programs import eap_programs_missing
from lab.gateways import peer_missing
from lab.hosts import can_make_hosts, can_make_tun, program_missing
from lab.libreswan import libreswan_missing
from lab.uml import INSIDE, uml_missing

hypothesis.settings.register_profile("default", deadline=None)
hypothesis.settings.register_profile("ci", deadline=None, derandomize=True, max_examples=100)
hypothesis.settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "default"))

collect_ignore = [] if INSIDE in os.environ else ["uml"]
"""tests/system/test_real_kernel.py runs those, on another kernel."""

Report = Generator[None, pytest.TestReport, pytest.TestReport]
NEEDS = {
    "root": cache(can_make_hosts),
    "tun": cache(can_make_tun),
    "peer": cache(peer_missing),
    "ike_scan": cache(partial(program_missing, "ike-scan")),
    "vpnc": cache(partial(program_missing, "vpnc")),
    "eap_programs": cache(eap_programs_missing),
    "libreswan": cache(libreswan_missing),
    "tshark": lambda: "" if shutil.which("tshark") else "needs tshark (apt-get install tshark)",
    "uml": cache(uml_missing),
}
REQUIRED = os.environ.get("CYGNET_REQUIRE_PEERS", "0") != "0"
SECOND_TRY = os.environ.get("CYGNET_SECOND_TRY", "0") != "0"
SECOND_TRIES = 6


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if SECOND_TRY and item.get_closest_marker("root") is not None:
            item.add_marker(pytest.mark.flaky(reruns=1))


@pytest.hookimpl(tryfirst=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    if len(_tried_again(session.config)) >= SECOND_TRIES:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    again = _tried_again(config)
    if again:
        terminalreporter.section(f"{len(again)} tests had a second try ({SECOND_TRIES} are too many)")
    for report in again:
        terminalreporter.section(report.nodeid, sep="_")
        terminalreporter.line(report.longreprtext)
        for title, text in report.sections:
            terminalreporter.line(f"- {title} -\n{text}")


def _tried_again(config: pytest.Config) -> list[pytest.TestReport]:
    reporter = config.pluginmanager.get_plugin("terminalreporter")
    return [] if reporter is None else reporter.stats.get("rerun", [])


def pytest_runtest_setup(item: pytest.Item) -> None:
    for mark, missing in NEEDS.items():
        if item.get_closest_marker(mark) is not None and (reason := missing()):
            pytest.skip(reason)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Report:
    report = yield
    needs = [mark for mark in NEEDS if item.get_closest_marker(mark) is not None]
    if REQUIRED and needs and report.skipped and not hasattr(report, "wasxfail"):
        report.outcome = "failed"
        report.longrepr = f"skipped, but CYGNET_REQUIRE_PEERS is set: {report.longrepr}"
    return report


@pytest.hookimpl(trylast=True)
def pytest_runtest_teardown(item: pytest.Item, nextitem: pytest.Item | None) -> None:
    """A thread that only ends with the interpreter keeps a run that passed from ever ending."""
    if nextitem is None or nextitem.path != item.path:
        main = threading.main_thread()
        others = [thread for thread in threading.enumerate() if not thread.daemon and thread is not main]
        for thread in others:
            thread.join(5)
        left = [thread for thread in others if thread.is_alive()]
        assert not left, f"threads that tests left behind: {left}"
