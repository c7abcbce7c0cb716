"""cygnet.charon.encoding.payloads.encrypted"""

import pytest

from cygnet.charon.encoding.errors import InvalidFragmentError
from cygnet.charon.encoding.payloads import Encrypted, EncryptedFragment


def test_encrypted_payload_takes_the_inner_type_from_the_generic_header():
    payload = Encrypted.parse(b"data", 35)
    assert payload == Encrypted(35, b"data")
    assert (payload.build(), payload.describe()) == (b"data", "E")


def test_fragment_has_its_number_and_total():
    fragment = EncryptedFragment.parse(b"\0\1\0\3data", 35)
    assert fragment == EncryptedFragment(35, 1, 3, b"data")
    assert (fragment.build(), fragment.describe()) == (b"\0\1\0\3data", "EF(1/3)")


@pytest.mark.parametrize("octets", [b"", b"\0\1\0", b"\0\0\0\3x", b"\0\1\0\0x", b"\0\0\0\0x", b"\0\4\0\3x"])
def test_impossible_numbers_are_discarded_in_silence(octets):
    """RFC 7383, 2.6: not zero, and the number at most the total."""
    with pytest.raises(InvalidFragmentError) as caught:
        EncryptedFragment.parse(octets)
    assert caught.value.notify is None
