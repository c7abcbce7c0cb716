"""Some hundred lives of each kind with every run of the tests; ``make model`` lives through thousands."""

import runpy
from pathlib import Path

import pytest
from lives import life as lives

RUNNER = Path(__file__).with_name("run.py")
SEEDS = {2: 400, 3: 200}


@pytest.mark.parametrize("hosts", SEEDS)
@pytest.mark.parametrize("part", range(10))
def test_what_is_wanted_comes_to_be_and_nothing_else(hosts: int, part: int) -> None:
    for seed in range(part, SEEDS[hosts], 10):
        life = lives.live(seed, hosts)
        assert not life.wrong, f"\n{life}"


def test_life_is_the_same_each_time() -> None:
    logs: list[list[str]] = [[], []]
    for log in logs:
        lives.live(5, 3, log.append)
    assert logs[0] == logs[1] and len(logs[0]) > 100


def test_what_is_wrong_prints_itself_and_how_to_replay_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lives, "problems", lambda world, wishes: ["a comet fell"])
    text = str(lives.live(7, 2))
    assert "seed 7 with 2 hosts fails after 'peace':\n  a comet fell\n" in text
    assert text.endswith("make model SEED=7 HOSTS=2")


def test_daemon_that_raises_is_wrong(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("simulation.peer.IkeSa.receive", lambda *arguments: 1 // 0)
    assert "ZeroDivisionError" in lives.live(1, 2).wrong[0]


@pytest.mark.parametrize(
    ("arguments", "status", "said"),
    [
        (["--seed", "3", "--hosts", "2"], 0, "no problem"),
        (
            ["--seeds", "4", "--first", "6", "--jobs", "1", "--hosts", "3"],
            0,
            "4 seeds from 6 with 3 hosts: 0 failed",
        ),
    ],
)
def test_runner_lives_and_replays(
    arguments: list[str],
    status: int,
    said: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr("sys.argv", ["run.py", *arguments])
    assert runpy.run_path(str(RUNNER))["main"]() == status
    assert said in capsys.readouterr().out
