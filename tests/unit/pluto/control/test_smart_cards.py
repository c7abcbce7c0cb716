"""``--scencrypt`` and ``--scdecrypt`` with a key that could be on a token."""

from functools import cache

import pytest
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from cygnet.base.errors import LocalError
from cygnet.crypto.keys import PrivateKey
from cygnet.ctl.whack import SmartCard
from cygnet.pluto.control.smart_cards import SmartCardHandler
from cygnet.runtime.tokens.keys import TokenRsaKey


@cache
def in_memory() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(65537, 2048)


def on_token(key_id: bytes) -> PrivateKey:
    own = in_memory()

    def sign(data: bytes, mechanism: str, parameter: object) -> bytes:
        return b""

    def decrypt(data: bytes) -> bytes:
        return own.decrypt(data, padding.PKCS1v15())

    return PrivateKey(TokenRsaKey(own.public_key(), sign, decrypt, key_id))


class Reply:
    def __init__(self) -> None:
        self.lines: list[str] = []

    def line(self, code: int, text: str) -> None:
        self.lines.append(f"{code:03} {text}")


def answer(request: SmartCard, *keys: PrivateKey) -> str:
    reply = Reply()
    SmartCardHandler(lambda: keys)(request, reply)
    (line,) = reply.lines
    assert line.startswith("000 ")
    return line[4:]


BASES = [("16", "0x6869"), ("64", "aGk="), ("256", "hi"), ("hex", "6869")]


@pytest.mark.parametrize(("base", "value"), BASES)
def test_what_the_card_encrypted_it_decrypts(base: str, value: str) -> None:
    keys = PrivateKey(in_memory()), on_token(b"\x45")
    hidden = answer(SmartCard(False, value, base, "base64"), *keys)
    assert answer(SmartCard(True, hidden, "base64", base), *keys) == value.removeprefix("0x")


def test_key_is_found_by_its_id() -> None:
    hidden = answer(SmartCard(False, "00", key_id="%smartcard:45"), on_token(b"\x44"), on_token(b"\x45"))
    assert len(hidden) == 512


@pytest.mark.parametrize(
    ("request_", "reason"),
    [
        (SmartCard(False, "00", key_id="%smartcard:46"), "no RSA key '%smartcard:46'"),
        (SmartCard(False, "00", key_id="45"), "is not written %smartcard"),
        (SmartCard(False, "00" * 300), "cannot do that with 300 octets"),
        (SmartCard(True, "00" * 3), "cannot do that with 3 octets"),
    ],
)
def test_refusal_has_its_reason(request_: SmartCard, reason: str) -> None:
    with pytest.raises(LocalError, match=reason):
        answer(request_, on_token(b"\x45"))


def test_key_in_a_file_is_no_key_on_a_token() -> None:
    with pytest.raises(LocalError, match="no RSA key on a token"):
        answer(SmartCard(False, "00"), PrivateKey(in_memory()))
