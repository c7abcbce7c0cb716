"""cygnet.charon.encoding.payloads.delete"""

import pytest

from cygnet.base.errors import MalformedError
from cygnet.charon.encoding.payloads import Delete


@pytest.mark.parametrize(("delete", "octets"), [
    (Delete(1), "01 00 0000"),
    (Delete(3, (b"abcd", b"efgh")), "03 04 0002 61626364 65666768"),
    (Delete(2), "02 04 0000"),
    (Delete(77, (b"ab",)), "4d 02 0001 6162"),
    (Delete(77), "4d 00 0000"),
])  # fmt: skip
def test_delete_is_read_and_written(delete, octets):
    assert delete.build() == bytes.fromhex(octets)
    assert Delete.parse(bytes.fromhex(octets)) == delete


@pytest.mark.parametrize("octets", [
    "", "030400", "03040001", "03040001616263", "030400016162636465", "0304ffff61626364",
    "03080001" + "61" * 8, "01080001" + "61" * 8, "01000001", "4d00ffff", "03000001",
])  # fmt: skip
def test_counts_and_sizes_that_lie_are_malformed(octets):
    with pytest.raises(MalformedError):
        Delete.parse(bytes.fromhex(octets))
