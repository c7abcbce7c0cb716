"""The IKEv1 message fuzzer, for a few seconds, from a seed that is the same each time."""

import runpy
from pathlib import Path

FUZZER = Path(__file__).with_name("ikev1_messages.py")


def test_changed_messages_raise_nothing_but_peer_errors():
    count, failed = runpy.run_path(str(FUZZER))["fuzz"](seconds=3, seed=2408)
    assert failed is None, f"python {FUZZER.name} --input {failed.hex()}"
    assert count > 1000


def test_fuzzer_finds_what_is_not_a_peer_error(capsys):
    names = runpy.run_path(str(FUZZER))
    names["fuzz"].__globals__["receive"] = lambda data, reassembler: 1 // (len(data) - len(data))
    assert isinstance(names["fuzz"](seconds=1, seed=1)[1], bytes)
    assert "ZeroDivisionError" in capsys.readouterr().err
