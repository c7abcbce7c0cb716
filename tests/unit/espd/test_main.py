"""One espd for each control socket."""

import fcntl
from pathlib import Path

from cygnet.espd.main import main
from cygnet.kernel.backends.userland_wire import ANOTHER_RUNS


def test_second_one_says_that_another_runs(tmp_path: Path) -> None:
    """Daemons that start one at the same time wait for the other's (``UserlandKernel.start``)."""
    with (tmp_path / "espd.pid").open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        assert main(["--socket", str(tmp_path / "espd.sock")]) == ANOTHER_RUNS
