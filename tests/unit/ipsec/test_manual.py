"""The manual page says what there is."""

import re
from pathlib import Path

from cygnet.ipsec.main import MODULES
from cygnet.stroke.commands import COMMANDS

PAGE = (Path(__file__).parents[3] / "docs/man/ipsec.8.md").read_text()
OPTIONS = {
    "--nofork", "--auto-update", "--debug", "--debug-more", "--debug-all", "--nolog", "--conf", "--utc",
    "--check", "--repair",
}  # fmt: skip
OTHERS = {"ipsec", "all", "CYGNET_CONFDIR", "CYGNET_RUNDIR"}


def test_every_verb_is_in_the_manual_and_no_other_word_is() -> None:
    words = {word.replace("\\", "") for word in re.findall(r"\*\*([^*]+)\*\*", PAGE)}
    assert words - OPTIONS - OTHERS == MODULES.keys() | set(COMMANDS) - {"del"}


def test_every_exit_status_of_the_code_is_in_the_manual() -> None:
    assert re.findall(r"^\| (\d+) \|", PAGE, re.M) == ["0", "1", "2", "3", "5", "7", "130"]
