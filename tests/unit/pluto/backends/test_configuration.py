"""pluto's own section of strongswan.conf, and charon's behind it."""

import pytest

from cygnet.conf.settings import parse_settings
from cygnet.pluto.backends.configuration import LIMITS, ShellSettings, load


class OneFile:
    def __init__(self, text: str) -> None:
        self._text = text

    def read(self, path: str) -> str:
        return self._text

    def glob(self, pattern: str, relative_to: str) -> list[str]:
        return []


def settings(text: str) -> ShellSettings:
    return load(parse_settings("strongswan.conf", OneFile(text)))


def test_defaults_hold_for_an_empty_file() -> None:
    assert settings("") == ShellSettings()
    assert ShellSettings.__dataclass_fields__.keys() == {*LIMITS, "socket"}


def test_plutos_own_option_comes_first_and_charons_stands_in() -> None:
    found = settings("charon { port = 1500\n port_nat_t = 1600\n threads = 64 }\npluto { port = 2500 }")
    assert (found.port, found.port_nat_t, found.threads) == (2500, 1600, 4)


def test_numbers_are_brought_into_their_limits() -> None:
    assert settings("pluto { threads = 1 }").threads == 2
    assert settings("pluto { max_packet = 1000000 }").max_packet == 65535


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("charon { socket = raw }", "raw"),
        ("charon { socket = udp }", "auto"),  # which leaves the ports to charon
        ("charon { socket = raw }\npluto { socket = udp }", "udp"),
    ],
)
def test_kind_of_sockets_is_charons_unless_only_one_can_have_it(text: str, kind: str) -> None:
    assert settings(text).socket == kind
