"""DES with keys of 56 bits."""

from cygnet.crypto.des import encrypt_block


def test_known_block():
    # The variable plaintext test of NIST SP 500-20: key 0101010101010101, whose 56 bits are zero.
    assert encrypt_block(bytes(7), bytes.fromhex("8000000000000000")).hex() == "95f8a5e5dd31d900"


def test_key_bits_are_spread_over_eight_octets():
    # The variable key test of NIST SP 500-20: key 8001010101010101 is the first bit of 56.
    assert encrypt_block(bytes.fromhex("80000000000000"), bytes(8)).hex() == "95a8d72813daa94d"
    # Key 0101010101010102 is the last one.
    assert encrypt_block(bytes.fromhex("00000000000001"), bytes(8)).hex() == "869efd7f9f265a09"
