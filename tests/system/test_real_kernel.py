"""Scenarios on a kernel with IPsec (``tests/uml``), inside user-mode Linux; one boot for all of them."""

import ast
from collections.abc import Callable
from pathlib import Path

import pytest

from lab.uml import SCENARIOS, Outcome, run_inside

pytestmark = [pytest.mark.uml, pytest.mark.timeout(1000)]


def scenarios() -> list[str]:
    """``file::test`` of every test in ``tests/uml``."""
    return [
        f"{file.name}::{node.name}"
        for file in sorted(SCENARIOS.glob("test_*.py"))
        for node in ast.parse(file.read_text()).body
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")
    ]


@pytest.fixture(scope="module")
def outcomes(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Callable[[str], Outcome]:
    wanted = [
        item.callspec.params["scenario"]
        for item in request.session.items
        if isinstance(item, pytest.Function) and item.originalname == test_scenario_inside.__name__
    ]
    found = run_inside(Path(tmp_path_factory.mktemp("uml")), wanted)
    return lambda name: summary(name, found)


def summary(name: str, found: dict[str, Outcome]) -> Outcome:
    """The worst outcome of a test for all its parameters."""
    several = [one for inside, one in found.items() if inside.partition("[")[0] == name]
    order = ("failed", "skipped", "passed")
    return min(
        several, key=lambda one: order.index(one.result), default=Outcome("failed", "it has not been run")
    )


@pytest.mark.parametrize("scenario", scenarios())
def test_scenario_inside(outcomes: Callable[[str], Outcome], scenario: str) -> None:
    outcome = outcomes(scenario)
    if outcome.result == "skipped":
        pytest.skip(outcome.text)
    assert outcome.result == "passed", outcome.text
