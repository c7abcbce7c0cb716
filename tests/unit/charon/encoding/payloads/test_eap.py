"""cygnet.charon.encoding.payloads.eap"""

import pytest

from cygnet.base.errors import MalformedError
from cygnet.charon.encoding.payloads import Eap


@pytest.mark.parametrize(("octets", "code", "identifier", "method", "text"), [
    ("01 07 0005 01", 1, 7, 1, "EAP/REQ/ID"),
    ("02 07 0009 01 61626364", 2, 7, 1, "EAP/RES/ID"),
    ("02 08 0006 03 1a", 2, 8, 3, "EAP/RES/NAK"),
    ("03 09 0004", 3, 9, None, "EAP/SUCC"),
    ("04 09 0004", 4, 9, None, "EAP/FAIL"),
    ("01 01 0005 c8", 1, 1, 200, "EAP/REQ/(200)"),
    ("09 01 0004", 9, 1, None, "EAP/(9)"),
])  # fmt: skip
def test_packet_is_read(octets, code, identifier, method, text):
    payload = Eap.parse(bytes.fromhex(octets))
    assert (payload.code, payload.identifier, payload.method) == (code, identifier, method)
    assert payload.describe() == text
    assert payload.build() == bytes.fromhex(octets)


@pytest.mark.parametrize("octets", [
    "", "010700", "01070004", "02070004", "01070006 01", "03090004 00", "03090000",
])  # fmt: skip
def test_length_that_lies_or_missing_type_is_malformed(octets):
    with pytest.raises(MalformedError):
        Eap.parse(bytes.fromhex(octets))
