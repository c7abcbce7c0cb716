"""How a PPK_ID is shown; what both sides do with it is in tests/exchange/test_ppk.py."""

import pytest

from cygnet.charon.sa.ppk import shown


@pytest.mark.parametrize(("octets", "text"), [
    (b"ppk.lab", "ppk.lab"), ("Küche".encode(), "Küche"), (b"\0\1\xff", "00:01:ff"), (b"a\nb", "61:0a:62"),
    (bytes((192, 0, 2, 1)), "c0:00:02:01"),
])  # fmt: skip
def test_octets_that_are_no_text_are_shown_as_numbers(octets: bytes, text: str) -> None:
    assert shown(octets) == text
