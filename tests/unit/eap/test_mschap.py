"""MS-CHAP-V2 by the vectors of RFC 2759, 9.2 and RFC 3079, 3.5.3."""

import pytest

from cygnet.base.secret import Secret
from cygnet.eap.mschap import (
    Exchange,
    authenticator_response,
    nt_hash,
    nt_hash_of,
    nt_response,
    session_key,
    start_key,
    without_domain,
)
from cygnet.eap.ports import UserSecret

EXCHANGE = Exchange(
    bytes.fromhex("5B5D7C7D7B3F2F3E3C2C602132262628"),
    bytes.fromhex("21402324255E262A28295F2B3A337C7E"),
    b"User",
)
HASH = Secret(bytes.fromhex("44EBBA8D5312B8D611474411F56989AE"))
RESPONSE = bytes.fromhex("82309ECD8D708B5EA08FAA3981CD83544233114A3D85D6DF")
SERVER_SENDS = b"On the client side, this is the receive key; on the server side, it is the send key."


def test_challenge_of_8_2():
    assert EXCHANGE.challenge().hex() == "d02e4386bce91226"


def test_password_hash_of_8_3():
    assert nt_hash(Secret(b"clientPass")) == HASH


def test_nt_response_of_8_1():
    assert nt_response(HASH, EXCHANGE) == RESPONSE


def test_authenticator_response_of_8_7():
    wanted = b"S=407A5589115FD0D6209F510FE9C04566932CDA56"
    assert authenticator_response(HASH, RESPONSE, EXCHANGE) == wanted


def test_start_key_of_rfc3079():
    master = bytes.fromhex("FDECE3717A8C838CB388E527AE3CDD31")
    assert start_key(master, SERVER_SENDS).hex() == "8b7cdc149b993a1ba118cb153f56dccb"


def test_msk_is_both_keys_and_zeros():
    msk = session_key(HASH, RESPONSE).reveal()
    assert msk[:16].hex() == "d5f0e9521e3ea9589645e86051c82226"
    assert msk[16:32].hex() == "8b7cdc149b993a1ba118cb153f56dccb"
    assert msk[32:] == bytes(32)


def test_password_in_utf8_and_not():
    assert nt_hash(Secret("ä".encode())) == nt_hash(Secret(b"\xe4"))
    assert nt_hash(Secret("€".encode())) != nt_hash(Secret("ä".encode()))


@pytest.mark.parametrize(
    ("secret", "hashed"),
    [
        (UserSecret(), None),
        (UserSecret(nt_hash=Secret(b"short")), None),
        (UserSecret(nt_hash=HASH), HASH),
        (UserSecret(Secret(b"clientPass")), HASH),
    ],
)
def test_hash_of_what_is_known(secret, hashed):
    assert nt_hash_of(secret) == hashed


def test_domain_is_no_part_of_the_user():
    assert (without_domain(b"LAB\\carol"), without_domain(b"carol@lab")) == (b"carol", b"carol@lab")
