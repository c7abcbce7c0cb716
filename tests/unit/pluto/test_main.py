"""pluto's command line."""

from pathlib import Path

import pytest

from cygnet.pluto import daemon
from cygnet.pluto.daemon import Invocation
from cygnet.pluto.main import build, main, parse
from cygnet.runtime.program import UsageError


def test_options_are_taken(tmp_path: Path) -> None:
    (tmp_path / "more").write_text("--debug-natt --nocrsend # comment\n")
    words = "--nofork --stderrlog --ikeport 1500 --natikeport=1600 --ctlbase /x/p --debug-control"
    options = parse([*words.split(), "--optionsfrom", str(tmp_path / "more"), "--crlcheckinterval", "20",
                     "--keep_alive", "0", "--secretsfile", "/x/s"])  # fmt: skip
    assert (options.stderr, options.ctlbase, options.ports) == (
        True, "/x/p", {"ikeport": 1500, "natikeport": 1600},
    )  # fmt: skip
    assert options.debug == ["control", "natt"]
    assert options.ignored == ["--nocrsend", "--crlcheckinterval"]
    assert (options.keep_alive_s, options.secrets_file) == (0, "/x/s")


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        ("nofork", "'nofork' is no option"),
        ("--frobnicate", "unknown option '--frobnicate'"),
        ("--debug-nonsense", "unknown option"),
        ("--ikeport", "--ikeport wants an argument"),
        ("--ikeport 70000", "'70000' is no port"),
        ("--keep_alive soon", "'soon' is no number of seconds from 0 to 3600"),
        ("--secretsfile", "--secretsfile wants an argument"),
        ("--optionsfrom /nowhere/at/all", "--optionsfrom /nowhere/at/all"),
    ],
)
def test_wrong_option_is_named(words: str, reason: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse(words.split())
    assert reason in str(caught.value)


def test_options_replace_settings() -> None:
    assert Invocation().settings == {}
    assert Invocation(secrets_file="/x/s", keep_alive_s=0.0).settings == {
        "stroke_secrets_file": "/x/s", "keep_alive_s": 0.0,
    }  # fmt: skip


def test_options_without_effect_are_named_on_the_terminal(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(daemon, "Daemon", lambda invocation, end: invocation)
    build(parse(["--nocrsend", "--virtual_private", "%v4:10.0.0.0/8", "--keep_alive", "5"]))
    assert capsys.readouterr().err.splitlines() == [
        "pluto: --nocrsend has no effect in this version",
        "pluto: --virtual_private has no effect in this version",
    ]


def test_files_that_name_themselves_end(tmp_path: Path) -> None:
    (tmp_path / "a").write_text(f"--optionsfrom {tmp_path}/a")
    with pytest.raises(UsageError, match="nested more than 10"):
        parse(["--optionsfrom", str(tmp_path / "a")])


def test_usage_error_and_help_start_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--nonsense"]) == 2
    assert main(["--help"]) == 0
    assert main(["--version"]) == 0
    assert "usage: pluto" in capsys.readouterr().out


def test_second_pluto_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from cygnet.runtime.pidfile import PidFile

    first = PidFile(tmp_path / "pluto.pid", "pluto")
    first.take()
    assert main(["--ctlbase", str(tmp_path / "pluto")]) == 1
    assert "pluto is already running" in capsys.readouterr().err
    first.release()
