"""The EAP fuzzer, for a few seconds, from a seed that is the same each time."""

import runpy
from pathlib import Path

FUZZER = Path(__file__).with_name("eap_packets.py")


def test_changed_packets_end_nothing_but_their_conversation():
    count, failed = runpy.run_path(str(FUZZER))["fuzz"](seconds=3, seed=3748)
    assert failed is None, f"python {FUZZER.name} --seed 3748, or --input {failed.hex()}"
    assert count > 1000


def test_fuzzer_finds_what_is_not_a_peer_error(capsys):
    names = runpy.run_path(str(FUZZER))
    names["fuzz"].__globals__["receive"] = lambda data: 1 // (len(data) - len(data))
    count, failed = names["fuzz"](seconds=1, seed=1)
    assert (count, isinstance(failed, bytes)) == (1, True)
    assert "ZeroDivisionError" in capsys.readouterr().err
