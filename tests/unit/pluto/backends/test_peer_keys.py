"""Raw keys by identity, as ``whack --keyid`` tells them."""

from base64 import b64encode

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

from cygnet.base.errors import LocalError
from cygnet.base.identities import Identity
from cygnet.ctl import whack
from cygnet.pluto.backends import peer_keys
from cygnet.pluto.backends.peer_keys import PeerKeys, parse
from cygnet.pluto.control.public_keys import PublicKeysHandler

SUN, MOON = Identity.parse("@sun"), Identity.parse("@moon")


def key(bits: int) -> str:
    """A new key in the format of RFC 3110."""
    numbers = rsa.generate_private_key(65537, bits).public_key().public_numbers()
    return "0s" + b64encode(b"\x03\x01\x00\x01" + numbers.n.to_bytes(bits // 8)).decode()


ONE, OTHER = key(2048), key(1024)


class Reply:
    def __init__(self) -> None:
        self.lines: list[tuple[int, str]] = []

    def line(self, code: int, text: str) -> None:
        self.lines.append((code, text))


def ask(keys: PeerKeys, *requests: whack.AddKey) -> list[tuple[int, str]]:
    reply = Reply()
    for request in requests:
        PublicKeysHandler(keys)(request, reply)
    return reply.lines


def test_key_replaces_what_was_known_unless_it_is_one_more() -> None:
    keys = PeerKeys()
    ask(keys, whack.AddKey("@sun", rsa=ONE))
    (first,) = keys.of(SUN)
    ask(keys, whack.AddKey("@sun", add=True, rsa=OTHER))
    assert keys.of(SUN)[0] == first and len(keys.of(SUN)) == 2 and keys.of(MOON) == ()
    lines = ask(keys, whack.AddKey("@sun", rsa=OTHER))
    assert lines == [(2, "forgot 2 public keys of 'sun'"), (2, "added public key RSA 1024 bits of 'sun'")]
    assert first not in keys.of(SUN)


def test_key_is_forgotten() -> None:
    keys = PeerKeys()
    assert ask(keys, whack.AddKey("@sun", rsa=ONE), whack.AddKey("@sun"))[-1] == (
        2, "forgot 1 public key of 'sun'",
    )  # fmt: skip
    assert keys.of(SUN) == ()
    assert ask(keys, whack.AddKey("@sun")) == []


@pytest.mark.parametrize("text", ["0sAAAA", "0x01", "own.pem", "0sä"])
def test_what_is_no_key_is_refused_and_changes_nothing(text: str) -> None:
    keys = PeerKeys()
    ask(keys, whack.AddKey("@sun", rsa=ONE))
    with pytest.raises(LocalError):
        ask(keys, whack.AddKey("@sun", rsa=text))
    assert len(keys.of(SUN)) == 1


def test_there_is_a_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(peer_keys, "KEY_LIMIT", 1)
    keys = PeerKeys()
    keys.add(SUN, parse(ONE))
    with pytest.raises(LocalError, match="1 public keys already"):
        keys.add(MOON, parse(ONE))
