"""The ESP fuzzer, for a few seconds, from a seed that is the same each time."""

import runpy
from pathlib import Path

FUZZER = Path(__file__).with_name("esp_packets.py")


def test_hostile_packets_raise_nothing_and_are_all_accounted_for():
    count, good = runpy.run_path(str(FUZZER))["fuzz"](seconds=3, seed=4303)
    assert good, f"python {FUZZER.name} --seed 4303"
    assert count > 50


def test_fuzzer_finds_packets_that_its_selectors_do_not_admit(capsys):
    names = runpy.run_path(str(FUZZER))
    inside = names["fuzz"].__globals__
    inside["planes"] = lambda name="gcm", **_: names["planes"](name)  # with SAs that admit everything
    assert names["fuzz"](seconds=3, seed=1)[1] is False
    assert "outside the selectors" in capsys.readouterr().err
