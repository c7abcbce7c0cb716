"""User-mode Linux: a kernel with IPsec as an ordinary process, on this machine's file system.

Debian's package is used. Tests in ``tests/uml`` run inside, all in one boot; ``run_inside`` starts it and
reads what became of each.
"""

import os
import shlex
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

INSIDE = "CYGNET_INSIDE_UML"
REPOSITORY = Path(__file__).parents[3]
SCENARIOS = REPOSITORY / "tests" / "uml"
MEMORY = "1024M"
LIMIT_S = 900

INIT = """#!/bin/sh
exec >{folder}/console 2>&1 </dev/null
export {environment}
cd {repository} && exec {python} tests/uml/boot.py {arguments}
"""
_PASSED_ON = ("PATH", "HOME", "CYGNET_CACHE", "CYGNET_PEER_SUITE", "CYGNET_REQUIRE_PEERS")


@dataclass(frozen=True)
class Outcome:
    """What became of a test: ``passed``, ``failed`` or ``skipped``, and what pytest said."""

    result: str
    text: str


def uml_missing() -> str:
    """Empty when user-mode Linux can be booted here, else the reason."""
    if shutil.which("linux.uml") is None or not Path("/usr/lib/uml/modules").is_dir():
        return "no user-mode Linux (Debian's package user-mode-linux)"
    if os.geteuid() != 0:
        return "user-mode Linux on this machine's file system needs root"
    return ""


def run_inside(folder: Path, tests: list[str]) -> dict[str, Outcome]:
    """Boot, run these tests (``test_file.py::test_name``), and power off; outcomes by the same names.

    Raises :class:`RuntimeError` with the console's last words when that does not come to an end.
    """
    report = folder / "report.xml"
    arguments = [str(folder), *(f"tests/uml/{test}" for test in tests), "-q", f"--junitxml={report}"]
    arguments += ["-p", "no:cacheprovider", f"--basetemp={folder}/tmp/pytest"]
    init = folder / "init"
    environment = {name: os.environ[name] for name in _PASSED_ON if name in os.environ} | {INSIDE: "1"}
    init.write_text(
        INIT.format(
            folder=folder,
            environment=" ".join(f"{name}={shlex.quote(value)}" for name, value in environment.items()),
            repository=REPOSITORY,
            python=sys.executable,
            arguments=shlex.join(arguments),
        )
    )
    init.chmod(0o755)
    _boot(folder, init)
    if not report.exists():
        raise RuntimeError(_last_words(folder))
    return _outcomes(report)


def _boot(folder: Path, init: Path) -> None:
    command = [
        "linux.uml", f"mem={MEMORY}", "root=/dev/root", "rootfstype=hostfs", "rootflags=/", "rw",
        f"init={init}", "con=null", "con0=null", "quiet",
    ]  # fmt: skip
    with (folder / "kernel.log").open("wb") as log:
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT, start_new_session=True
        )
        try:
            process.wait(LIMIT_S)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, 9)
            process.wait()
            raise RuntimeError(f"not finished after {LIMIT_S} s: {_last_words(folder)}") from None


def _last_words(folder: Path) -> str:
    files = [folder / name for name in ("kernel.log", "console", "output")]
    texts = [file.read_text(errors="replace")[-3000:] for file in files if file.exists()]
    return "user-mode Linux gave no report:\n" + "\n".join(texts)


def _outcomes(report: Path) -> dict[str, Outcome]:
    found = {}
    for case in ElementTree.parse(report).iter("testcase"):
        name = f"{case.get('classname', '').rpartition('.')[2]}.py::{case.get('name')}"
        details = [(child.tag, f"{child.get('message')}\n{child.text}") for child in case]
        bad = [text for tag, text in details if tag in ("failure", "error")]
        skipped = [text for tag, text in details if tag == "skipped"]
        result = "failed" if bad else "skipped" if skipped else "passed"
        found[name] = Outcome(result, "\n".join(bad or skipped))
    return found
