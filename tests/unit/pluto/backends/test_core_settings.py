"""The core's settings out of strongswan.conf."""

from dataclasses import replace

from cygnet.conf.settings import Settings, parse_settings
from cygnet.keying.config.settings import DaemonSettings
from cygnet.pluto.backends.core_settings import core_settings


class Files:
    def __init__(self, text: str) -> None:
        self.text = text

    def read(self, path: str) -> str:
        return self.text

    def glob(self, pattern: str, base: str) -> list[str]:
        return []


def tree(text: str) -> Settings:
    return parse_settings("strongswan.conf", Files(text))  # type: ignore[arg-type]


def test_charons_section_is_for_both() -> None:
    both = replace(DaemonSettings(), retransmit_tries=2, keep_alive_s=7)
    found = core_settings(tree(""), both, (500, 4500))
    assert (found.retransmit_tries, found.keep_alive_s) == (2, 7)
    assert (found.port, found.port_nat_t) == (500, 4500)


def test_half_open_sas_are_always_limited() -> None:
    assert core_settings(tree(""), DaemonSettings(), (500, 4500)).init_limit_half_open > 0
    few = replace(DaemonSettings(), init_limit_half_open=3)
    assert core_settings(tree(""), few, (500, 4500)).init_limit_half_open == 3


def test_aggressive_mode_with_a_secret_needs_a_yes() -> None:
    yes = "charon { i_dont_care_about_security_and_use_aggressive_mode_psk = yes }"
    assert not core_settings(tree(""), DaemonSettings(), (500, 4500)).aggressive_psk
    assert core_settings(tree(yes), DaemonSettings(), (500, 4500)).aggressive_psk
