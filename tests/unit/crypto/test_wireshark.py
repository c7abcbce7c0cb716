"""Rows of Wireshark's tables, as its documentation and its names of algorithms have them."""

from ipaddress import ip_address

import pytest

from cygnet.base.secret import Secret
from cygnet.crypto.key_log import EspSecrets, IkeSecrets
from cygnet.crypto.transforms import Transform
from cygnet.crypto.wireshark import esp_row, ikev1_row, ikev2_row

CBC, GCM = Transform(1, 12, 256), Transform(1, 20, 128)
SHA256, XCBC, SHA1_160 = Transform(3, 12), Transform(3, 5), Transform(3, 7)

SPIS = "0101010101010101,0202020202020202"
NAME = '"IPv4","192.0.2.1","192.0.2.2","0x000000c1"'


def ike(encryption: Transform, integrity: Transform | None) -> IkeSecrets:
    keys = b"\3" * 2, b"\4" * 2, b"\5" if integrity else b"", b"\6" if integrity else b""
    return IkeSecrets(b"\1" * 8, b"\2" * 8, encryption, integrity, *map(Secret, keys))


def esp(encryption: Transform, integrity: Transform | None, icv_bits: int = 0) -> EspSecrets:
    address = ip_address("192.0.2.1"), ip_address("192.0.2.2")
    key = Secret(b"\5" * 2 if integrity else b"")
    return EspSecrets(*address, 0xC1, encryption, integrity, Secret(b"\3" * 2), key, icv_bits)


def test_ikev2_rows_have_spis_keys_and_names() -> None:
    assert ikev2_row(ike(CBC, SHA256)) == (
        f'{SPIS},0303,0404,"AES-CBC-256 [RFC3602]",05,06,"HMAC_SHA2_256_128 [RFC4868]"'
    )
    assert ikev2_row(ike(GCM, None)) == (
        f'{SPIS},0303,0404,"AES-GCM-128 with 16 octet ICV [RFC5282]",,,"NONE [RFC4306]"'
    )


def test_ikev1_row_has_cookie_and_key() -> None:
    assert ikev1_row(b"\1" * 8, Secret(b"\xab\xcd")) == "0101010101010101,abcd"


def test_esp_rows_have_addresses_spi_names_and_keys() -> None:
    assert esp_row(esp(CBC, SHA256)) == (
        f'{NAME},"AES-CBC [RFC3602]","0x0303","HMAC-SHA-256-128 [RFC4868]","0x0505"'
    )
    assert esp_row(esp(GCM, None)) == (
        f'{NAME},"AES-GCM with 16 octet ICV [RFC4106]","0x0303","NULL",""'
    )
    assert '"HMAC-SHA-256-96 [draft' in str(esp_row(esp(CBC, SHA256, 96)))


def test_an_integrity_algorithm_without_a_name_is_one_that_is_not_checked() -> None:
    assert '"ANY 96-bits of Authentication [No Checking]"' in str(ikev2_row(ike(CBC, XCBC)))
    assert '"ANY 96 bit authentication [no checking]"' in str(esp_row(esp(CBC, XCBC)))


@pytest.mark.parametrize("number", [21, 28])
def test_a_cipher_without_a_name_has_no_row(number: int) -> None:
    cipher = Transform(1, number, 256)
    assert ikev2_row(ike(cipher, None)) is None
    assert esp_row(esp(cipher, None)) is None


def test_a_length_without_a_name_has_no_row() -> None:
    assert esp_row(esp(CBC, SHA1_160)) is None
