"""The certificate fuzzer, for a few seconds, from a seed that is the same each time."""

import runpy
from pathlib import Path

FUZZER = Path(__file__).with_name("certificates.py")


def test_changed_octets_raise_nothing_but_known_errors():
    count, failed = runpy.run_path(str(FUZZER))["fuzz"](seconds=3, seed=5280)
    assert failed is None, f"python {FUZZER.name} --input {failed[0]}:{failed[1].hex()}"
    assert count > 200


def test_fuzzer_finds_what_is_not_a_known_error(capsys):
    names = runpy.run_path(str(FUZZER))
    names["fuzz"].__globals__["receive"] = lambda kind, data: 1 // (len(data) - len(data))
    count, failed = names["fuzz"](seconds=1, seed=1)
    assert (count, isinstance(failed[1], bytes)) == (1, True)
    assert "ZeroDivisionError" in capsys.readouterr().err
