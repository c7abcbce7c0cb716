"""``make bench`` on a small scale: every measurement is there, for both responders."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from lab.gateways import peer_missing

pytestmark = [pytest.mark.root, pytest.mark.tun, pytest.mark.peer]

BENCH = str(Path(__file__).parents[2] / "bench" / "run.py")
_MISSING = peer_missing("trixie")
BOTH = {"cygnet", "strongswan"}
THREE = BOTH | {"strongswan_buffers"}


def run(out: Path, *options: str) -> tuple[str, Any]:
    command = [sys.executable, BENCH, "--out", str(out), "--runs", "2", *options]
    done = subprocess.run(command, capture_output=True, text=True, timeout=100)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout, json.loads((out / "results.json").read_text())


def test_measures_both_responders(tmp_path: Path) -> None:
    scale = ("--count", "10", "--few", "10", "--many", "20")
    text, results = run(tmp_path, "--parts", "handshakes", *scale, "--rows", "psk")
    handshakes, growth = (results["rows"]["psk"][part] for part in ("handshakes", "growth"))
    for name in ("cpu_ms", "rate", "single_median_ms", "single_99_ms", "busy_median_ms", "busy_99_ms"):
        runs = {kind: len(values) for kind, values in handshakes[name].items()}
        assert runs == dict.fromkeys(BOTH, 2), name
        if name != "cpu_ms":  # ten handshakes may cost less than the clock's tick
            assert all(value > 0 for values in handshakes[name].values() for value in values), name
    assert set(handshakes["cpu_espd_ms"]) == {"cygnet"}
    assert set(handshakes["start_s"]) == BOTH
    for name in ("kib_per_sa_few", "kib_per_sa_many", "first_cpu_ms", "last_cpu_ms", "status_few_ms"):
        assert set(growth[name]) == BOTH, name
    assert results["scale"]["many"] == 20
    for title in ("CPU time of the responder per handshake", "handshakes per second", "memory per SA at 20"):
        assert title in text
    assert "(charon " in text


@pytest.mark.skipif(bool(_MISSING), reason=_MISSING)
def test_measures_ikev1_with_the_strongswan_that_has_it(tmp_path: Path) -> None:
    text, results = run(tmp_path, "--parts", "handshakes", "--count", "10", "--rows", "ikev1")
    measured = results["rows"]["ikev1"]["handshakes"]
    assert {kind: len(values) for kind, values in measured["rate"].items()} == dict.fromkeys(BOTH, 2)
    assert set(measured["cpu_pluto_ms"]) == set(measured["cpu_espd_ms"]) == {"cygnet"}
    assert set(measured["cpu_charon_ms"]) == {"strongswan"}
    assert "(pluto " in text


def test_measures_what_tunnels_carry(tmp_path: Path) -> None:
    text, results = run(tmp_path, "--parts", "throughput", "--seconds", "0.5")
    for name in ("mbit_s", "cpu_s_per_gb", "packet_64_2000_us", "packet_1372_20000_us"):
        values = results["throughput"][name]
        assert {kind: len(runs) for kind, runs in values.items()} == dict.fromkeys(THREE, 2), name
        assert all(value > 0 for runs in values.values() for value in runs), name
    lost = results["throughput"]["packet_64_2000_lost"]
    assert all(0 <= value < 50 for runs in lost.values() for value in runs)
    assert "TCP through a tunnel, Mbit/s" in text


def test_measures_many_sas_and_traffic_beside_handshakes(tmp_path: Path) -> None:
    small = ("--seconds", "0.5", "--runs", "1", "--crowd", "12", "--responders", "cygnet")
    text, results = run(tmp_path, "--parts", "crowd", "busy", *small)
    for name in ("mbit_s", "cpu_s_per_gb", "packet_64_20000_us"):
        assert set(results["crowd"][name]) == {"cygnet_one", "cygnet_many"}
        assert all(value > 0 for runs in results["crowd"][name].values() for value in runs), name
    assert all(len(results["busy"][name]["cygnet"]) == 1 for name in ("tcp_lost", "link_lost"))
    assert all(value > 0 for name in ("tcp_alone", "tcp_busy") for value in results["busy"][name]["cygnet"])
    for title in ("12 SAs", "of TCP lost to them"):
        assert title in text


def test_row_beyond_this_build_is_said_to_be(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(Path(BENCH).parent))
    from measurements import Scale
    from report import table
    from rows import Row

    row = Row("later", "A later algorithm", "psk", "aes128gcm16-prfsha256-x25519-ke1_nosuch")
    assert "nosuch" in row.unsupported
    lines = list(table((row,), {row.name: row.unsupported}, {}, Scale(1, 1, 1, 1)))
    assert sum("A later algorithm" in line and "not supported by this build" in line for line in lines) > 1
    assert "nosuch" in lines[-1]
